// How long it takes to import a product: a process of its own each time, on the server's core, around `await import` alone.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { serverCore } from "../running.ts";
import type { Installed } from "./installed.ts";

const run = promisify(execFile);

const script = `
  const [offers, ...names] = process.argv.slice(1);
  const begun = performance.now();
  const modules = [];
  for (const name of names) modules.push(await import(name));
  const took = performance.now() - begun;
  const isOffered = (module) => typeof (module[offers] ?? module.default?.[offers]) === "function";
  if (!modules.some(isOffered)) throw new Error("None of " + names + " offers " + offers);
  console.log(took);
`;

/** Milliseconds; rejects where what was imported does not offer what it should. */
export async function importTime({ folder, imports, offers }: Installed): Promise<number> {
  const pinned = ["-c", String(serverCore), process.execPath, "--disable-warning=ExperimentalWarning"];
  const args = [...pinned, "--input-type=module", "-e", script, offers, ...imports];
  const { stdout } = await run("taskset", args, { cwd: folder });
  return Number(stdout);
}
