// The bench's side of a candidate: its process, pinned to the server's core, what it has used, and its end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Candidate, Usage } from "./candidate.ts";

/** The core a server has for itself; load, Redis and Postgres share the other. */
export const serverCore = 0;
/** The core of everything that is not measured. */
export const loadCore = 1;

/** A candidate that runs. */
export interface Running extends Omit<Candidate, "answers"> {
  readonly name: string;
  readonly pid: number;
  /** `127.0.0.1:port`, or what it wants to be called. */
  readonly host: string;
  /** Asks one of the candidate's `answers`; rejects as it does. */
  ask(name: string, argument?: unknown): Promise<unknown>;
  /** What it has used since it began. */
  usage(): Promise<Usage>;
  /** Ends it, and waits. */
  stop(): Promise<void>;
}

/** How to start one. */
export interface Start {
  readonly name: string;
  /** The file, from the bench's folder. */
  readonly file: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags of Node. */
  readonly flags?: readonly string[];
  /** The core it is pinned to, or `null`: all. */
  readonly core?: number | null;
}

/** None of them outlives the bench. */
const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** Starts a candidate and waits until it presents itself; rejects, with what it printed, if it ends before. */
export async function start({
  name,
  file,
  environment = {},
  flags = [],
  core = serverCore,
}: Start): Promise<Running> {
  const pin = core === null ? [] : ["taskset", "-c", String(core)];
  const node = [process.execPath, "--conditions=latchkey-source", "--disable-warning=ExperimentalWarning"];
  const [command, ...args] = [...pin, ...node, ...flags, join(import.meta.dirname, file)];
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NODE_ENV: "production", ...environment },
  });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  const candidate = await presented(child, name);
  const ask = asking(child, name);
  return {
    name,
    pid: child.pid ?? -1,
    ...candidate,
    host: candidate.host ?? `127.0.0.1:${candidate.port}`,
    ask,
    usage: async () => (await ask("usage")) as Usage,
    stop: () => stop(child),
  };
}

async function presented(child: ChildProcess, name: string): Promise<Omit<Candidate, "answers">> {
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4_000)));
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`${name} did not start: ${printed}`));
    child.once("exit", ended);
    child.once("error", reject);
    child.once("message", (message: { ready: Omit<Candidate, "answers"> }) => {
      child.off("exit", ended);
      resolve(message.ready);
    });
  });
}

interface Answered {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

function asking(child: ChildProcess, name: string): Running["ask"] {
  let last = 0;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  child.on("message", ({ id, value, error }: Answered) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(`${name}: ${error}`));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended`));
  });
  return (question, argument) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      child.send({ id, name: question, argument });
    });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exited;
  clearTimeout(timer);
}
