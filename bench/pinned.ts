// Which core what runs on: the server that is measured has one for itself, everything else shares the other.
import { execFileSync } from "node:child_process";
import { loadCore } from "./running.ts";

/** Moves a server's process, with all its threads, to the core of the load. */
export function pinToLoadCore(pid: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(loadCore), String(pid)], { stdio: "ignore" });
}
