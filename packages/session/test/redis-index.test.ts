// The lists of sign-ins in Redis lose nothing: whoever crashes between which two writes, and whoever writes beside whom.
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { ended, paid } from "../src/judgement.ts";
import { redisStore } from "../src/store/redis.ts";
import { redisAddress } from "../src/store/redis-address.ts";
import { redisClient } from "../src/store/redis-client.ts";
import { type RedisConnection, redisConnection } from "../src/store/redis-connection.ts";
import { type SignInIndex, signInIndex } from "../src/store/redis-index.ts";
import { signInValue } from "../src/store/redis-records.ts";
import { advance } from "../src/store/redis-scripts.ts";
import type { SessionStore, SignInRecord } from "../src/store/store.ts";
import { day, hour, signInRecord, start } from "./records.ts";
import { ask } from "./redis-servers.ts";

let redis: RedisServer;
let proxy: Proxy;
/** A store that sees everything, and the index it uses. */
let store: SessionStore;
let connection: RedisConnection;
let index: SignInIndex;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startProxy(redis.port);
});
afterAll(async () => {
  await proxy.close();
  await redis.remove();
});
beforeEach(async () => {
  await ask(redis.port, "flushall");
  store = redisStore({ url: redis.url, application: "store" });
  connection = redisConnection(redisClient(redisAddress(redis.url), {}));
  index = signInIndex(connection, "latchkey:store:");
});
afterEach(async () => {
  await proxy.set("pass");
  await Promise.all([store.close(), connection.close()]);
});

const ofUser = { application: "store", userId: "user-1", after: null, limit: 100 };
const ofAll = { ...ofUser, userId: null };

/** What the lists say; whether that is what the records say, is the tests' question. */
async function lists(): Promise<{ ofUser: string[]; ofAll: string[]; owing: string[] }> {
  const ids = (signIns: readonly SignInRecord[]) => signIns.map(({ id }) => id).toSorted();
  return {
    ofUser: ids(await store.liveSignIns(ofUser)),
    ofAll: ids(await store.liveSignIns(ofAll)),
    owing: ids(await store.signInsOwingRevocation(100)),
  };
}

/** What they have to say of one sign-in. */
async function expected(id: string): Promise<{ ofUser: string[]; ofAll: string[]; owing: string[] }> {
  const signIn = await store.readSignIn(id);
  const live = signIn !== null && signIn.ended === null ? [id] : [];
  return { ofUser: live, ofAll: live, owing: signIn?.revocationOwed === true ? [id] : [] };
}

/** Entries there are in all lists, needed or not. */
async function entries(): Promise<number> {
  const keys = await ask(redis.port, "keys", "latchkey:store:[ulo]*");
  const counts = (Array.isArray(keys) ? keys : []).map((key) => ask(redis.port, "zcard", String(key)));
  return (await Promise.all(counts)).reduce<number>((sum, count) => sum + Number(count), 0);
}

describe("a node that dies", () => {
  const signIn = signInRecord();
  const tombstone = ended(signIn, "signed-out", true, start + 1);
  const settled = paid(tombstone);
  const owedAgain = { ...settled, version: settled.version + 1, revocationOwed: true };
  const steps: readonly [string, readonly SignInRecord[], (node: SessionStore) => Promise<boolean>][] = [
    ["makes a sign-in", [], (node) => node.insertSignIn(signIn)],
    ["renews it", [signIn], (node) => node.updateSignIn({ ...signIn, version: 1 })],
    ["ends it", [signIn], (node) => node.updateSignIn(tombstone)],
    ["pays what it owes", [signIn, tombstone], (node) => node.updateSignIn(settled)],
    ["owes it again", [signIn, tombstone, settled], (node) => node.updateSignIn(owedAgain)],
  ];

  test.each(steps)(
    "wherever it breaks off while it %s leaves lists that miss nothing",
    async (_, before, step) => {
      const seen = new Set<string>();
      for (const from of ["client", "server"] as const) {
        for (let cutAfter = 0; ; cutAfter += from === "client" ? 61 : 2) {
          await ask(redis.port, "flushall");
          for (const [place, record] of before.entries())
            await (place === 0 ? store.insertSignIn(record) : store.updateSignIn(record));
          await proxy.set("pass");
          const node = redisStore({ url: proxy.through(redis.url), application: "store" });
          await node.readSignIn("nobody's");
          await proxy.set({ cutAfter, from });
          const done = await step(node).catch(() => false);
          await node.close();
          seen.add(`${(await store.readSignIn(signIn.id))?.version ?? "none"}, of ${await entries()}`);
          expect(await lists()).toEqual(await expected(signIn.id));
          if (done) break;
        }
      }
      // Before the first write, between the lists and the record, and at the end.
      expect(seen.size).toBeGreaterThanOrEqual(2);
    },
  );
});

describe("writes beside each other", () => {
  test("of 50 sign-ins that come, are renewed and end at once, on two nodes, leave each list right", async () => {
    const two = redisStore({ url: redis.url, application: "store" });
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const [one, other] = n % 2 === 0 ? [store, two] : [two, store];
        const signIn = signInRecord({ id: `n-${n}`, authenticatedAt: start + (n % 3) });
        await one.insertSignIn(signIn);
        const next = { ...signIn, version: 1 };
        const [renewed] = await Promise.all([
          one.updateSignIn(next),
          lists(),
          other.updateSignIn(ended(signIn, "signed-out", n % 3 === 0, start)),
        ]);
        if (renewed && n % 4 === 0) await other.updateSignIn(ended(next, "signed-out", true, start));
      }),
    );
    const found = await lists();
    const records = await Promise.all(Array.from({ length: 50 }, (_, n) => store.readSignIn(`n-${n}`)));
    const ids = (which: (signIn: SignInRecord) => boolean) =>
      records.flatMap((signIn) => (signIn !== null && which(signIn) ? [signIn.id] : [])).toSorted();
    const live = ids((signIn) => signIn.ended === null);
    expect(found).toEqual({ ofUser: live, ofAll: live, owing: ids((signIn) => signIn.revocationOwed) });
    await two.close();
  });

  test("never strike a debt that was made after the one that is paid", async () => {
    const tombstone = ended(signInRecord(), "signed-out", true, start);
    const settled = paid(tombstone);
    const again = { ...settled, version: settled.version + 1, revocationOwed: true };
    await store.insertSignIn(tombstone);
    await store.updateSignIn(settled);
    await index.expect(again);
    // Whoever paid comes to clear up only now, and before the new debt is written.
    await index.dismiss(settled);
    expect(await store.signInsOwingRevocation(9)).toEqual([]);
    await store.updateSignIn(again);
    await index.dismiss(settled);
    expect(await store.signInsOwingRevocation(9)).toEqual([again]);
    await store.updateSignIn(paid(again));
    expect(await entries()).toBe(0);
  });

  test("never take back what a later version owes by what an earlier one would have", async () => {
    const tombstone = ended(signInRecord(), "signed-out", true, start);
    const settled = paid(tombstone);
    const again = { ...settled, version: settled.version + 1, revocationOwed: true };
    await store.insertSignIn(tombstone);
    await store.updateSignIn(settled);
    await index.expect(again);
    // Somebody slow, who will be refused.
    await index.expect(tombstone);
    await connection.run(
      advance,
      "latchkey:store:i:sign-in-1",
      settled.version,
      signInValue(again),
      start + day,
    );
    await index.dismiss(settled);
    expect(await store.signInsOwingRevocation(9)).toEqual([again]);
  });

  test("never take an entry whose record is about to be written", async () => {
    await index.expect(signInRecord());
    expect(await lists()).toEqual({ ofUser: [], ofAll: [], owing: [] });
    await store.sweep(start);
    expect(await store.insertSignIn(signInRecord())).toBe(true);
    expect(await lists()).toMatchObject({ ofUser: ["sign-in-1"], ofAll: ["sign-in-1"] });
  });

  test("of a slow renewal leave an entry too many, which the next listing takes", async () => {
    await store.insertSignIn(signInRecord());
    await store.updateSignIn(ended(signInRecord(), "signed-out", false, start));
    expect(await store.updateSignIn(signInRecord({ version: 1 }))).toBe(false);
    expect(await entries()).toBe(2);
    expect(await lists()).toEqual({ ofUser: [], ofAll: [], owing: [] });
    expect(await entries()).toBe(0);
  });
});

describe("a list", () => {
  test("of thousands is read in portions, each once and in order, whatever lies between", async () => {
    const idOf = (n: number) => `n-${String((n * 7919) % 3_000).padStart(4, "0")}`;
    const placed = (n: number) => signInRecord({ id: idOf(n), authenticatedAt: start + Math.floor(n / 40) });
    for (let from = 0; from < 3_000; from += 500)
      await Promise.all(
        Array.from({ length: 500 }, async (_, n) => {
          // One in three leads nowhere yet, one in three has ended behind the list's back.
          const signIn = placed(from + n);
          if (n % 3 === 0) await index.expect(signIn);
          else if (n % 3 === 1) await store.insertSignIn(signIn);
          else
            await store
              .insertSignIn(ended(signIn, "signed-out", false, start))
              .then(() => index.expect(signIn));
        }),
      );
    const all: SignInRecord[] = [];
    for (let portion: readonly SignInRecord[] = [], more = true; more; more = portion.length === 70) {
      portion = await store.liveSignIns({ ...ofAll, after: all.at(-1) ?? null, limit: 70 });
      all.push(...portion);
    }
    const expectedOnes = Array.from({ length: 3_000 }, (_, n) => n)
      .filter((n) => (n % 500) % 3 === 1)
      .map(placed)
      .toSorted((a, b) => a.authenticatedAt - b.authenticatedAt || (a.id < b.id ? -1 : 1));
    expect(all).toEqual(expectedOnes);
  });

  test("of all is in order also where most of it lies in one key", async () => {
    const inBucket = (which: number, count: number) =>
      Array.from({ length: 10_000 }, (_, n) => `n-${n}`)
        .filter((id) => crc32(id) % 16 === which)
        .slice(0, count);
    const ids = [
      ...inBucket(5, 60),
      ...inBucket(9, 3),
      ...inBucket(5, 90).slice(60),
      ...inBucket(9, 60).slice(3),
    ];
    const all = ids.map((id, n) => signInRecord({ id, authenticatedAt: start + n }));
    await Promise.all(all.map((signIn) => store.insertSignIn(signIn)));
    const listed: SignInRecord[] = [];
    for (let portion: readonly SignInRecord[] = [], more = true; more; more = portion.length === 40) {
      portion = await store.liveSignIns({ ...ofAll, after: listed.at(-1) ?? null, limit: 40 });
      listed.push(...portion);
    }
    expect(listed).toEqual(all);
  });

  test("of all is spread over keys of about one size", async () => {
    await Promise.all(
      Array.from({ length: 800 }, (_, n) => store.insertSignIn(signInRecord({ id: `n-${n}` }))),
    );
    const sizes = await Promise.all(
      Array.from({ length: 16 }, (_, n) => ask(redis.port, "zcard", `latchkey:store:l:${n}`)),
    );
    expect(sizes.reduce<number>((sum, size) => sum + Number(size), 0)).toBe(800);
    expect(Math.max(...sizes.map(Number))).toBeLessThan(100);
  });

  test("sheds by a sweep what is over for an hour, a portion of each key at a time", async () => {
    const over = { absoluteExpiresAt: start + hour, renewedAt: start };
    for (let n = 0; n < 2_500; n++)
      await index.expect(signInRecord({ ...over, id: `over-${n}`, user: { id: "u", roles: [] } }));
    await store.insertSignIn(signInRecord({ id: "lives", authenticatedAt: start - 1 }));
    await store.insertSignIn(ended(signInRecord({ ...over, id: "owes" }), "signed-out", true, start));
    await store.sweep(start + 2 * hour - 1);
    expect(await entries()).toBe(2 * 2_500 + 2 + 1);
    await store.sweep(start + 2 * hour);
    expect(await ask(redis.port, "zcard", "latchkey:store:u:u")).toBe(2_500);
    expect(await entries()).toBe(2_500 + 2);
    expect(await lists()).toEqual({ ofUser: ["lives"], ofAll: ["lives"], owing: [] });
  });

  test("of a user sheds what is over as the user signs in again, and goes with the last of it", async () => {
    for (let n = 0; n < 40; n++) {
      const at = start + n * day;
      const times = { authenticatedAt: at, renewedAt: at, absoluteExpiresAt: at + day };
      await store.insertSignIn(signInRecord({ ...times, id: `day-${n}` }));
    }
    expect(Number(await ask(redis.port, "zcard", "latchkey:store:u:user-1"))).toBeLessThan(5);
    const limit = Number(await ask(redis.port, "pexpiretime", "latchkey:store:u:user-1"));
    expect(limit).toBe(start + 40 * day + hour);
  });

  test("of a user with a few sign-ins fits into what Redis keeps in one piece", async () => {
    for (let n = 0; n < 5; n++) await store.insertSignIn(signInRecord({ id: randomUUID() }));
    expect(await ask(redis.port, "object", "encoding", "latchkey:store:u:user-1")).toBe("listpack");
  });

  test("says nothing of another application's, in the same Redis", async () => {
    const other = redisStore({ url: redis.url, application: "forum" });
    await store.insertSignIn(signInRecord());
    await store.insertSignIn(ended(signInRecord({ id: "owes" }), "signed-out", true, start));
    expect(await other.readSignIn("sign-in-1")).toBeNull();
    expect(await other.liveSignIns(ofAll)).toEqual([]);
    expect(await other.signInsOwingRevocation(9)).toEqual([]);
    expect(await other.insertSignIn(signInRecord({ current: "theirs" }))).toBe(true);
    expect(await store.readSignIn("sign-in-1")).toEqual(signInRecord());
    await other.close();
  });
});
