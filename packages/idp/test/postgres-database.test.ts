// The connections to Postgres when the server is killed, locked, read-only, full or silent: StoreUnavailableError within the deadlines,
// nothing done twice, no password in what is said, and all is well again without a restart.
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type PostgresServer, query, startPostgres } from "../../../test/servers/postgres.ts";
import { type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { createIdp, StoreUnavailableError } from "../src/index.ts";
import { openStore } from "../src/store/open.ts";
import { type Connection, type Database, openDatabase, statement } from "../src/store/postgres/database.ts";
import type { Store } from "../src/store/store.ts";
import { KEYS } from "./idp.ts";

const PASSWORD = "the-password-of-the-database";
const TELLING = { uuid: () => crypto.randomUUID(), mails: false };

let server: PostgresServer;
let proxy: Proxy;
let url = "";
beforeAll(async () => {
  server = await startPostgres({ durable: true });
  proxy = await startProxy(server.port);
  url = (await server.database()).replace("postgres@", `postgres:${PASSWORD}@`);
  await query(url, "CREATE TABLE pairs (name text CONSTRAINT pairs_pkey PRIMARY KEY, n bigint NOT NULL)");
}, 60_000);
afterAll(async () => {
  await proxy.close();
  await server.remove();
});

const opened: (Database | Store)[] = [];
afterEach(async () => {
  await proxy.set("pass");
  for (const one of opened.splice(0)) await one.close();
  await query(url, "TRUNCATE pairs");
});

const insert = statement("insert", "INSERT INTO pairs (name, n) VALUES ($1, $2)");
const pairs = statement("pairs", "SELECT name, n FROM pairs ORDER BY name");
const sleep = statement("sleep", "SELECT pg_sleep($1)");
const backend = statement("backend", "SELECT pg_backend_pid() AS pid");
const hold = statement("hold", "SELECT n FROM pairs WHERE name = $1 FOR UPDATE");

function database(parameters = "", address = url): Database {
  const one = openDatabase(`${address}${parameters}`);
  opened.push(one);
  return one;
}

async function store(parameters = "", address = url): Promise<Store> {
  const one = await openStore(`${address}${parameters}`, null, TELLING);
  opened.push(one);
  return one;
}

async function failure(attempt: Promise<unknown>): Promise<{ error: unknown; milliseconds: number }> {
  const began = performance.now();
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailableError);
  return { error, milliseconds: performance.now() - began };
}

/** Until the step has done what it was told and waits. */
async function holding(
  db: Database,
  use: (connection: Connection) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const entered = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const step = db.step(async (connection) => {
    await use(connection);
    entered.resolve();
    await released.promise;
  });
  await entered.promise;
  return async () => {
    released.resolve();
    await step;
  };
}

describe("a step", () => {
  test("is all or nothing, and its numbers are numbers", async () => {
    const db = database();
    await db.step((connection) => connection.run(insert, "a", Number.MAX_SAFE_INTEGER));
    const failing = db.step(async (connection) => {
      await connection.run(insert, "b", 1);
      throw new TypeError("no");
    });
    await expect(failing).rejects.toThrow(TypeError);
    expect(await db.rows(pairs)).toEqual([{ name: "a", n: Number.MAX_SAFE_INTEGER }]);
  });

  test("that runs into a deadlock is repeated, and both are done once", async () => {
    const db = database();
    for (const name of ["a", "b"]) await db.run(insert, name, 0);
    const add = statement("add", "UPDATE pairs SET n = n + 1 WHERE name = $1");
    let begun = 0;
    const both = Promise.withResolvers<void>();
    const crossing = (first: string, second: string) =>
      db.step(async (connection) => {
        await connection.run(add, first);
        if ((begun += 1) === 2) both.resolve();
        await both.promise;
        await connection.run(add, second);
      });
    await Promise.all([crossing("a", "b"), crossing("b", "a")]);
    expect(begun).toBe(3);
    expect(await db.rows(pairs)).toEqual([
      { name: "a", n: 2 },
      { name: "b", n: 2 },
    ]);
  });

  test("that swallowed a failed statement is not told to be done", async () => {
    const db = database();
    await db.run(insert, "a", 0);
    const swallowing = db.step(async (connection) => {
      await connection.run(insert, "a", 0).catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow("had failed");
  });

  test("whose answer to COMMIT is lost is neither told to be done nor repeated", async () => {
    const db = database("?statement_timeout=300", proxy.through(url));
    await db.rows(pairs);
    let count = 0;
    const step = db.step(async (connection) => {
      count += 1;
      await connection.run(insert, `done ${count}`, 0);
      await proxy.set("silent");
    });
    expect((await failure(step)).milliseconds).toBeLessThan(4_000);
    expect(count).toBe(1);
    await proxy.set("pass");
    expect(await database().rows(pairs)).toEqual([{ name: "done 1", n: 0 }]);
  });

  test("whose connection ends in between is undone and not repeated", async () => {
    const db = database();
    let count = 0;
    const step = db.step(async (connection) => {
      count += 1;
      await connection.run(insert, "a", 0);
      await connection.row(statement("end", "SELECT pg_terminate_backend(pg_backend_pid())"));
    });
    await failure(step);
    expect([count, await db.rows(pairs)]).toEqual([1, []]);
  });
});

test("a duplicate costs no connection", async () => {
  const db = database("?pool_size=1");
  const before = await db.row(backend);
  await db.run(insert, "a", 0);
  await expect(db.run(insert, "a", 0)).rejects.toMatchObject({ code: "23505", constraint: "pairs_pkey" });
  expect(await db.row(backend)).toEqual(before);
});

test("every limit is set on every connection", async () => {
  const shown = statement(
    "shown",
    `SELECT name, setting FROM pg_settings WHERE name IN
       ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name') ORDER BY name`,
  );
  const settings = async (db: Database) =>
    Object.fromEntries((await db.rows(shown)).map(({ name, setting }) => [name, setting]));
  expect(await settings(database())).toEqual({
    application_name: "latchkey-idp",
    idle_in_transaction_session_timeout: "10000",
    lock_timeout: "2000",
    statement_timeout: "5000",
  });
  expect(
    await settings(database("?statement_timeout=1234&lock_timeout=567&application_name=mine")),
  ).toMatchObject({
    application_name: "mine",
    lock_timeout: "567",
    statement_timeout: "1234",
  });
});

describe("StoreUnavailableError, in time", () => {
  test("for a statement that takes too long; the next one is answered", async () => {
    const db = database("?statement_timeout=200&pool_size=1");
    expect((await failure(db.rows(sleep, 10))).milliseconds).toBeLessThan(1_500);
    expect(await db.rows(pairs)).toEqual([]);
  });

  test("for a lock that somebody holds", async () => {
    const db = database("?lock_timeout=200");
    await db.run(insert, "a", 0);
    const release = await holding(db, (connection) => connection.row(hold, "a"));
    const { milliseconds } = await failure(
      db.run(statement("delete", "DELETE FROM pairs WHERE name = $1"), "a"),
    );
    expect(milliseconds).toBeLessThan(1_500);
    await release();
    expect(await db.rows(pairs)).toHaveLength(1);
  });

  test("for a pool in which no connection becomes free", async () => {
    const db = database("?pool_size=2&connect_timeout=1");
    const releases = [await holding(db, async () => {}), await holding(db, async () => {})];
    const { milliseconds } = await failure(db.rows(pairs));
    expect(milliseconds).toBeGreaterThan(900);
    expect(milliseconds).toBeLessThan(2_000);
    for (const release of releases) await release();
    expect(await db.rows(pairs)).toEqual([]);
  });

  test("for a server on which no connection is left", async () => {
    await query(url, "CREATE ROLE few LOGIN CONNECTION LIMIT 1; GRANT ALL ON pairs TO few");
    const few = url.replace("//postgres:", "//few:");
    const [first, second] = [database("", few), database("", few)];
    const release = await holding(first, async () => {});
    await failure(second.rows(pairs));
    await release();
    await first.close();
    await vi.waitFor(async () => expect(await second.rows(pairs)).toEqual([]), 10_000);
  });

  test("for a server that says nothing; what was asked is not asked again", async () => {
    const db = database("?statement_timeout=300", proxy.through(url));
    await db.rows(pairs);
    await proxy.set("silent");
    expect((await failure(db.run(insert, "once", 0))).milliseconds).toBeLessThan(4_000);
    await proxy.set("pass");
    expect(await db.rows(pairs)).toEqual([{ name: "once", n: 0 }]);
  });

  test("for a server that does not even greet, or talks nonsense", async () => {
    const db = database("?connect_timeout=1", proxy.through(url));
    await proxy.set("hang");
    expect((await failure(db.rows(pairs))).milliseconds).toBeLessThan(2_500);
    await proxy.set("garbage");
    expect((await failure(db.rows(pairs))).milliseconds).toBeLessThan(2_500);
    await proxy.set("refuse");
    expect((await failure(db.rows(pairs))).milliseconds).toBeLessThan(1_000);
    await proxy.set("pass");
    expect(await db.rows(pairs)).toEqual([]);
  });
});

describe("the store", () => {
  test("goes on by itself after the server was killed and started again", async () => {
    const own = await store();
    await own.setNote("a", "before");
    // Several connections wait in the pool.
    await Promise.all(Array.from({ length: 10 }, () => own.note("a")));
    await server.stop("SIGKILL");
    await failure(own.check());
    await failure(own.setNote("a", "meanwhile"));
    // Its backends may be a moment longer in finding out that it is gone, and nobody starts beside them.
    await vi.waitFor(() => server.start(), { timeout: 15_000, interval: 200 });
    await own.check();
    expect(await Promise.all(Array.from({ length: 10 }, () => own.note("a")))).toEqual(
      Array(10).fill("before"),
    );
  });

  test("does without a server that has become read-only, and goes on when it is not any more", async () => {
    const own = await store();
    await own.setNote("a", "b");
    const name = new URL(url).pathname.slice(1);
    await query(server.url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    // A connection from before still writes; a new one is refused, as after a fail-over in which the server lost.
    await query(
      server.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
    await vi.waitFor(() => failure(own.setNote("a", "c")), 10_000);
    await failure(own.note("a"));
    await failure(own.check());
    await failure(openStore(url, null, TELLING));
    await query(server.url, `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await own.check();
    expect(await own.note("a")).toBe("b");
  });

  test("gives up a connection over which the server says that it is read-only", async () => {
    const db = database("?pool_size=1");
    const before = await db.row(backend);
    const readOnly = db.step(async (connection) => {
      await connection.run(statement("set-read-only", "SET TRANSACTION READ ONLY"));
      await connection.run(insert, "a", 0);
    });
    expect((await failure(readOnly)).error).toMatchObject({ cause: { code: "25006" } });
    expect(await db.row(backend)).not.toEqual(before);
  });

  test("goes by the database's clock, wherever the node's stands", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2031, 0, 1) });
    try {
      const own = await store();
      const [row] = await query(url, "SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now");
      expect(Math.abs(own.now() - Number(row?.["now"]))).toBeLessThan(2_000);
    } finally {
      vi.useRealTimers();
    }
  });

  test("closed, it answers what was begun and refuses what comes after", async () => {
    const own = await store();
    const begun = own.setNote("closing", "yes");
    await own.close();
    await begun;
    await failure(own.note("closing"));
    expect(await query(url, "SELECT value FROM notes WHERE name = 'closing'")).toEqual([{ value: "yes" }]);
  });
});

test("no message, no cause and no property of an error holds the password", async () => {
  const refused = url.replace(/:\d+\//, ":1/");
  const said: string[] = [];
  for (const address of [refused, `${url}_missing`, url.replace("//postgres:", "//nobody:")]) {
    said.push(inspect((await failure(openStore(address, null, TELLING))).error, { depth: 20 }));
  }
  const db = database("?statement_timeout=200");
  said.push(inspect((await failure(db.rows(sleep, 5))).error, { depth: 20 }));
  const config = { issuer: "http://idp.test", keys: KEYS };
  const bad = [
    url.replace(/@.*/, "@host:port/name"),
    `${url}?statement_timeout=0`,
    `${url}?pool_size=many`,
    url.replace(PASSWORD, `${PASSWORD}#`),
    url.replace("postgres://", "mysql://"),
  ];
  for (const address of bad) {
    const error: unknown = await createIdp({ ...config, database: address }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain('"database"');
    said.push(inspect(error, { depth: 20 }));
  }
  expect(said.join("\n")).not.toContain(PASSWORD);
  expect(said.join("\n")).toContain("ECONNREFUSED");
});
