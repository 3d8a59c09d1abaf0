// The tables of the Postgres store: made and upgraded once, while other nodes serve, and found again where somebody has taken them away.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Pool, types } from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { query } from "../../../test/servers/postgres.ts";
import { newDatabase } from "../../../test/servers/running.ts";
import { type PostgresStoreOptions, postgresStore } from "../src/store/postgres.ts";
import { steps, upgrade } from "../src/store/postgres-schema.ts";
import type { SessionStore } from "../src/store/store.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";

const idle = 30 * minute;
const opened: SessionStore[] = [];

function open(options: PostgresStoreOptions): SessionStore {
  const store = postgresStore(options);
  opened.push(store);
  return store;
}

async function upgraded(url: string, to: readonly string[]): Promise<void> {
  const pool = new Pool({ connectionString: url });
  try {
    await upgrade(pool, "latchkey", to);
  } finally {
    await pool.end();
  }
}

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

describe("the schema", () => {
  test("is made once by twenty nodes that start together, and by none before it is asked", async () => {
    const url = await newDatabase();
    const nodes = Array.from({ length: 20 }, () => open({ url, connections: 2 }));
    expect(await query(url, "SELECT 1 FROM pg_namespace WHERE nspname = 'latchkey'")).toEqual([]);
    const created = await Promise.all(nodes.map((store) => store.insertSession(sessionRecord())));
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await query(url, "SELECT step FROM latchkey.steps")).toEqual(
      steps.map((_, at) => ({ step: at + 1 })),
    );
  });

  test("of the next release is brought in while nodes of this one serve, and they go on", async () => {
    const url = await newDatabase();
    const store = open({ url });
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    let served = 0;
    const enough = new AbortController();
    const serving = Array.from({ length: 5 }, async (_, node) => {
      for (let count = 0; !enough.signal.aborted; count++) {
        expect(await store.useSession("hash-1", start + count, idle)).not.toBeNull();
        expect(await store.insertSignIn(signInRecord({ id: `${node}-${count}` }))).toBe(true);
        expect((await store.readSignIn("sign-in-1"))?.id).toBe("sign-in-1");
        served++;
      }
    });
    const next = `
      ALTER TABLE {schema}.sessions ADD COLUMN factor text NOT NULL DEFAULT 'password';
      ALTER TABLE {schema}.sign_ins ADD COLUMN named text;
      CREATE INDEX sign_ins_named ON {schema}.sign_ins (named)`;
    await upgraded(url, [...steps, next]);
    const before = served;
    await expect.poll(() => served).toBeGreaterThan(before + 20);
    enough.abort();
    await Promise.all(serving);
    const started = open({ url });
    expect(await started.insertSession(sessionRecord({ hash: "hash-2" }))).toBe(true);
    expect(await started.readSession("hash-2", start)).toEqual(sessionRecord({ hash: "hash-2" }));
    expect(await query(url, "SELECT max(step) AS version FROM latchkey.steps")).toEqual([
      { version: steps.length + 1 },
    ]);
  });

  test("is as it was after a step that failed, and the step is tried again", async () => {
    const url = await newDatabase();
    await open({ url }).insertSession(sessionRecord());
    const half = "ALTER TABLE {schema}.sessions ADD COLUMN factor text; SELECT 1 / 0";
    await expect(upgraded(url, [...steps, half])).rejects.toThrow("division by zero");
    expect(await query(url, "SELECT max(step) AS version FROM latchkey.steps")).toEqual([
      { version: steps.length },
    ]);
    await upgraded(url, [...steps, "ALTER TABLE {schema}.sessions ADD COLUMN factor text"]);
    expect(await open({ url }).readSession("hash-1", start)).toEqual(sessionRecord());
  });

  test("may be prepared for a role that must not make schemas", async () => {
    const url = await newDatabase();
    const role = `limited_${new URL(url).pathname.slice(1)}`;
    await query(url, `CREATE ROLE ${role} LOGIN; CREATE SCHEMA sessions AUTHORIZATION ${role}`);
    const limited = url.replace(/\/\/[^@]*@/, `//${role}@`);
    expect(await open({ url: limited, schema: "sessions" }).insertSession(sessionRecord())).toBe(true);
    await expect(open({ url: limited, schema: "elsewhere" }).readSession("hash-1", start)).rejects.toThrow(
      "permission denied",
    );
  });

  test("that somebody has dropped is made anew: a call that fell on it rejects, none is answered from nothing", async () => {
    const url = await newDatabase();
    const store = open({ url });
    await store.insertSession(sessionRecord());
    await query(url, "DROP SCHEMA latchkey CASCADE");
    await expect(store.readSession("hash-1", start)).rejects.toThrow("does not exist");
    expect(await store.readSession("hash-1", start)).toBeNull();
    expect(await store.insertSession(sessionRecord())).toBe(true);
  });

  test.each(["user", "order", "_"])("may be called what is a word of SQL: %s", async (schema) => {
    const store = open({ url: await newDatabase(), schema });
    expect(await store.insertSession(sessionRecord())).toBe(true);
    expect(await store.insertSignIn(signInRecord())).toBe(true);
    expect(await store.readSession("hash-1", start)).not.toBeNull();
  });

  test("keeps applications apart that share a database", async () => {
    const url = await newDatabase();
    const [shop, forum] = [open({ url, schema: "shop" }), open({ url, schema: "forum" })];
    await shop.insertSession(sessionRecord());
    await shop.insertSignIn(signInRecord());
    expect(await forum.readSession("hash-1", start)).toBeNull();
    expect(await forum.readSignIn("sign-in-1")).toBeNull();
    expect(await shop.readSession("hash-1", start)).not.toBeNull();
  });
});

describe("an option that is wrong", () => {
  const url = "postgres://127.0.0.1/db";
  test.each<[string, PostgresStoreOptions]>([
    ["url", { url: "not an address, s3cret" }],
    ["url", { url: "https://user:s3cret@example.com/db" }],
    ["url", { url: "postgres://user:s3cret#x@example.com/db" }],
    [
      "url",
      { url: "postgres://user:s3cret@example.com/db?sslmode=verify-full&sslrootcert=/nowhere/s3cret.pem" },
    ],
    ["schema", { url, schema: 'a"; DROP SCHEMA s3cret' }],
    ["schema", { url, schema: "" }],
    ["schema", { url, schema: "pg_sessions" }],
    ["connections", { url, connections: 0 }],
    ["connections", { url, connections: 1.5 }],
    ["flushEvery", { url, flushEvery: -1 }],
    ["flushEvery", { url, flushEvery: Number.NaN }],
  ])('stops the application at once, by its name and not its value: "%s"', (name, options) => {
    const trial = () => postgresStore(options);
    expect(trial).toThrow(TypeError);
    expect(trial).toThrow(`"${name}"`);
    expect(trial).not.toThrow("s3cret");
  });
});

describe("node-postgres", () => {
  test("is not loaded by the main entry", async () => {
    const program = `
      import { createRequire } from "node:module";
      await import("@latchkey/session");
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes("/pg/"));
      const before = loaded();
      await import("@latchkey/session/postgres");
      console.log(before, loaded());`;
    const args = ["--conditions=latchkey-source", "--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
    expect(stdout).toBe("false true\n");
  });

  test("reads big integers as it always did for everybody else", async () => {
    open({ url: "postgres://127.0.0.1/db" });
    expect(types.getTypeParser(types.builtins.INT8, "text")("1")).toBe("1");
  });
});
