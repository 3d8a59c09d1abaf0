// The Postgres store in operation: what a call costs, and what becomes of it when the server restarts, only reads, is full, is locked,
// hangs, or answers nobody. Nothing is repeated, nothing ends the process, everything heals by itself.
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Client } from "pg";
import { type PostgresServer, query, startPostgres } from "../../../test/servers/postgres.ts";
import { type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { type PostgresStoreOptions, postgresStore } from "../src/store/postgres.ts";
import type { SessionStore } from "../src/store/store.ts";
import { answersCounted } from "./postgres-answers.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";

const idle = 30 * minute;
const patience = { timeout: 10_000 };
let server: PostgresServer;
let url = "";
const opened: SessionStore[] = [];

function open(options: Partial<PostgresStoreOptions> = {}): SessionStore {
  const store = postgresStore({ url, ...options });
  opened.push(store);
  return store;
}

/** Settles within the two seconds that the contract gives. */
async function rejection(call: Promise<unknown>): Promise<unknown> {
  const since = performance.now();
  const [outcome] = await Promise.allSettled([call]);
  expect(performance.now() - since).toBeLessThan(2_000);
  if (outcome?.status !== "rejected") throw new Error("it was answered");
  return outcome.reason;
}

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.remove());
beforeEach(async () => {
  url = await server.database();
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close().catch(() => {});
});

describe("a call", () => {
  test("is one round trip; extensions are one together", async () => {
    const counted = await answersCounted(server.port);
    const store = open({ url: counted.through(url), connections: 1, flushEvery: 60_000 });
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    const cost = async (calls: () => Promise<unknown>) => {
      const before = counted.answers;
      await calls();
      return counted.answers - before;
    };
    expect(await cost(() => store.useSession("hash-1", start, idle))).toBe(1);
    expect(await cost(() => store.readSession("hash-1", start))).toBe(1);
    expect(await cost(() => store.insertSession(sessionRecord({ hash: "hash-2" })))).toBe(1);
    expect(await cost(() => store.updateSession(sessionRecord()))).toBe(1);
    expect(await cost(() => store.questionSession("hash-1", start))).toBe(1);
    expect(await cost(() => store.updateSignIn(signInRecord({ version: 1 })))).toBe(1);
    expect(await cost(() => store.deleteSession("hash-2"))).toBe(1);
    for (let used = 1; used <= 50; used++) await store.useSession("hash-1", start + used, idle);
    expect(await cost(() => store.sweep(start))).toBe(3);
    expect(await cost(() => store.close())).toBe(0);
    await counted.close();
  });

  test("that extends writes nothing but its row, within the hour: no index grows (HOT)", async () => {
    const store = open({ flushEvery: 60_000 });
    const hashes = Array.from({ length: 400 }, (_, index) => `h-${index}`);
    await Promise.all(hashes.map((hash) => store.insertSession(sessionRecord({ hash }))));
    for (let round = 1; round <= 20; round++) {
      const used = hashes.filter((_, index) => index % 20 === round % 20);
      await Promise.all(used.map((hash) => store.useSession(hash, start + round * minute, idle)));
      await store.sweep(start);
    }
    await store.close();
    const updates = () =>
      query(
        url,
        `SELECT n_tup_upd::int AS "all", n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'sessions'`,
      );
    await expect.poll(updates, patience).toEqual([{ all: 400, hot: 400 }]);
  });

  test("that extends the same sessions as another node's, in another order, never waits in a circle", async () => {
    const [one, two] = [open({ flushEvery: 60_000 }), open({ flushEvery: 60_000 })];
    const hashes = Array.from({ length: 200 }, (_, index) => `h-${index}`);
    await Promise.all(hashes.map((hash) => one.insertSession(sessionRecord({ hash }))));
    for (let round = 1; round <= 20; round++) {
      const now = start + round * 1_000;
      await Promise.all([
        ...hashes.map((hash) => one.useSession(hash, now, idle)),
        ...hashes.toReversed().map((hash) => two.useSession(hash, now + 1, idle)),
      ]);
      await Promise.all([one.sweep(start), two.sweep(start)]);
    }
    expect((await one.readSession("h-0", start))?.expiresAt).toBe(start + 20_001 + idle);
  });

  test.each([
    ["other users' live ones", "'other-' || n, 'other-' || n, n, NULL, 'store'"],
    ["ones of the same user that are over", "'over-' || n, 'user-1', n, n, 'store'"],
    ["ones of the same user elsewhere", "'forum-' || n, 'user-1', n, NULL, 'forum'"],
  ])("finds a user's live sign-ins without reading %s (CWE-400)", async (_, columns) => {
    const store = open();
    await store.insertSignIn(signInRecord());
    await query(
      url,
      `INSERT INTO latchkey.sign_ins (id, user_id, authenticated_at, ended_at, application, version, "user", device,
         absolute_expires_at, remembered, current, attempt, renewed_at, minted_at, revocation_owed)
       SELECT ${columns}, 0, '{}', '{}', 9e15, false, 's', 0, 0, 0, false FROM generate_series(1, 50000) AS n; ANALYZE`,
    );
    const asked = { application: "store", userId: "user-1", after: null, limit: 100 };
    await query(url, "SELECT pg_stat_reset()");
    for (let time = 0; time < 100; time++) expect(await store.liveSignIns(asked)).toEqual([signInRecord()]);
    await store.close();
    const read = async () => {
      const [row] = await query(
        url,
        `SELECT seq_tup_read::int AS scanned, idx_tup_fetch::int AS fetched,
           (SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes WHERE relname = 'sign_ins') AS entries
         FROM pg_stat_user_tables WHERE relname = 'sign_ins'`,
      );
      return row;
    };
    await expect.poll(read, patience).toEqual({ scanned: 0, fetched: 100, entries: 100 });
  });
});

describe("a server that", () => {
  test("restarts under load costs the calls that fell into it, and nothing else", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    let [answered, failed] = [0, 0];
    const enough = new AbortController();
    const load = Array.from({ length: 8 }, async () => {
      while (!enough.signal.aborted) {
        // Absent would sign somebody out.
        const used = await store.useSession("hash-1", start, idle).catch(() => "rejected" as const);
        expect(used).not.toBeNull();
        if (used === "rejected") failed++;
        else answered++;
      }
    });
    await expect.poll(() => answered).toBeGreaterThan(50);
    await server.stop("SIGINT");
    await expect.poll(() => failed).toBeGreaterThan(8);
    await server.start();
    const before = answered;
    await expect.poll(() => answered, patience).toBeGreaterThan(before + 50);
    enough.abort();
    await Promise.all(load);
  });

  test("only reads answers what is there, rejects what writes, and serves again without anybody's help", async () => {
    const store = open({ connections: 3 });
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    const database = new URL(url).pathname.slice(1);
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}' AND pid <> pg_backend_pid()`;
    await query(server.url, `ALTER DATABASE ${database} SET default_transaction_read_only = on; ${others}`);
    await expect
      .poll(() => store.useSession("hash-1", start, idle).catch(() => null), patience)
      .toEqual(sessionRecord());
    const writes = [
      store.insertSession(sessionRecord({ hash: "hash-2" })),
      store.updateSession(sessionRecord({ presented: true })),
      store.questionSession("hash-1", start),
      store.deleteSession("hash-1"),
      store.updateSignIn(signInRecord({ version: 1 })),
    ];
    const reasons = await Promise.all(writes.map(rejection));
    expect(reasons).toEqual(writes.map(() => expect.objectContaining({ code: "25006" })));
    await query(server.url, `ALTER DATABASE ${database} RESET default_transaction_read_only`);
    // The connections that only read are given up as they fail.
    const written = () => store.updateSession(sessionRecord({ presented: true })).catch(() => false);
    await expect.poll(written, patience).toBe(true);
    expect(await store.readSignIn("sign-in-1")).toEqual(signInRecord());
  });

  test("has no room left rejects what writes, keeps what was there, and goes on when there is room", async () => {
    const store = open();
    await store.insertSession(sessionRecord());
    await query(
      url,
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$;
       CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON latchkey.sessions EXECUTE FUNCTION full_disk()`,
    );
    expect(await rejection(store.insertSession(sessionRecord({ hash: "hash-2" })))).toMatchObject({
      code: "53100",
    });
    await store.useSession("hash-1", start + 20 * minute, idle);
    await expect(store.sweep(start)).rejects.toMatchObject({ code: "53100" });
    await query(url, "DROP TRIGGER full_disk ON latchkey.sessions");
    await store.sweep(start);
    const other = open();
    expect((await other.readSession("hash-1", start))?.expiresAt).toBe(start + 20 * minute + idle);
    expect(await other.readSession("hash-2", start)).toBeNull();
  });

  test("is locked by somebody rejects in time, and nothing of it is done afterwards", async () => {
    const store = open();
    await store.insertSignIn(signInRecord());
    const somebody = new Client({ connectionString: url });
    await somebody.connect();
    await somebody.query("BEGIN; SELECT 1 FROM latchkey.sign_ins FOR UPDATE");
    await rejection(store.updateSignIn(signInRecord({ version: 1 })));
    await somebody.query("ROLLBACK");
    await somebody.end();
    expect(await store.readSignIn("sign-in-1")).toEqual(signInRecord());
    expect(await store.updateSignIn(signInRecord({ version: 1 }))).toBe(true);
  });

  test("has no connection left rejects in time, and serves when there is one", async () => {
    const store = open({ connections: 1 });
    await store.readSession("hash-1", start);
    const somebody = new Client({ connectionString: url });
    await somebody.connect();
    await somebody.query("BEGIN; LOCK TABLE latchkey.sessions");
    const calls = Array.from({ length: 20 }, () => rejection(store.readSession("hash-1", start)));
    await Promise.all(calls);
    await somebody.end();
    await expect.poll(() => store.readSession("hash-1", start).catch(() => "rejected"), patience).toBeNull();
  });
});

describe("on the way to it, a network that", () => {
  let proxy: Proxy;
  beforeEach(async () => {
    proxy = await startProxy(server.port);
  });
  afterEach(() => proxy.close());

  test.each(["hang", "refuse", "garbage"] as const)(
    "does this rejects in time and heals: %s",
    async (fault) => {
      const store = open({ url: proxy.through(url) });
      await store.insertSession(sessionRecord());
      await proxy.set(fault);
      await rejection(store.useSession("hash-1", start, idle));
      await rejection(store.deleteSession("hash-1"));
      await proxy.set("pass");
      await expect
        .poll(
          () => store.insertSignIn(signInRecord({ id: String(performance.now()) })).catch(() => false),
          patience,
        )
        .toBe(true);
    },
  );

  test("loses the answer leaves a write done once or not at all, never twice", async () => {
    const store = open({ url: proxy.through(url) });
    await store.insertSignIn(signInRecord());
    await proxy.set("silent");
    await rejection(store.updateSignIn(signInRecord({ version: 1, current: "s1" })));
    await proxy.set("pass");
    const direct = open();
    await expect
      .poll(() => direct.readSignIn("sign-in-1"), patience)
      .toMatchObject({ version: 1, current: "s1" });
    const [row] = await query(
      url,
      "SELECT count(*)::int AS rows, max(version)::int AS version FROM latchkey.sign_ins",
    );
    expect(row).toEqual({ rows: 1, version: 1 });
  });
});

describe("no message", () => {
  test.each([
    ["of a server that refuses", "postgres://somebody:s3cret@127.0.0.1:1/db"],
    ["of a database that is not there", "postgres://postgres:s3cret@127.0.0.1:PORT/nowhere"],
    ["of a role that is not there", "postgres://nobody-here:s3cret@127.0.0.1:PORT/postgres"],
    ["of a server without TLS", "postgres://postgres:s3cret@127.0.0.1:PORT/postgres?sslmode=verify-full"],
  ])("%s holds the address or the password", async (_, address) => {
    const given = address.replace("PORT", String(server.port));
    const error = await rejection(open({ url: given }).readSession("hash-1", start));
    const all = inspect(error, { depth: 10, showHidden: true });
    expect(all).not.toContain("s3cret");
    expect(all).not.toContain("postgres://");
  });
});

test("a sweep passes by what another node is at, and waits for nobody", async () => {
  const store = open();
  for (const hash of ["held", "free"]) await store.insertSession(sessionRecord({ hash }));
  const somebody = new Client({ connectionString: url });
  await somebody.connect();
  await somebody.query("BEGIN; SELECT 1 FROM latchkey.sessions WHERE hash = 'held' FOR UPDATE");
  const later = start + 3 * 60 * minute;
  await store.sweep(later);
  expect(await query(url, "SELECT hash FROM latchkey.sessions")).toEqual([{ hash: "held" }]);
  await somebody.end();
  await expect
    .poll(async () => {
      await store.sweep(later);
      return query(url, "SELECT hash FROM latchkey.sessions");
    }, patience)
    .toEqual([]);
});
