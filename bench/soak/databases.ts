// How large the databases are, and how many rows they hold, by table: looked at from outside, as an operator would.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Redis } from "ioredis";
import { query } from "../../test/servers/postgres.ts";

/** Bytes and rows, by database and by table. */
export interface Databases {
  /** Bytes, by database. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Bytes of what SQLite writes ahead, by database: a file that is filled once, and then written over from its beginning. */
  readonly logs: Readonly<Record<string, number>>;
  /** Rows, by "database.table". */
  readonly rows: Readonly<Record<string, number>>;
}

/** The SQLite files of a folder. */
export function sqliteIn(folder: string): Databases {
  const bytes: Record<string, number> = {};
  const logs: Record<string, number> = {};
  const rows: Record<string, number> = {};
  for (const file of readdirSync(folder)) {
    const [, name, log] = /^(.+)\.sqlite(-wal)?$/.exec(file) ?? [];
    if (name === undefined) continue;
    const { size } = statSync(join(folder, file));
    if (log !== undefined) logs[name] = size;
    else {
      bytes[name] = size;
      Object.assign(rows, rowsOf(join(folder, file), name));
    }
  }
  return { bytes, logs, rows };
}

function rowsOf(file: string, name: string): Record<string, number> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all();
    return Object.fromEntries(
      tables.map(({ name: table }) => [
        `${name}.${String(table)}`,
        Number(database.prepare(`SELECT count(*) AS n FROM "${String(table)}"`).get()?.["n"]),
      ]),
    );
  } finally {
    database.close();
  }
}

/** A Redis: its keys, and the memory its data take. */
export async function redisAt(url: string): Promise<Databases> {
  const client = new Redis(url);
  try {
    const memory = /used_memory:(\d+)/.exec(await client.info("memory"))?.[1];
    return { bytes: { redis: Number(memory) }, logs: {}, rows: { "redis.keys": await client.dbsize() } };
  } finally {
    client.disconnect();
  }
}

/** A Postgres database: its tables, and what it takes on the disk. */
export async function postgresAt(url: string): Promise<Databases> {
  const [size] = await query(url, "SELECT pg_database_size(current_database())::bigint AS bytes");
  const tables = await query(
    url,
    "SELECT schemaname || '.' || relname AS name FROM pg_stat_user_tables ORDER BY 1",
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const [counted] = await query(url, `SELECT count(*) AS n FROM ${String(name)}`);
    rows[`postgres.${String(name)}`] = Number(counted?.["n"]);
  }
  return { bytes: { postgres: Number(size?.["bytes"]) }, logs: {}, rows };
}

/** Several as one. */
export function together(all: readonly Databases[]): Databases {
  return {
    bytes: Object.assign({}, ...all.map(({ bytes }) => bytes)),
    logs: Object.assign({}, ...all.map(({ logs }) => logs)),
    rows: Object.assign({}, ...all.map(({ rows }) => rows)),
  };
}
