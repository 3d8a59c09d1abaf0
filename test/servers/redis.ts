// A real Redis of one's own: a free port on loopback, data in a temporary folder, gone afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../free-ports.ts";
import { startChild } from "./child.ts";
import { type Program, provide } from "./machine.ts";

/** A running Redis. */
export interface RedisServer {
  readonly port: number;
  /** redis://127.0.0.1:port */
  readonly url: string;
  readonly pid: number;
  /** Ends the process; the data stay until `remove`. SIGKILL is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** Where redis-server is. */
export function redisProgram(): Program {
  return provide({ variable: "REDIS_SERVER_PATH", names: ["redis-server"], debian: "redis-server" });
}

/**
 * Starts a Redis that keeps nothing on disk unless `settings` say so.
 * @example const redis = await startRedis(["--appendonly", "yes", "--maxmemory", "8mb"]);
 */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const program = redisProgram();
  if (program.path === null) throw new Error(program.reason);
  const { path } = program;
  const folder = mkdtempSync(join(tmpdir(), "latchkey-redis-"));
  const [port = 0] = await freePorts(1);
  const base = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const args = [...base, "--appendonly", "no", ...settings];
  const start = () => startChild(path, args, () => isAnswering(port));
  let child = await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    stop: (signal) => child.stop(signal),
    async start() {
      child = await start();
    },
    async remove() {
      await child.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// Any reply will do, also one that says a password is needed.
function isAnswering(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (reply) => {
      socket.destroy();
      resolve(!reply.toString().startsWith("-LOADING"));
    });
    socket.once("error", () => resolve(false));
  });
}
