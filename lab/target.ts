/**
 * A target: the whole system of `npm start` as a process of its own, in a new folder, on free ports. The lab meets it
 * over HTTP alone, but for its clock, its data folder (what a thief of a backup has) and SIGTERM.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callApi } from "./client.ts";
import { hosts, startTlsFront, type TlsFront } from "./tls-front.ts";

/** What to start. */
export interface TargetOptions {
  /** The tree to run: this one, or a weakened copy of it. */
  readonly folder: string;
  readonly policy: "as-described" | "hardened";
  readonly workflow?: "sessions" | "sessions+refresh-tokens";
  /** Whether the applications stand behind TLS, under names of their own: for `__Host-` cookies and sibling hosts. */
  readonly tls?: boolean;
  /** More of `npm start`'s variables. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A message of the demo's outbox. */
export interface Message {
  readonly to: string;
  readonly subject: string;
}

/** A running target. */
export interface Target {
  /** The tree it runs, for an attack that needs a second target of the same kind. */
  readonly folder: string;
  readonly policy: TargetOptions["policy"];
  readonly origins: { readonly store: string; readonly forum: string; readonly idp: string };
  /** The TLS end before it; throws for a target that was started without. */
  front(): TlsFront;
  /** PEM of the certificate clients must trust; `null` without TLS. */
  readonly certificate: string | null;
  /** The folder with its databases and secrets. */
  readonly data: string;
  /** A secret of the installation, by its name in secrets.json; for an attacker who is said to have it, and for the lab's own look at the provider. */
  secret(name: string): string;
  /** Its clock, epoch milliseconds. */
  now(): number;
  /** Turns its clock forward. */
  pass(milliseconds: number): Promise<void>;
  /** Stops the process and starts it again over the same folder. */
  restart(): Promise<void>;
  /** The messages that were sent; `null` where the target has no outbox. */
  outbox(): Promise<Message[] | null>;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

const startDeadline = 30_000;
const clock = new URL("moved-clock.ts", import.meta.url).href;

/** Starts a target; throws, with what it printed, if it does not come up. */
export async function startTarget(options: TargetOptions): Promise<Target> {
  const [store = 0, forum = 0, idp = 0, outbox = 0] = await freePorts(4);
  const data = mkdtempSync(join(tmpdir(), "latchkey-lab-"));
  const front = options.tls === true ? await startTlsFront((name) => ({ store, forum })[name]) : null;
  const origins = {
    store: front === null ? `http://store.localhost:${store}` : `https://${hosts.store}:${front.port}`,
    forum: front === null ? `http://forum.localhost:${forum}` : `https://${hosts.forum}:${front.port}`,
    idp: `http://localhost:${idp}`,
  };
  const variables: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    POLICY: options.policy,
    WORKFLOW: options.workflow ?? "sessions+refresh-tokens",
    STORE_PORT: String(store),
    FORUM_PORT: String(forum),
    IDP_PORT: String(idp),
    OUTBOX_PORT: String(outbox),
    DATA_DIR: data,
    ...(front === null ? {} : { STORE_ORIGIN: origins.store, FORUM_ORIGIN: origins.forum }),
    ...options.environment,
  };
  let ahead = 0;
  const start = () => startProcess(options.folder, { ...variables, LAB_CLOCK_AHEAD: String(ahead) });
  let child = await start();
  return {
    folder: options.folder,
    policy: options.policy,
    origins,
    front() {
      if (front === null) throw new Error("The target has no TLS");
      return front;
    },
    certificate: front?.certificate ?? null,
    data,
    secret: (name) => String(JSON.parse(readFileSync(join(data, "secrets.json"), "utf8"))[name]),
    now: () => Date.now() + ahead,
    async pass(milliseconds) {
      ahead += milliseconds;
      child.send(ahead);
      await once(child, "message");
    },
    async restart() {
      await end(child);
      child = await start();
    },
    outbox: () => readOutbox(outbox),
    async stop() {
      await end(child);
      await front?.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}

async function startProcess(folder: string, env: Record<string, string>): Promise<ChildProcess> {
  const args = ["--import", clock, "--conditions=latchkey-source", "start.ts"];
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let printed = "";
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The target ${why}:\n${printed}`));
    const deadline = setTimeout(() => fail("did not come up"), startDeadline);
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      if (!/^ready/m.test(printed)) return;
      clearTimeout(deadline);
      resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => fail("ended"));
  });
  try {
    await ready;
    return child;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await ended;
  clearTimeout(patience);
}

async function readOutbox(port: number): Promise<Message[] | null> {
  const answer = await callApi(`http://127.0.0.1:${port}`, "GET", "/messages.json").catch(() => null);
  return answer?.status === 200 ? (answer.body as Message[]) : null;
}

const taken = new Set<number>();

/** Ports nobody listens on, and that no other target of this run was given. */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    // Below the range that systems hand out by themselves: nothing else takes one meanwhile.
    const port = randomInt(10_000, 32_000);
    if (!taken.has(port) && (await isFree(port))) ports.push(port);
    taken.add(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const isListening = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (isListening) await once(server.close(), "close");
  return isListening;
}
