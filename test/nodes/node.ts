// One node as a process of its own: started, asked whether it is ready, told to stop, killed, started again as another release.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { printed, unwatchedFetch } from "../leak-watch.ts";

/** What a node is started with. */
export interface NodeOptions {
  /** Of the repository, with its arguments. */
  readonly program: readonly string[];
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A node. Its process may end and be started again; what it is reached at stays. */
export interface Node {
  readonly port: number;
  /** What it has printed, over all its processes. */
  output(): string;
  /** Starts it, as the release named (release.ts); does not wait. */
  start(release?: string): void;
  /** Waits until `GET /api/status` answers 200; throws, with what it printed, if it ends before or takes too long. */
  ready(): Promise<void>;
  /** `GET /api/status` at its own address; `null` where nobody listens. */
  status(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Waits for its end; answers its exit code, `null` where a signal ended it. */
  ended(): Promise<number | null>;
  /** Starts it anew, as the release named: told to stop, waited for, started, waited for until it is ready. */
  restart(release?: string): Promise<void>;
}

const root = join(import.meta.dirname, "../..");
const patience = 60_000;

/** A node that is not running yet. */
export function node({ program, port, environment }: NodeOptions): Node {
  let child: ChildProcess | null = null;
  let text = "";

  const self: Node = {
    port,
    output: () => text,
    start(release = "today") {
      const preload = ["--import", join(import.meta.dirname, "release.ts")];
      const started = spawn(process.execPath, [...preload, "--conditions=latchkey-source", ...program], {
        cwd: root,
        env: { PATH: process.env["PATH"] ?? "", ...environment, RELEASE: release },
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [started.stdout, started.stderr])
        stream.on("data", (chunk: Buffer) => (text += printed(chunk.toString())));
      const orphaned = () => void started.kill("SIGKILL");
      process.once("exit", orphaned);
      started.once("exit", () => process.off("exit", orphaned));
      child = started;
    },
    async ready() {
      for (const start = performance.now(); (await self.status()) !== 200; await delay(25)) {
        const isRunning = child !== null && child.exitCode === null && child.signalCode === null;
        if (isRunning && performance.now() - start < patience) continue;
        throw new Error(`${program.join(" ")} on port ${port} is not ready:\n${text}`);
      }
    },
    status: () =>
      unwatchedFetch(`http://127.0.0.1:${port}/api/status`, { headers: { connection: "close" } }).then(
        async (answer) => (await answer.arrayBuffer(), answer.status),
        () => null,
      ),
    signal: (signal) => void child?.kill(signal),
    async ended() {
      if (child === null) return null;
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return child.exitCode;
    },
    async restart(release) {
      self.signal("SIGTERM");
      await self.ended();
      self.start(release);
      await self.ready();
    },
  };
  return self;
}
