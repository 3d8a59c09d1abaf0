// Records that are gone from Redis, or that something else stands in the place of: absent, each by itself, and made anew.
import { afterEach, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { redisStore } from "../src/store/redis.ts";
import type { SessionStore } from "../src/store/store.ts";
import { minute, sessionRecord, signInRecord, start } from "./records.ts";
import { ask, raw } from "./redis-servers.ts";

const idle = 30 * minute;
let open = new AsyncDisposableStack();
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});

async function server(): Promise<RedisServer> {
  return open.adopt(await startRedis(), (redis) => redis.remove());
}

function storeAt(url: string): SessionStore {
  return open.adopt(redisStore({ url, application: "store" }), (store) => store.close());
}

test("data that are gone after FLUSHALL are absent, and everything can be made anew and is listed", async () => {
  const redis = await server();
  const store = storeAt(redis.url);
  const of = { application: "store", userId: "user-1", after: null, limit: 10 };
  await store.insertSession(sessionRecord());
  await store.insertSignIn(signInRecord());
  await ask(redis.port, "flushall");
  expect(await store.useSession("hash-1", start, idle)).toBeNull();
  expect(await store.updateSession(sessionRecord())).toBe(false);
  expect(await store.updateSignIn(signInRecord({ version: 1 }))).toBe(false);
  expect(await store.liveSignIns(of)).toEqual([]);
  expect(await store.insertSignIn(signInRecord())).toBe(true);
  expect(await store.insertSession(sessionRecord())).toBe(true);
  expect(await store.liveSignIns(of)).toEqual([signInRecord()]);
  expect(await store.liveSignIns({ ...of, userId: null })).toEqual([signInRecord()]);
});

test("data that are gone by eviction are absent one by one; what is left is right, and listed again from its next update on", async () => {
  const redis = await server();
  const store = storeAt(redis.url);
  const ids = Array.from({ length: 300 }, (_, n) => `sign-in-${n}`);
  const signIn = (id: string) => signInRecord({ id, user: { id: `user of ${id}`, roles: [] } });
  await Promise.all(ids.map((id) => store.insertSignIn(signIn(id))));
  await Promise.all(ids.map((id) => store.insertSession(sessionRecord({ hash: id, signInId: id }))));
  await ask(redis.port, "config", "set", "maxmemory-policy", "allkeys-random");
  const used = /used_memory:(\d+)/.exec(String(await ask(redis.port, "info", "memory")))?.[1];
  await ask(redis.port, "config", "set", "maxmemory", Number(used) - 200_000);
  await store.useSession("sign-in-0", start, idle);
  await ask(redis.port, "set", "makes", "room");
  await ask(redis.port, "config", "set", "maxmemory", 0);

  const left: string[] = [];
  for (const id of ids) {
    const session = await store.useSession(id, start, idle);
    expect([null, sessionRecord({ hash: id, signInId: id })]).toContainEqual(session);
    const found = await store.readSignIn(id);
    expect([null, signIn(id)]).toContainEqual(found);
    if (found !== null) left.push(id);
    expect(await store.updateSignIn({ ...signIn(id), version: 1 })).toBe(found !== null);
  }
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(300);
  const listed = await store.liveSignIns({ application: "store", userId: null, after: null, limit: 1_000 });
  expect(listed.map(({ id }) => id).toSorted()).toEqual(left.toSorted());
});

test("records of which half is left are made anew by exactly one of 50 at once, and a session past its absolute limit as well", async () => {
  const redis = await server();
  const store = storeAt(redis.url);
  await ask(redis.port, "set", "latchkey:store:s:hash-1", "0|{", "pxat", start * 2);
  await ask(redis.port, "set", "latchkey:store:i:sign-in-1", "0|{", "pxat", start * 2);
  await store.insertSession(sessionRecord({ hash: "old", absoluteExpiresAt: start + 1 }));
  await store.useSession("old", start, idle);
  const wins = async (make: (n: number) => Promise<boolean>) =>
    (await Promise.all(Array.from({ length: 50 }, (_, n) => make(n)))).filter(Boolean).length;
  expect(await wins((n) => store.insertSession(sessionRecord({ vouchedAt: start + n })))).toBe(1);
  expect(await wins((n) => store.insertSignIn(signInRecord({ current: `s${n}` })))).toBe(1);
  const later = { hash: "old", vouchedAt: start + 1 };
  expect(await wins((n) => store.insertSession(sessionRecord({ ...later, signInId: `of ${n}` })))).toBe(1);
});

test("whatever else stands where records would is absent, and no call fails over it", async () => {
  const redis = await server();
  const store = storeAt(redis.url);
  const connection = open.adopt(raw(redis.port), (each) => each.disconnect());
  const polluted = '0|{"__proto__":{"presented":true},"constructor":1,"hash":"hash-1"}';
  const forever = JSON.stringify(sessionRecord());
  const plant = {
    nothing: async (key: string) => connection.set(key, "", "PXAT", start * 2),
    number: async (key: string) => connection.set(key, "7", "PXAT", start * 2),
    array: async (key: string) => connection.set(key, "7|[]", "PXAT", start * 2),
    polluted: async (key: string) => connection.set(key, polluted, "PXAT", start * 2),
    "a number too large": async (key: string) =>
      connection.set(key, `9${"9".repeat(15)}|{}`, "PXAT", start * 2),
    "without a limit": async (key: string) => connection.set(key, `0|${forever}`),
    list: async (key: string) => connection.lpush(key, "1"),
    hash: async (key: string) => connection.hset(key, "1", "1"),
  };
  for (const put of Object.values(plant)) {
    await connection.flushall();
    for (const key of [
      "s:hash-1",
      "i:sign-in-1",
      "u:user-1",
      "o",
      ...Array.from({ length: 16 }, (_, n) => `l:${n}`),
    ])
      await put(`latchkey:store:${key}`);
    expect(await store.useSession("hash-1", start, idle)).toBeNull();
    expect(await store.readSession("hash-1", start)).toBeNull();
    await store.questionSession("hash-1", start);
    expect(await store.readSignIn("sign-in-1")).toBeNull();
    expect(
      await store.liveSignIns({ application: "store", userId: "user-1", after: null, limit: 9 }),
    ).toEqual([]);
    expect(await store.liveSignIns({ application: "store", userId: null, after: null, limit: 9 })).toEqual(
      [],
    );
    expect(await store.signInsOwingRevocation(9)).toEqual([]);
    await store.sweep(start);
    expect(await store.insertSignIn(signInRecord())).toBe(true);
    expect(await store.insertSession(sessionRecord())).toBe(true);
    expect(
      await store.liveSignIns({ application: "store", userId: "user-1", after: null, limit: 9 }),
    ).toEqual([signInRecord()]);
    expect(await store.useSession("hash-1", start, idle)).toEqual(sessionRecord());
  }
  expect(({} as { presented?: unknown }).presented).toBeUndefined();
});
