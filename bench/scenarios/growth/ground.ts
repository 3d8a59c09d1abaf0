// The databases of the growth scenario, all sizes side by side: each size has its own Redis, its own SQLite files and its own databases in
// the one Postgres. They are filled before anything is measured.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "../../../test/servers/postgres.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { loadCore, type Running, start } from "../../running.ts";

/** What is filled and measured. */
export type What = "redis" | "sqlite" | "postgres" | "provider-sqlite" | "provider-postgres";

/** One database. */
export interface Place {
  readonly size: number;
  /** A path or an address. */
  readonly where: string;
  /** The process of its server, if it has one. */
  readonly server: number | null;
  /** Bytes of its sessions, and of its sign-ins with their lists. */
  readonly bytes: readonly number[];
  /** People whose sign-ins have been ended since: nothing is theirs any more. */
  readonly ended: Set<number>;
}

/** All databases. */
export interface Ground {
  readonly places: ReadonlyMap<What, readonly Place[]>;
  /** Ends the servers and removes everything. */
  remove(): Promise<void>;
}

/** Those that take longest first. */
export const everything: readonly What[] = [
  "provider-postgres",
  "postgres",
  "provider-sqlite",
  "sqlite",
  "redis",
];

// A quarter of a small server's memory, as Postgres' manual advises for one of its own; checkpoints and WAL so that a minute of filling
// does not trail into what is measured.
const settings = ["shared_buffers=2GB", "max_wal_size=16GB", "min_wal_size=4GB", "checkpoint_timeout=30min"];

/** Starts the servers and fills the databases, two at once. */
export async function ground(
  whats: readonly What[],
  sizes: readonly number[],
  say: (line: string) => void,
): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-growth-"));
  const postgres = await startPostgres({ durable: true, settings });
  const redises = await Promise.all(sizes.map(() => startRedis()));
  const remove = async () => {
    await Promise.all([postgres, ...redises].map((server) => server.remove()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const places = await filled(whats, sizes, { folder, postgres, redises }, say);
    // Whoever connects to Postgres from now on gets a process where its first one is.
    for (const { pid } of [postgres, ...redises])
      execFileSync("taskset", ["-acp", String(loadCore), String(pid)], { stdio: "ignore" });
    return { places, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface Servers {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly redises: readonly RedisServer[];
}

async function filled(
  whats: readonly What[],
  sizes: readonly number[],
  servers: Servers,
  say: (line: string) => void,
): Promise<ReadonlyMap<What, readonly Place[]>> {
  const todo = whats.flatMap((what) => sizes.map((size) => ({ what, size })));
  // The biggest first: the others fill what is left of the time.
  todo.sort((one, other) => other.size - one.size);
  const places = new Map<What, Place[]>(whats.map((what) => [what, []]));
  const lane = async (name: string) => {
    const filler = await start({ name, file: "servers/growth-filler.ts", core: null });
    try {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
        const begun = performance.now();
        const { what, size } = next;
        places.get(what)?.push(await fill(filler, what, size, sizes.indexOf(size), servers));
        say(`${what} filled with ${size}: ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
      }
    } finally {
      await filler.stop();
    }
  };
  await Promise.all(["one filler", "another filler"].map(lane));
  for (const ofOne of places.values()) ofOne.sort((one, other) => one.size - other.size);
  return places;
}

async function fill(
  filler: Running,
  what: What,
  size: number,
  index: number,
  { folder, postgres, redises }: Servers,
): Promise<Place> {
  const at = Date.now();
  const redis = what === "redis" ? (redises[index] ?? null) : null;
  const isPostgres = what.endsWith("postgres");
  const where =
    redis?.url ?? (isPostgres ? await postgres.database() : join(folder, `${what}-${size}.sqlite`));
  const bytes = (await filler.ask(what, { where, size, at })) as readonly number[];
  return { size, where, server: redis?.pid ?? (isPostgres ? postgres.pid : null), bytes, ended: new Set() };
}
