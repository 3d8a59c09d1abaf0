// A database's file in the operating system's cache, where that of a database in use is. The virtual machines that this is measured on may take pages
// from there that nobody has read for half a minute, however much memory is free (DAMON's proactive reclaim), and nobody reads the
// million's while the others are measured: what would be measured then is that machine's disk.
import { closeSync, openSync, readSync } from "node:fs";
import type { Place } from "./ground.ts";

const piece = Buffer.alloc(4 * 1_024 * 1_024);

/** Reads it once, if it is a file. */
export function cache({ where, server }: Place): void {
  if (server !== null) return;
  const file = openSync(where, "r");
  while (readSync(file, piece) > 0);
  closeSync(file);
}
