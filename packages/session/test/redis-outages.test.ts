// What a Redis in trouble costs: calls fail soon, nothing is sent twice, nobody is told a password, and it goes on by itself.
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { freePorts } from "../../../test/free-ports.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { redisStore } from "../src/store/redis.ts";
import type { SessionStore } from "../src/store/store.ts";
import { day, hour, minute, sessionRecord, signInRecord, start } from "./records.ts";
import { ask, startTls } from "./redis-servers.ts";

const idle = 30 * minute;
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function server(settings: readonly string[] = []): Promise<RedisServer> {
  return open.adopt(await startRedis(settings), (redis) => redis.remove());
}

async function proxyTo(redis: RedisServer): Promise<Proxy> {
  return open.adopt(await startProxy(redis.port), (proxy) => proxy.close());
}

function storeAt(url: string, extras: Partial<Parameters<typeof redisStore>[0]> = {}): SessionStore {
  return open.adopt(redisStore({ url, application: "store", ...extras }), (store) => store.close());
}

/** How often each command was carried out since the last time of asking, as the server counts, scripts' own ones included. */
async function counted(redis: RedisServer): Promise<Record<string, number>> {
  const lines = String(await ask(redis.port, "info", "commandstats")).matchAll(
    /^cmdstat_(\w+):calls=(\d+)/gm,
  );
  await ask(redis.port, "config", "resetstat");
  const connecting = new Set(["hello", "client", "info", "config", "select"]);
  return Object.fromEntries(
    [...lines]
      .map(([, name = "", calls]) => [name, Number(calls)] as const)
      .filter(([name]) => !connecting.has(name)),
  );
}

/** Resolves when the call has settled: with its answer, or with what its rejection says. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  const since = performance.now();
  const result = await call.catch((error: unknown) => String(error));
  expect(performance.now() - since).toBeLessThan(2_000);
  return result;
}

describe("using a session", () => {
  test("is one command, and one that writes", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await store.useSession("hash-1", start, idle);
    await counted(redis);
    for (let n = 1; n <= 100; n++) await store.useSession("hash-1", start + n, idle);
    expect(await counted(redis)).toEqual({ evalsha: 100, pexpiretime: 100, getex: 100 });
    await store.useSession("nobody's", start, idle);
    expect(await counted(redis)).toEqual({ evalsha: 1, pexpiretime: 1 });
  });

  test("is one command for all that are used in one turn of the event loop, up to a hundred", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    const hashes = Array.from({ length: 120 }, (_, index) => `hash-${index}`);
    for (const hash of hashes) await store.insertSession(sessionRecord({ hash }));
    await store.readSignIn("sign-in-1");
    await counted(redis);
    const asked = [...hashes.toSpliced(7, 1, "nobody's"), "hash-0"];
    const used = await Promise.all(asked.map((hash) => store.useSession(hash, start, idle)));
    const found = used.map((session) => session?.hash ?? "nobody's");
    expect([found, used[0]?.expiresAt]).toEqual([asked, start + idle]);
    expect(await counted(redis)).toMatchObject({ evalsha: 2, pexpiretime: 121 });
  });

  test("takes nobody's away who shares a command with a key of another type", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await ask(redis.port, "lpush", "latchkey:store:s:list", "1");
    await ask(redis.port, "pexpireat", "latchkey:store:s:list", start + day);
    const hashes = ["hash-1", "list", "hash-1", "nobody's"];
    const used = await Promise.all(hashes.map((hash) => store.useSession(hash, start, idle)));
    expect(used.map((session) => session?.hash ?? null)).toEqual(["hash-1", null, "hash-1", null]);
  });

  test("is answered by a Cluster that is taken for one server, also where several are used in one turn", async () => {
    // By itself it would take a port ten thousand above its own, which may be none.
    const [bus = 0] = await freePorts(1);
    const redis = await server(["--cluster-enabled", "yes", "--cluster-port", String(bus)]);
    await ask(redis.port, "cluster", "addslotsrange", 0, 16_383);
    await expect
      .poll(() => ask(redis.port, "cluster", "info"), { timeout: 20_000 })
      .toContain("cluster_state:ok");
    const store = storeAt(redis.url);
    const hashes = ["hash-1", "hash-2", "hash-3"];
    for (const hash of hashes) await store.insertSession(sessionRecord({ hash }));
    for (let turn = 1; turn <= 3; turn++) {
      const used = await Promise.all(hashes.map((hash) => store.useSession(hash, start + turn, idle)));
      expect(used.map((session) => session?.hash)).toEqual(hashes);
    }
  });

  test("is answered when the store is closed in the same turn", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    // Redis knows the script from now on.
    await store.useSession("hash-1", start, idle);
    const used = store.useSession("hash-1", start, idle);
    await store.close();
    expect((await used)?.hash).toBe("hash-1");
  });

  test("goes on after the server has forgotten its scripts", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await ask(redis.port, "script", "flush");
    const used = await Promise.all(
      Array.from({ length: 50 }, () => store.useSession("hash-1", start + 1, idle)),
    );
    expect(used.map((session) => session?.expiresAt)).toEqual(used.map(() => start + 1 + idle));
  });

  test("leaves it to Redis to forget it, and its sign-in an hour after the limit", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    await store.useSession("hash-1", start + minute, idle);
    const limitOf = (key: string) => ask(redis.port, "pexpiretime", `latchkey:store:${key}`);
    expect(await limitOf("s:hash-1")).toBe(start + minute + idle);
    expect(await limitOf("i:sign-in-1")).toBe(start + day + hour);
    await store.insertSession(sessionRecord({ hash: "soon", expiresAt: Date.now() + 50 }));
    await expect.poll(() => ask(redis.port, "exists", "latchkey:store:s:soon")).toBe(0);
  });
});

describe("a connection that breaks", () => {
  test("fails what was under way, which is not sent again", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = storeAt(proxy.through(redis.url));
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    await store.readSignIn("sign-in-1");
    await counted(redis);
    await proxy.set("silent");
    const calls = [
      store.insertSession(sessionRecord({ hash: "hash-2" })),
      store.questionSession("hash-1", start + 1),
      store.deleteSession("hash-1"),
      store.readSignIn("sign-in-1"),
    ];
    const outcomes = Promise.all(calls.map(outcome));
    await expect.poll(async () => (await counted(redis))["get"] ?? 0).toBeGreaterThan(0);
    await proxy.set("refuse");
    for (const result of await outcomes) expect(result).toContain("Redis did not do it");
    await proxy.set("pass");
    await expect.poll(() => store.readSession("hash-2", start).catch(() => null)).not.toBeNull();
    const since = await counted(redis);
    expect(since).not.toHaveProperty("del");
    expect(since).not.toHaveProperty("set");
  });

  test("costs the next call nothing but the wait, and many calls one connection", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = storeAt(proxy.through(redis.url));
    await store.insertSession(sessionRecord());
    await proxy.set("refuse");
    await proxy.set("pass");
    // What notices.
    await outcome(store.readSignIn("sign-in-1"));
    const used = await Promise.all(
      Array.from({ length: 50 }, () => outcome(store.useSession("hash-1", start, idle))),
    );
    expect(used).toEqual(used.map(() => sessionRecord()));
    expect(proxy.accepted).toBe(2);
  });

  test("while nothing listens fails calls at once, and is made again when something does", async () => {
    const redis = await server(["--appendonly", "yes", "--appendfsync", "no"]);
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await redis.stop("SIGKILL");
    for (let n = 0; n < 3; n++) await outcome(store.readSignIn("sign-in-1"));
    const since = performance.now();
    for (let n = 0; n < 100; n++)
      expect(await outcome(store.readSignIn("sign-in-1"))).toContain("ECONNREFUSED");
    expect(performance.now() - since).toBeLessThan(1_000);
    await redis.start();
    await expect
      .poll(() => outcome(store.readSession("hash-1", start)), { timeout: 5_000 })
      .toEqual(sessionRecord());
  });

  test("to a server that hangs is given up within two seconds, and so is a new one", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    process.kill(redis.pid, "SIGSTOP");
    try {
      for (let n = 0; n < 3; n++)
        expect(await outcome(store.useSession("hash-1", start, idle))).toContain("Redis did not do it");
      expect(await outcome(store.insertSignIn(signInRecord()))).toContain("Redis did not do it");
    } finally {
      process.kill(redis.pid, "SIGCONT");
    }
    await expect
      .poll(() => outcome(store.readSession("hash-1", start)), { timeout: 5_000 })
      .toEqual(sessionRecord());
  });

  test("is broken off where answers are out of step: nobody gets another's session", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = storeAt(proxy.through(redis.url));
    const hashes = Array.from({ length: 50 }, (_, n) => `hash-${n}`);
    for (const hash of hashes) await store.insertSession(sessionRecord({ hash, signInId: `of ${hash}` }));
    await proxy.set("duplicate");
    const outcomes = await Promise.all(
      hashes.map(async (hash) => {
        for (let n = 0; n < 20; n++) {
          const found = await outcome(store.useSession(hash, start, idle));
          if (typeof found === "string") return "refused";
          expect(found).toMatchObject({ signInId: `of ${hash}` });
        }
        return "found";
      }),
    );
    await proxy.set("pass");
    expect(outcomes).toHaveLength(50);
    await expect.poll(() => outcome(store.readSession("hash-7", start))).toMatchObject({ hash: "hash-7" });
  });
});

describe("a record that names another", () => {
  test("is no answer to what was asked: nobody gets it, and the connection it came over is given up", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = storeAt(proxy.through(redis.url));
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    await ask(redis.port, "copy", "latchkey:store:s:hash-1", "latchkey:store:s:hash-2");
    await ask(redis.port, "copy", "latchkey:store:i:sign-in-1", "latchkey:store:i:sign-in-2");
    const wrong = [
      () => store.useSession("hash-2", start, idle),
      () => store.readSession("hash-2", start),
      () => store.insertSession(sessionRecord({ hash: "hash-2" })),
      () => store.readSignIn("sign-in-2"),
      () => store.insertSignIn(signInRecord({ id: "sign-in-2" })),
    ];
    for (const [n, call] of wrong.entries()) {
      expect(await outcome(call())).toContain("out of step");
      expect(await outcome(store.readSession("hash-1", start))).toEqual(sessionRecord());
      expect(proxy.accepted).toBe(n + 2);
    }
  });
});

describe("a Redis that refuses", () => {
  test("to write because it is a replica is asked again over a new connection", async () => {
    const [master, other] = [await server(), await server()];
    const store = storeAt(master.url);
    await store.insertSession(sessionRecord());
    await ask(master.port, "replicaof", "127.0.0.1", other.port);
    for (const write of [
      () => store.insertSession(sessionRecord({ hash: "hash-2" })),
      () => store.updateSession(sessionRecord({ presented: true })),
      () => store.insertSignIn(signInRecord()),
    ])
      expect(await outcome(write())).toContain("READONLY");
    await ask(master.port, "replicaof", "no", "one");
    await expect
      .poll(() => outcome(store.insertSession(sessionRecord({ hash: "hash-2" }))), { timeout: 5_000 })
      .toBe(true);
  });

  test("to write while too few replicas are there fails the writes, and answers reads", async () => {
    const redis = await server();
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    await ask(redis.port, "config", "set", "min-replicas-to-write", "1");
    expect(await outcome(store.updateSignIn(signInRecord({ version: 1 })))).toContain("NOREPLICAS");
    expect(await outcome(store.deleteSession("hash-1"))).toContain("NOREPLICAS");
    expect(await store.readSignIn("sign-in-1")).toEqual(signInRecord());
    await ask(redis.port, "config", "set", "min-replicas-to-write", "0");
    expect(await store.updateSignIn(signInRecord({ version: 1 }))).toBe(true);
  });

  test("to take more than its memory lets sessions be used and ended, and makes none", async () => {
    const redis = await server(["--maxmemory", "100mb", "--maxmemory-policy", "noeviction"]);
    const store = storeAt(redis.url);
    await store.insertSession(sessionRecord());
    await store.insertSignIn(signInRecord());
    await ask(redis.port, "config", "set", "maxmemory", "1");
    expect(await outcome(store.insertSession(sessionRecord({ hash: "hash-2" })))).toContain("OOM");
    expect(await outcome(store.insertSignIn(signInRecord({ id: "sign-in-2" })))).toContain("OOM");
    expect(await outcome(store.updateSignIn(signInRecord({ version: 1 })))).toContain("OOM");
    expect(await store.useSession("hash-1", start + 1, idle)).toMatchObject({ expiresAt: start + 1 + idle });
    await store.deleteSession("hash-1");
    await ask(redis.port, "config", "set", "maxmemory", "0");
    expect(await store.readSession("hash-1", start)).toBeNull();
    expect(await store.readSession("hash-2", start)).toBeNull();
    expect(await store.readSignIn("sign-in-2")).toBeNull();
    expect(await store.readSignIn("sign-in-1")).toEqual(signInRecord());
  });

  test("a password says so without it, and so does one that knows none of our commands", async () => {
    const password = secret("a password of Redis's own");
    const redis = await server(["--requirepass", password]);
    for (const said of ["not the right one, but a password", ""]) {
      const userinfo = said === "" ? "" : `:${encodeURIComponent(secret(said))}@`;
      const store = storeAt(redis.url.replace("//", `//${userinfo}`));
      const error: unknown = await store
        .insertSession(sessionRecord())
        .catch((rejection: unknown) => rejection);
      expect(String(error)).toContain(said === "" ? "NOAUTH" : "WRONGPASS");
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain(
        said === "" ? "ada@example.com" : said,
      );
    }
  });

  test("a database it does not have is not left for another", async () => {
    const redis = await server();
    const store = storeAt(`${redis.url}/77`);
    for (let n = 0; n < 3; n++) expect(await outcome(store.insertSession(sessionRecord()))).toContain("ERR");
    expect(await ask(redis.port, "dbsize")).toBe(0);
    const third = storeAt(`${redis.url}/3`);
    await third.insertSession(sessionRecord());
    expect(await ask(redis.port, "info", "keyspace")).toContain("db3:keys=1");
  });
});

describe("over TLS", () => {
  test("with a password, it is talked to by whoever trusts its authority, and by nobody else", async () => {
    const password = secret("p@ss:w/rd % of Redis");
    const tls = open.adopt(await startTls(password), (each) => each.remove());
    const url = `rediss://:${encodeURIComponent(password)}@127.0.0.1:${tls.port}`;
    const store = storeAt(url, { tls: { ca: tls.ca } });
    await store.insertSession(sessionRecord());
    expect(await store.useSession("hash-1", start, idle)).toEqual(sessionRecord());
    expect(await outcome(storeAt(url).readSignIn("sign-in-1"))).toMatch(/SELF_SIGNED/);
    const plain = storeAt(url.replace("rediss", "redis"));
    expect(await outcome(plain.readSignIn("sign-in-1"))).toContain("Redis did not do it");
  });
});
