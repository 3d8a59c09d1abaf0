// A program of this folder in a process of its own, with everything counted from the start; what it answers.
import { fork } from "node:child_process";
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { printed } from "../leak-watch.ts";

/** Runs it with these variables; throws, with what it printed, where it answers nothing. */
export async function answerOf(
  program: string,
  variables: Readonly<Record<string, string>> = {},
  flags: readonly string[] = ["--import", pathToFileURL(join(import.meta.dirname, "counting.ts")).href],
): Promise<unknown> {
  const child = fork(join(import.meta.dirname, program), {
    execArgv: ["--conditions=latchkey-source", ...flags],
    env: { PATH: process.env["PATH"] ?? "", ...variables },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const orphaned = () => void child.kill("SIGKILL");
  process.once("exit", orphaned);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (text += printed(chunk.toString())));
  let answer: unknown;
  child.once("message", (message) => (answer = message));
  await once(child, "close");
  process.off("exit", orphaned);
  if (answer === undefined) throw new Error(`${program} ended with ${child.exitCode}: ${text}`);
  return answer;
}
