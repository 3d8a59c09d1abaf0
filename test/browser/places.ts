// Where a demo keeps what it must not lose: the provider's database and the applications' sessions, on real servers. The vitest
// project "browser" runs at the place of `npm start` without settings; "browser on other places" runs the same steps at all others.
// Each demo has a database and a Redis of its own, because the names of tables and keys are the same in every demo.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { secret } from "../leak-watch.ts";
import { query } from "../servers/postgres.ts";
import { startRedis } from "../servers/redis.ts";
import { newDatabase } from "../servers/running.ts";

/** What keeps the provider's data, and what keeps sessions. */
export interface Place {
  readonly database: "SQLite" | "Postgres";
  readonly sessions: "memory" | "SQLite" | "Redis" | "Postgres";
}

/** What holds data of a demo: the files of its folder, the provider's database server, the server of the sessions. */
export type Holder = "files" | "database" | "sessions";

/** A place that a demo can start on. */
export interface OpenPlace {
  /** The environment of `npm start` that leads there. */
  readonly variables: Readonly<Record<string, string>>;
  /** Everything that each holder holds, in which a text would be found. */
  contents(dataDirectory: string): Promise<ReadonlyMap<Holder, string>>;
  close(): Promise<void>;
}

/** The place of `npm start` without settings. */
export const home: Place = { database: "SQLite", sessions: "SQLite" };

const all = (["SQLite", "Postgres"] as const).flatMap((database) =>
  (["memory", "SQLite", "Redis", "Postgres"] as const).map((sessions): Place => ({ database, sessions })),
);

/** Whether this run is that of the vitest project "browser on other places". */
export const elsewhere: boolean = process.env["BROWSER_PLACES"] === "others";

const isHome = (place: Place) => place.database === home.database && place.sessions === home.sessions;

/** The places of this run. */
export const places: readonly Place[] = all.filter((place) => isHome(place) !== elsewhere);

/** Which holders a place has: memory is none that could be looked into. */
export function holders({ database, sessions }: Place): Holder[] {
  return [
    ...(database === "SQLite" || sessions === "SQLite" ? (["files"] as const) : []),
    ...(database === "Postgres" ? (["database"] as const) : []),
    ...(sessions === "Redis" || sessions === "Postgres" ? (["sessions"] as const) : []),
  ];
}

/** Makes the databases of a place and starts what has to be its own. */
export async function openPlace({ database, sessions }: Place): Promise<OpenPlace> {
  const provider = database === "Postgres" ? await newDatabase() : null;
  const shared = await sharedStore(sessions);
  return {
    variables: {
      ...(provider !== null && { DATABASE_URL: provider }),
      SESSION_STORE: shared?.url ?? `${sessions.toLowerCase()}:`,
      ...(shared !== null && { COOKIE_KEYS: `k:${secret(randomBytes(32).toString("base64url"))}` }),
    },
    async contents(dataDirectory) {
      const held = new Map<Holder, string>([["files", filesOf(dataDirectory)]]);
      if (provider !== null) held.set("database", await rowsOf(provider));
      if (shared !== null) held.set("sessions", await shared.contents());
      return held;
    },
    close: async () => shared?.close(),
  };
}

interface SharedStore {
  readonly url: string;
  contents(): Promise<string>;
  close(): Promise<void>;
}

async function sharedStore(sessions: Place["sessions"]): Promise<SharedStore | null> {
  if (sessions === "Postgres") {
    const url = await newDatabase();
    return { url, contents: () => rowsOf(url), close: () => Promise.resolve() };
  }
  if (sessions !== "Redis") return null;
  // What is compressed can't be searched.
  const { url, remove } = await startRedis(["--rdbcompression", "no"]);
  return { url, contents: () => keysOf(url), close: remove };
}

function filesOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "latin1"))
    .join("\n");
}

async function rowsOf(url: string): Promise<string> {
  const tables = await query(
    url,
    `SELECT string_agg(format('SELECT t::text AS row FROM %I.%I t', schemaname, tablename), ' UNION ALL ') AS every
     FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const rows = (await query(url, String(tables[0]?.["every"]))).map(({ row }) => String(row));
  // Bytes are printed as hexadecimal digits: each is there a second time as what it stands for.
  const bytes = rows.flatMap((row) => [...row.matchAll(/\\x((?:[0-9a-f]{2})+)/g)].map(([, hex = ""]) => hex));
  return [...rows, ...bytes.map((hex) => Buffer.from(hex, "hex").toString("latin1"))].join("\n");
}

async function keysOf(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys("*");
    const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    return [...keys, ...values.map((value) => value.toString("latin1"))].join("\n");
  } finally {
    redis.disconnect();
  }
}
