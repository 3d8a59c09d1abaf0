// Starts the real program for a test, as an operator does: bin, environment, signals, and what it says on its two outputs. And runs a
// command in this process, as main.ts does, where only what it does is to be seen.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { printed } from "../../../test/leak-watch.ts";
import { invocationOf } from "../src/program/command.ts";
import { commands } from "../src/program/commands.ts";
import { reasonFor } from "../src/program/reason.ts";
import { ISSUER, KEYS, onPostgres } from "./idp.ts";

const bin = join(import.meta.dirname, "../bin/latchkey-idp.js");

/** The variables of a server on this database. */
export function variablesOf(database: string): Record<string, string> {
  const keys = KEYS.map(({ id, secret }) => `${id}:${secret}`).join();
  const named = onPostgres ? { DATABASE_URL: database } : { DATABASE: database };
  return { PORT: "0", ISSUER, KEYS: keys, LOG_LEVEL: "silent", ...named };
}

/** A program under way; it is killed after the test. */
export interface Running {
  readonly url: string;
  readonly pid: number;
  /** How it ended: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts the server and waits until it says where it listens; fails with what it said instead. */
export async function startServer(variables: Record<string, string>, args: string[] = []): Promise<Running> {
  const { child, exited } = started(variables, args);
  const stderr = text(child.stderr ?? process.stdin);
  for await (const line of createInterface(child.stdout ?? process.stdin)) {
    const url = /listens on (http:\S+?),/.exec(printed(line))?.[1];
    if (url === undefined) continue;
    return { url, pid: child.pid ?? 0, exited, signal: (signal) => void child.kill(signal) };
  }
  throw new Error(`did not start: ${await stderr}`);
}

/** Runs the program to its end. */
export async function runProgram(
  variables: Record<string, string>,
  args: string[],
  input = "",
): Promise<{ stdout: string; stderr: string; code: number | NodeJS.Signals | null }> {
  const { child, exited } = started(variables, args);
  child.stdin?.end(input);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout ?? process.stdin),
    text(child.stderr ?? process.stdin),
    exited,
  ]);
  return { stdout: printed(stdout), stderr: printed(stderr), code };
}

function started(
  variables: Record<string, string>,
  args: string[],
): { child: ChildProcess; exited: Running["exited"] } {
  const env = { PATH: process.env["PATH"], ...variables };
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(signal ?? code)),
  );
  return { child, exited };
}

/** Runs a command in this process, with what is typed or piped in; answers what it wrote and its exit code. */
export async function runCommand(
  variables: Record<string, string | undefined>,
  words: readonly string[],
  input = "",
): Promise<{ out: string; err: string; code: number }> {
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => words[index] === word));
  if (command === undefined) throw new Error(`There is no command ${words.join(" ")}`);
  const said = { out: "", err: "" };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    secret: async () => input,
  };
  try {
    const rest = words.slice(command.name.split(" ").length);
    return { code: await command.run(invocationOf(command, rest, { variables, terminal })), ...said };
  } catch (error) {
    const reason = reasonFor(error, variables);
    if (reason === null) throw error;
    return { ...said, err: `${said.err}${reason}\n`, code: 1 };
  }
}
