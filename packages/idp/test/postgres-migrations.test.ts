// The schema on Postgres is brought up to date once, however many nodes start, while others go on serving, the release before included.
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { newDatabase } from "../../../test/servers/running.ts";
import { query } from "../../../test/servers/postgres.ts";
import { createIdp, type Idp } from "../src/index.ts";
import { migrateStore, openStore } from "../src/store/open.ts";
import { migrate, type Step, STEPS, TABLES } from "../src/store/postgres/migrations.ts";
import { TABLES as sqliteTables } from "../src/store/sqlite/migrations.ts";
import type { Store } from "../src/store/store.ts";
import { databaseFile, KEYS, login, startIdp } from "./idp.ts";

const NOW = Date.UTC(2026, 0, 1);
const KNOWN = STEPS.length;

/** What the next release would do. */
const COLUMN: Step = {
  sql: "ALTER TABLE users ADD COLUMN nickname text; ALTER TABLE notes ADD COLUMN by text",
};
const BREAKING: Step = { sql: "ALTER TABLE users RENAME COLUMN email TO address", compatibleWith: KNOWN + 1 };

const opened: (Store | Idp)[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function node(database: string): Promise<Store> {
  const store = await openStore(database, () => NOW, { uuid: () => randomUUID(), mails: false });
  opened.push(store);
  return store;
}

const twenty = <T>(act: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 20 }, (_, index) => act(index)));

/** Serves until it is told to stop, and answers how often; any failure is one of the test's. */
function serving(store: Store): () => Promise<number> {
  const stamps = { version: 1, insertInstant: NOW, lastUpdateInstant: NOW };
  const told = new AbortController();
  const run = async (): Promise<number> => {
    let served = 0;
    for (; !told.signal.aborted; served += 1) {
      const tenant = {
        id: randomUUID(),
        name: `T${served} ${randomUUID()}`,
        isDefault: false,
        settings: {},
        ...stamps,
      };
      expect(await store.tenants.insert(tenant)).toBe("saved");
      expect(await store.tenants.find(tenant.id)).toEqual(tenant);
      await store.setNote("served", String(served));
      expect(await store.users.findByEmail(tenant.id, "a@b.c")).toBeNull();
    }
    return served;
  };
  const running = run();
  running.catch(() => undefined);
  return () => {
    told.abort();
    return running;
  };
}

test("of 20 nodes that start at once on an empty database one migrates, and all serve", async () => {
  const database = await newDatabase();
  const versions = await twenty(() => migrate(database));
  expect(versions.filter(({ from }) => from === 0)).toEqual([{ from: 0, to: KNOWN }]);
  expect(versions.filter(({ from }) => from === KNOWN)).toHaveLength(19);
});

test("20 providers that start at once on an empty database have one default tenant, and none fails", async () => {
  const database = await newDatabase();
  const config = { database: `${database}?pool_size=2`, issuer: "http://idp.test", keys: KEYS };
  opened.push(...(await twenty(() => createIdp({ ...config, now: () => NOW }))));
  expect(await query(database, "SELECT name, is_default FROM tenants")).toEqual([
    { name: "Default", is_default: true },
  ]);
  const rings = await Promise.all(
    opened.map(async (idp) => {
      if (!("fetch" in idp)) throw new Error("No provider");
      return (await idp.fetch(new Request("http://idp.test/.well-known/jwks.json"))).status;
    }),
  );
  expect(rings).toEqual(Array.from({ length: 20 }, () => 200));
});

test("nodes go on serving while another one migrates, on the same connections afterwards, and can start again", async () => {
  const database = await newDatabase();
  const stop = [serving(await node(database)), serving(await node(database))];
  const slowly: Step = { sql: "ALTER TABLE tenants ADD COLUMN color text; SELECT pg_sleep(0.3)" };
  const versions = await twenty(() => migrate(database, [...STEPS, COLUMN, slowly]));
  expect(versions.filter(({ from }) => from === KNOWN)).toEqual([{ from: KNOWN, to: KNOWN + 2 }]);
  stop.push(serving(await node(database)));
  const before = await countOf(database);
  await vi.waitFor(async () => expect(await countOf(database)).toBeGreaterThan(before + 10), 10_000);
  for (const served of await Promise.all(stop.map((end) => end()))) expect(served).toBeGreaterThan(0);
  expect(await migrateStore(database)).toEqual({ from: KNOWN + 2, to: KNOWN + 2 });
});

async function countOf(database: string): Promise<number> {
  return Number((await query(database, "SELECT count(*) AS n FROM tenants"))[0]?.["n"]);
}

test("a table that somebody holds is waited for in short turns, in which the others are served", async () => {
  const database = await newDatabase();
  const store = await node(database);
  const holder = new Client({ connectionString: database });
  await holder.connect();
  await holder.query("BEGIN; SELECT count(*) FROM users");
  let isDone = false;
  const migrating = migrate(database, [...STEPS, COLUMN]).finally(() => {
    isDone = true;
  });
  // The migration queues for the table, and whoever reads it queues behind.
  await vi.waitFor(async () => {
    const waiting =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    expect(await query(database, waiting)).not.toEqual([]);
  }, 10_000);
  expect(await store.users.findByEmail(randomUUID(), "a@b.c")).toBeNull();
  expect(isDone).toBe(false);
  await holder.query("COMMIT");
  await holder.end();
  expect(await migrating).toEqual({ from: KNOWN, to: KNOWN + 1 });
});

test("a step that fails leaves everything as it was", async () => {
  const database = await newDatabase();
  await migrate(database);
  const failing = migrate(database, [...STEPS, COLUMN, { sql: "ALTER TABLE nothing ADD COLUMN a text" }]);
  await expect(failing).rejects.toMatchObject({ code: "store-unavailable", cause: { code: "42P01" } });
  const columns = "SELECT 1 FROM information_schema.columns WHERE column_name = 'nickname'";
  expect(await query(database, columns)).toEqual([]);
  expect(await migrateStore(database)).toEqual({ from: KNOWN, to: KNOWN });
});

test("a database that can't hold every character is refused, and nothing is made in it", async () => {
  const other = await newDatabase();
  const database = `${other}_latin`;
  const name = database.replace(/^.*\//, "");
  await query(other, `CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
  try {
    for (const attempt of [node, migrateStore]) {
      await expect(attempt(database)).rejects.toMatchObject({
        code: "store-unavailable",
        cause: { message: "The database's encoding must be UTF8" },
      });
    }
    expect(await query(database, "SELECT to_regclass('latchkey_idp_schema') AS made")).toEqual([
      { made: null },
    ]);
  } finally {
    await query(other, `DROP DATABASE ${name} WITH (FORCE)`);
  }
});

test("code refuses a schema that it can't work on any more", async () => {
  const database = await newDatabase();
  await migrate(database, [...STEPS, COLUMN, BREAKING]);
  for (const attempt of [node, migrateStore]) {
    await expect(attempt(database)).rejects.toMatchObject({ code: "database-too-new" });
  }
  expect(await query(database, "SELECT version FROM latchkey_idp_schema")).toEqual([{ version: KNOWN + 2 }]);
});

test("on SQLite the tables are the same, cleared in the same order", async () => {
  const file = databaseFile();
  await migrateStore(file);
  const database = new DatabaseSync(file);
  const own = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1";
  const tables = database.prepare(own).all();
  database.close();
  expect(tables.map(({ name }) => name)).toEqual([...TABLES, "compatibility"].toSorted());
  expect(sqliteTables).toEqual(TABLES);
});

test("every table of the schema is one that clearing empties, and every foreign key has an index", async () => {
  const database = await newDatabase();
  await migrate(database);
  const tables = await query(
    database,
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  expect(tables.map(({ tablename }) => tablename)).toEqual([...TABLES, "latchkey_idp_schema"].toSorted());
  const bare = `SELECT conrelid::regclass::text AS "table", conkey FROM pg_constraint WHERE contype = 'f' AND NOT EXISTS
    (SELECT 1 FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])`;
  expect(await query(database, bare)).toEqual([]);
});

test("a rotation writes nothing but its row (HOT)", async () => {
  const database = await newDatabase();
  await migrate(database);
  const indexed = `SELECT DISTINCT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = 'refresh_tokens'::regclass`;
  const names = (await query(database, indexed)).map(({ attname }) => String(attname));
  for (const changed of [
    "generation",
    "key_id",
    "rotated",
    "expires",
    "ends",
    "accessed",
    "accessed_address",
  ]) {
    expect(names).not.toContain(changed);
  }
});

test("on SQLite code works on what later code says it can, and leaves it alone; else it refuses", async () => {
  const database = databaseFile();
  const { to } = await migrateStore(database);
  const file = new DatabaseSync(database);
  for (const table of TABLES) file.exec(`ALTER TABLE ${table} ADD COLUMN later TEXT`);
  file.exec(`PRAGMA user_version = ${to + 1}`);
  const idp = await startIdp({ database });
  expect((await login(idp)).status).toBe(200);
  await idp.close();
  expect(await migrateStore(database)).toEqual({ from: to + 1, to: to + 1 });
  file.exec(`UPDATE compatibility SET oldest = ${to + 1}`);
  file.close();
  await expect(node(database)).rejects.toMatchObject({ code: "database-too-new" });
});
