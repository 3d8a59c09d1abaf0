// How scaling.ts counts: CPU of this process and of a server, calls a second, bytes; and how it prints them. What is measured stands there.
import { readdirSync, readFileSync } from "node:fs";
import { query } from "./servers/postgres.ts";

/** What is counted besides this process' CPU. */
export interface Costs {
  /** The server's process, whose children count, too. */
  readonly server: number | null;
  /** Bytes that it has written ahead. */
  readonly wal?: (() => Promise<number>) | null;
}

/** Does it so often, so many at once, and prints CPU here, CPU of the server, calls a second and bytes of WAL, each for one. */
export async function measured(
  name: string,
  count: number,
  lanes: number,
  { server, wal = null }: Costs,
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  const before = {
    wal: await wal?.(),
    server: serverCpu(server),
    own: process.cpuUsage(),
    at: performance.now(),
  };
  await inFlight(count, lanes, one);
  const seconds = (performance.now() - before.at) / 1_000;
  const { user, system } = process.cpuUsage(before.own);
  const servers = server === null ? null : (serverCpu(server) - before.server) / count;
  const written = wal === null ? null : ((await wal()) - (before.wal ?? 0)) / count;
  const digits = user + system > 1_000 * count ? 0 : 1;
  report(name, [(user + system) / count, digits], [servers, digits], [count / seconds, 0], [written, 0]);
}

/** Calls `one` so often, so many at once: a lane goes on as soon as its call is answered. */
export async function inFlight(
  count: number,
  lanes: number,
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  const lane = async (first: number) => {
    for (let index = first; index < count; index += lanes) await one(index);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, (_, first) => lane(first)));
}

/** Microseconds of CPU so far of a process and those it began, to a hundredth of a second; Linux alone says it. */
export function serverCpu(pid: number | null): number {
  if (pid === null || process.platform !== "linux") return Number.NaN;
  let ticks = 0;
  for (const entry of readdirSync("/proc")) {
    const fields = /^\d+$/.test(entry) ? statOf(entry) : [];
    const isOurs = Number(entry) === pid;
    if (isOurs || Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
    // Of those that have ended.
    if (isOurs) ticks += Number(fields[13]) + Number(fields[14]);
  }
  return ticks * 10_000;
}

// From the third field on: the second, the name, may have spaces in it.
function statOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
  } catch {
    return [];
  }
}

/** Bytes of WAL that this Postgres has written so far. */
export async function walBytes(url: string): Promise<number> {
  const [row] = await query(url, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes");
  return Number(row?.["bytes"]);
}

/** Prints a line of the table; of each value how many digits. */
export function report(name: string, ...values: readonly [number | null, number][]): void {
  const shown = values.map(([value, digits]) => (value === null ? "–" : value.toFixed(digits)).padStart(12));
  console.log(`${name.padEnd(64)}${shown.join("")}`);
}

/** Prints what one of so many rows takes in these tables, with the free space in its pages. */
export async function tableBytes(url: string, tables: readonly string[], rows: number): Promise<void> {
  for (const table of tables) {
    const [size] = await query(
      url,
      `SELECT pg_table_size('${table}') AS rows, pg_indexes_size('${table}') AS indexes`,
    );
    const [inRows, inIndexes] = [Number(size?.["rows"]) / rows, Number(size?.["indexes"]) / rows];
    report(`bytes of a row of ${table}, Postgres: row; indexes`, [inRows, 0], [inIndexes, 0]);
  }
}
