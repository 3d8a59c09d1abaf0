// A server under test as a child process: started, awaited, ended by its own id.
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/** A running server. */
export interface Child {
  readonly pid: number;
  /** Asks it to end, and waits; kills what does not end within ten seconds. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const patience = 30_000;

/** Starts a program and waits until `isReady` says so; throws, with what it printed, if it ends before or takes half a minute. */
export async function startChild(
  command: string,
  args: readonly string[],
  isReady: () => Promise<boolean>,
  options: SpawnOptions = {},
): Promise<Child> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4_000)));
  const spawned = await Promise.race([once(child, "spawn"), once(child, "error")]);
  if (spawned[0] instanceof Error) throw spawned[0];
  const orphaned = () => void child.kill("SIGKILL");
  process.once("exit", orphaned);
  child.once("exit", () => process.off("exit", orphaned));
  for (const start = performance.now(); !(await isReady().catch(() => false)); await delay(20)) {
    const late = performance.now() - start > patience;
    if (!late && child.exitCode === null && child.signalCode === null) continue;
    child.kill("SIGKILL");
    throw new Error(`${command} did not start: ${printed}`);
  }
  return { pid: child.pid ?? -1, stop: (signal = "SIGTERM") => stop(child, signal) };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(timer);
}
