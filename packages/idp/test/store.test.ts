// Every store keeps the whole of the contract: SQLite in this process, and Postgres, where the two nodes of a case are two pools of
// connections to one real server, which the outage kills.
import { rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, test, vi } from "vitest";
import { type PostgresServer, query, startPostgres } from "../../../test/servers/postgres.ts";
import { type Damaged, type Runner, type StoreHarness, storeConformance } from "../src/store/conformance.ts";
import { migrateStore, openStore } from "../src/store/open.ts";
import { TABLES } from "../src/store/postgres/migrations.ts";
import type { Store } from "../src/store/store.ts";
import { databaseFile } from "./idp.ts";

vi.setConfig({ testTimeout: 60_000 });

const runner: Runner = { describe, beforeEach, afterEach, test };

const told = { uuid: randomUUID, mails: true };

const COLUMN: Readonly<Record<Damaged, string>> = {
  users: "profile",
  applications: "settings",
  refresh_tokens: "meta_data",
  outbox: "event",
};

function copies(copyId: string): string {
  const same = `tenant_id, application_id, user_id, secret, key_id, generation, rotated, expires, ends,
    meta_data, accessed_address, accessed, sweep_at`;
  return `INSERT INTO refresh_tokens (id, started, ${same})
    SELECT ${copyId}, started + number, ${same} FROM refresh_tokens, numbers WHERE id = ?`;
}

function sqliteHarness(): StoreHarness {
  const file = databaseFile();
  let opened = new Map<() => number, Promise<Store>>();
  return {
    name: "SQLite",
    async fresh() {
      opened = new Map();
      for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    },
    open(now) {
      const store = opened.get(now) ?? openStore(file, now, told);
      opened.set(now, store);
      return store;
    },
    async damage(table) {
      const db = new DatabaseSync(file);
      db.exec(`UPDATE ${table} SET ${COLUMN[table]} = '{'`);
      db.close();
    },
    async multiply(tokenId, count) {
      const db = new DatabaseSync(file);
      const numbers = `WITH RECURSIVE numbers (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ${count})`;
      db.prepare(`${numbers} ${copies("printf('copy-%d', number)")}`).run(tokenId);
      db.close();
    },
    async outage(stores) {
      const [now] = opened.keys();
      await Promise.all(stores.map((store) => store.close()));
      return { end: async () => [await openStore(file, now ?? null, told)] };
    },
    async hold() {
      const db = new DatabaseSync(file);
      db.exec("BEGIN IMMEDIATE");
      return { release: async () => db.close() };
    },
    deadline: 3_000,
  };
}

storeConformance(sqliteHarness(), runner);

describe("with a server", () => {
  let server: PostgresServer;
  let url = "";
  beforeAll(async () => {
    // Nothing waits for the disk, but what was acknowledged outlives the process.
    server = await startPostgres({ settings: ["synchronous_commit=on"] });
    url = await server.database();
    await migrateStore(url);
  }, 60_000);
  afterAll(() => server.remove());

  const harness: StoreHarness = {
    name: "Postgres",
    fresh: async () => void (await query(url, `TRUNCATE ${TABLES.join(", ")} RESTART IDENTITY`)),
    open: (now) => openStore(`${url}?lock_timeout=500`, now, told),
    damage: async (table) => void (await query(url, `UPDATE ${table} SET ${COLUMN[table]} = '{'`)),
    async multiply(tokenId, count) {
      const numbers = `WITH numbers AS (SELECT generate_series(1, ${count}) AS number)`;
      const insert = copies("'copy-' || number").replace("?", `'${tokenId}'`);
      await query(url, `${numbers} ${insert}`);
    },
    async outage(stores) {
      // As it is after a crash: nobody is told, everybody is cut off.
      await server.stop("SIGQUIT");
      return {
        async end() {
          await server.start();
          return stores;
        },
      };
    },
    async hold() {
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`BEGIN; LOCK TABLE ${TABLES.join(", ")} IN EXCLUSIVE MODE`);
      return { release: () => client.end() };
    },
    deadline: 3_000,
  };

  storeConformance(harness, runner);
});
