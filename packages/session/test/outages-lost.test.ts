// A Redis that forgets: everything (FLUSHALL, a fail-over to an empty replica), or what it needs the room of (eviction). Everybody is
// renewed from the refresh cookie, nobody signs in again, and nobody who was signed out gets back in: the provider knows.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { redisStore } from "../src/store/redis.ts";
import { type RedisServer, startRedis } from "../../../test/servers/redis.ts";
import { type Browser, cart } from "./browser.ts";
import { type Shop, type ShopOptions, startShop } from "./outage-suite.ts";
import { startProvider, type TestProvider } from "./provider.ts";
import { ask } from "./redis-servers.ts";

let redis: RedisServer;
let provider: TestProvider;
let open = new AsyncDisposableStack();
beforeAll(async () => {
  redis = await startRedis();
  provider = await startProvider();
});
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
afterAll(async () => {
  await provider.close();
  await redis.remove();
});

async function start(application: string, options: ShopOptions = {}): Promise<Shop> {
  const shop = await startShop(provider, redisStore({ url: redis.url, application }), open, options);
  await ask(redis.port, "flushall");
  return shop;
}

/** Twenty people signed in, and one who has signed out, of whose cookies there is a copy. */
async function twentyAndOne(shop: Shop): Promise<{ signedIn: Browser[]; copy: Browser }> {
  const signedIn: Browser[] = [];
  for (let count = 0; count < 20; count++) signedIn.push(await shop.signedIn());
  const leaving = await shop.signedIn();
  const copy = leaving.copy();
  expect((await leaving.post("/logout")).status).toBe(302);
  return { signedIn, copy };
}

async function expectNobodySignedOut(shop: Shop, signedIn: readonly Browser[], copy: Browser): Promise<void> {
  shop.provider.calls.length = 0;
  const ended = shop.events.filter(({ type }) => type === "sign-in-ended").length;
  const answers = await Promise.all(signedIn.map((browser) => cart(browser)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const again = await Promise.all(signedIn.map((browser) => browser.post("/items", { item: "lamp" })));
  expect(again.map(({ status }) => status)).toEqual(again.map(() => 200));
  expect(shop.provider.calls).not.toContain("POST /api/login");
  expect((await cart(copy)).status).toBe(302);
  expect((await cart(copy)).status).toBe(302);
  // What ended is the copy's, which the provider has refused, or the tombstone has.
  const endings = shop.events.flatMap((event) => (event.type === "sign-in-ended" ? [event.reason] : []));
  expect(endings.slice(ended).filter((reason) => reason !== "refused-by-provider")).toEqual([]);
  expect(endings.length - ended).toBeLessThanOrEqual(1);
  expect(
    (await Promise.all(signedIn.map((browser) => cart(browser)))).every(({ status }) => status === 200),
  ).toBe(true);
}

test("FLUSHALL: twenty browsers are renewed from their refresh cookies, and a sign-out still holds", async () => {
  const shop = await start("flushed");
  const { signedIn, copy } = await twentyAndOne(shop);
  const before = signedIn.map((browser) => browser.cookie("session"));
  await ask(redis.port, "flushall");
  await expectNobodySignedOut(shop, signedIn, copy);
  const after = signedIn.map((browser) => browser.cookie("session"));
  expect(after.filter((session, at) => session === before[at])).toEqual([]);
  expect(new Set(after).size).toBe(20);
});

test("FLUSHALL under the workflow without refresh tokens: everybody is asked to sign in, and no cookie is touched", async () => {
  const shop = await start("flushed-sessions", { workflow: "sessions", registration: "no-refresh-tokens" });
  const browser = await shop.signedIn();
  const before = new Map(browser.jar);
  await ask(redis.port, "flushall");
  expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
  expect(browser.jar).toEqual(before);
  const { email, password } = await provider.anybody();
  expect((await browser.signIn(email, password)).status).toBe(302);
});

test("eviction (allkeys-random): whose session or sign-in was evicted is renewed, and a sign-out still holds", async () => {
  const shop = await start("evicted");
  const { signedIn, copy } = await twentyAndOne(shop);
  const kept = Number(await ask(redis.port, "dbsize"));
  const used = Number(/used_memory:(\d+)/.exec(String(await ask(redis.port, "info", "memory")))?.[1]);
  await ask(redis.port, "config", "set", "maxmemory-policy", "allkeys-random");
  await ask(redis.port, "config", "set", "maxmemory", used);
  try {
    // Somebody else's keys, of whom this Redis is too small.
    for (let count = 0; Number(await ask(redis.port, "dbsize")) > kept / 2 && count < 200; count++)
      await ask(redis.port, "set", "junk", "x".repeat(1_000 * (count + 1)));
    await ask(redis.port, "del", "junk");
    expect(Number(await ask(redis.port, "dbsize"))).toBeLessThanOrEqual(kept / 2);
  } finally {
    await ask(redis.port, "config", "set", "maxmemory", 0);
  }
  await expectNobodySignedOut(shop, signedIn, copy);
});
