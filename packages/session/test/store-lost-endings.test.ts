// Endings where the store has lost something: whoever is ended stays out although the record, or the list that leads to it, is gone.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { memoryStore } from "../src/index.ts";
import { redisStore } from "../src/store/redis.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { type Browser, cart } from "./browser.ts";
import { faultyStore } from "./faulty-store.ts";
import { type Shop, startShop } from "./outage-suite.ts";
import { startProvider, type TestProvider } from "./provider.ts";
import { day, hour, sessionRecord, signInRecord, start } from "./records.ts";
import { ask } from "./redis-servers.ts";

let redis: RedisServer;
let provider: TestProvider;
let open = new AsyncDisposableStack();
let shops = 0;
beforeAll(async () => {
  redis = await startRedis();
  provider = await startProvider();
});
beforeEach(() => ask(redis.port, "flushall"));
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
afterAll(async () => {
  await provider.close();
  await redis.remove();
});

/** A shop on Redis, and somebody who is signed in there on two devices. */
async function twoDevices(): Promise<{ shop: Shop; userId: string; here: Browser; there: Browser }> {
  const store = redisStore({ url: redis.url, application: `shop-${shops++}` });
  const shop = await startShop(provider, store, open);
  const person = await provider.person();
  const here = await shop.signedIn(person);
  const there = await shop.signedIn(person);
  // Well after they began: what began just now may be on its way into the store.
  provider.clock.pass(2, "minutes");
  return { shop, userId: person.id, here, there };
}

/** FLUSHALL, or the eviction of the lists alone. */
async function forget(what: "everything" | "the lists"): Promise<void> {
  if (what === "everything") await ask(redis.port, "flushall");
  else {
    const keys = await ask(redis.port, "keys", "latchkey:*:[ul]:*");
    for (const key of Array.isArray(keys) ? keys : []) await ask(redis.port, "del", String(key));
  }
}

test.each(["everything", "the lists"] as const)(
  "an administrator ends a user whose sign-ins the store has lost (%s)",
  async (what) => {
    const { shop, userId, here, there } = await twoDevices();
    await forget(what);
    await shop.sessions.endSignInsOf(userId);
    for (const browser of [here, there]) {
      expect((await cart(browser)).status).toBe(302);
      expect((await cart(browser)).status).toBe(302);
    }
  },
);

test.each(["everything", "the lists"] as const)(
  "a user ends the other devices, which the store has lost (%s)",
  async (what) => {
    const { here, there } = await twoDevices();
    await forget(what);
    expect((await cart(here)).status).toBe(200);
    expect((await here.post("/account/end-others")).status).toBe(200);
    expect((await cart(there)).status).toBe(302);
    expect((await cart(here)).status).toBe(200);
  },
);

test("a sign-out is final although the session itself can't be deleted", async () => {
  const store = faultyStore(memoryStore());
  const shop = await startShop(provider, store, open);
  const browser = await shop.signedIn();
  const copy = browser.copy();
  store.spoil = (reach, method) =>
    method === "deleteSession" ? Promise.reject(new Error("sessions are read-only")) : reach();
  expect((await browser.post("/logout")).status).toBe(503);
  store.spoil = null;
  provider.clock.pass(11, "minutes");
  expect((await cart(copy)).status).toBe(302);
});

test("a sweep by a clock that was ahead for a moment takes nothing from anybody once it is right again", async () => {
  const store = redisStore({ url: redis.url, application: "swept" });
  open.defer(() => store.close());
  const tombstone = { ...signInRecord(), ended: { at: start, reason: "signed-out" } } as const;
  await store.insertSignIn(tombstone);
  await store.sweep(start + 2 * day);
  await store.sweep(start);
  await store.insertSession(sessionRecord());
  expect(await store.useSession("hash-1", start, hour)).not.toBeNull();
  expect(await store.insertSignIn(signInRecord())).toBe(false);
  expect(await store.readSignIn("sign-in-1")).toEqual(tombstone);
});

test("signing out everywhere reaches the provider although this sign-in is past its limit when the provider is back", async () => {
  const shop = await startShop(provider, memoryStore(), open, { workflow: "sessions" });
  const elsewhere = await startShop(provider, memoryStore(), open, { workflow: "sessions+refresh-tokens" });
  const person = await provider.person();
  const here = await shop.signedIn(person);
  for (let quarter = 1; quarter < 48; quarter++) {
    provider.clock.pass(15, "minutes");
    expect((await cart(here)).status).toBe(200);
  }
  const there = await elsewhere.signedIn(person);
  provider.clock.pass(14, "minutes");
  provider.fault = () => Promise.reject(new TypeError("fetch failed"));
  expect((await here.post("/account/sign-out-everywhere")).status).toBe(302);
  provider.clock.pass(2, "minutes");
  await shop.sessions.maintain();
  provider.fault = null;
  provider.clock.pass(1, "minutes");
  await shop.sessions.maintain();
  provider.clock.pass(1, "minutes");
  expect((await cart(there)).status).toBe(302);
});
