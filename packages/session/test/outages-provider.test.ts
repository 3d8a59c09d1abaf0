// The provider fails: dead, hanging, slow, flapping, over a real connection that is cut; or it answers, and only not what was hoped
// for. Live sessions go on, nobody is signed out, and nobody waits long for who does not answer.
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { getRequestListener } from "@hono/node-server";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mostMissed } from "../src/circuit.ts";
import { memoryStore, type SessionStore } from "../src/index.ts";
import { type Fault, type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { type Browser, cart } from "./browser.ts";
import { expectUnavailable, healed, type Shop, type ShopOptions, startShop } from "./outage-suite.ts";
import { refusedConnection, startProvider, type TestProvider } from "./provider.ts";

let provider: TestProvider;
let server: Server;
let proxy: Proxy;
let open = new AsyncDisposableStack();
beforeAll(async () => {
  provider = await startProvider();
  const { fetch = globalThis.fetch } = provider.options("hardened");
  const listener = getRequestListener((request) => fetch(request));
  server = createServer((request, response) => void listener(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  proxy = await startProxy(typeof address === "object" && address !== null ? address.port : 0);
});
afterEach(async () => {
  provider.fault = null;
  await proxy.set("pass");
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
afterAll(async () => {
  await proxy.close();
  server.closeAllConnections();
  server.close();
  await provider.close();
});

const start = (options: ShopOptions = {}, store: SessionStore = memoryStore()) =>
  startShop(provider, store, open, options);

/** The same with the provider on the other side of a real connection. */
function startRemote(deadline: number): Promise<Shop> {
  const { fetch: _, ...options } = provider.options("hardened");
  return start({ identityProvider: { ...options, url: `http://127.0.0.1:${proxy.port}`, deadline } });
}

/** Browsers whose sessions have idled out: each needs the provider now. */
async function idle(shop: Shop, count: number): Promise<Browser[]> {
  const browsers: Browser[] = [];
  for (let each = 0; each < count; each++) browsers.push(await shop.signedIn());
  shop.clock.pass(31, "minutes");
  return browsers;
}

const typesOf = ({ events }: Shop) => events.map(({ type }) => type);

test("a dead provider is not asked by everybody: five find out, then one tries at a time", async () => {
  const shop = await start();
  const browsers = await idle(shop, 4);
  provider.fault = refusedConnection;
  provider.calls.length = 0;
  for (let round = 0; round < 3; round++)
    for (const browser of browsers) expectUnavailable(await cart(browser));
  expect(provider.calls).toHaveLength(mostMissed);
  expect(typesOf(shop).filter((type) => type === "circuit-opened")).toHaveLength(1);

  // The pause is over; whoever comes first tries, the others are not made to wait for it.
  shop.clock.pass(500, "milliseconds");
  provider.calls.length = 0;
  const held = Promise.withResolvers<Response>();
  provider.fault = () => held.promise;
  const trying = Promise.all(browsers.map((browser) => cart(browser)));
  await expect.poll(() => provider.calls.length).toBe(1);
  held.reject(new TypeError("fetch failed"));
  for (const answer of await trying) expectUnavailable(answer);
  expect(provider.calls).toHaveLength(1);

  provider.fault = null;
  expectUnavailable(await cart(browsers[0] ?? shop.browser()));
  shop.clock.pass(1, "seconds");
  for (const browser of browsers) expect((await cart(browser)).status).toBe(200);
  expect(typesOf(shop)).toContain("circuit-closed");
  expect(typesOf(shop)).not.toContain("sign-in-ended");
});

const answer = (status: number, headers: Record<string, string> = {}, body = "") => {
  return async () => new Response(body, { status, headers });
};
const json = { "content-type": "application/json" };

test.each([
  ["429", answer(429)],
  ["500", answer(500)],
  ["503", answer(503)],
  ["a gateway's page", answer(502, { "content-type": "text/html" }, "<h1>Bad Gateway</h1>")],
  ["half a JSON", answer(200, json, '{"access_token": "')],
  ["nothing that is expected", answer(200, json, "[]")],
])(
  "who answers %s answers: everybody goes on being asked about, and it is over at once",
  async (_, fault) => {
    const shop = await start();
    const [browser = shop.browser()] = await idle(shop, 1);
    provider.fault = fault;
    provider.calls.length = 0;
    for (let asked = 0; asked < 3 * mostMissed; asked++) expectUnavailable(await cart(browser));
    expect(provider.calls).toHaveLength(3 * mostMissed);
    expect(typesOf(shop)).not.toContain("circuit-opened");
    provider.fault = null;
    expect((await cart(browser)).status).toBe(200);
  },
);

test("a wrong password is an answer: a row of them opens nothing, and ends a row of missed ones", async () => {
  const shop = await start();
  const { email, password } = await provider.anybody();
  const browser = shop.browser();
  for (let round = 0; round < 3; round++) {
    provider.fault = refusedConnection;
    for (let missed = 0; missed < mostMissed - 1; missed++)
      expect((await browser.signIn(email, password)).status).toBe(503);
    provider.fault = answer(404);
    expect((await browser.signIn(email, "not the right pass phrase")).status).toBe(401);
  }
  expect(typesOf(shop)).not.toContain("circuit-opened");
  provider.fault = null;
  expect((await browser.signIn(email, password)).status).toBe(302);
});

test("a provider that names a time to come back is taken at its word, up to a minute", async () => {
  const shop = await start();
  const [browser = shop.browser()] = await idle(shop, 1);
  for (const [said, least, most] of [
    ["20", 20, 22],
    ["86400", 60, 62],
  ] as const) {
    provider.fault = answer(503, { "retry-after": said });
    const seconds = Number((await cart(browser)).headers["retry-after"]);
    expect(seconds).toBeGreaterThanOrEqual(least);
    expect(seconds).toBeLessThanOrEqual(most);
  }
});

test("those who are told to come back are not told the same instant", async () => {
  const shop = await start();
  const [browser = shop.browser()] = await idle(shop, 1);
  provider.fault = refusedConnection;
  const told = new Set<unknown>();
  for (let asked = 0; asked < 100; asked++) told.add((await cart(browser)).headers["retry-after"]);
  expect(told).toEqual(new Set(["1", "2", "3"]));
});

test.each(["hang", "silent"] as const)(
  "a provider behind a connection that does nothing (%s) holds up the first for its deadline, and nobody after them",
  async (fault) => {
    const shop = await startRemote(400);
    const browsers = await idle(shop, mostMissed);
    const live = await shop.signedIn();
    await proxy.set(fault);
    for (const answer of await Promise.all(browsers.map((browser) => cart(browser))))
      expectUnavailable(answer);
    shop.events.length = 0;
    for (let asked = 0; asked < 20; asked++)
      for (const browser of browsers) expectUnavailable(await cart(browser));
    expect(typesOf(shop)).not.toContain("provider-called");
    expect((await cart(live)).status).toBe(200);
    await proxy.set("pass");
    for (const browser of browsers) await healed(shop, browser);
    expect(typesOf(shop)).not.toContain("sign-in-ended");
  },
);

const cut: [string, Fault, "opens" | "answers"][] = [
  ["refused", "refuse", "opens"],
  ["cut after the first bytes", { cutAfter: 20 }, "opens"],
  ["cut in the middle of the answer", { cutAfter: 300 }, "opens"],
  ["ended in the middle of the answer", { truncateAfter: 300 }, "opens"],
  // The server finds half a request malformed, and says so.
  ["ended in the middle of the request", { truncateAfter: 100, from: "client" }, "answers"],
  ["full of garbage", "garbage", "opens"],
];

test.each(cut)("a connection to the provider that is %s signs nobody out", async (_, fault, outcome) => {
  const shop = await startRemote(1_000);
  const browsers = await idle(shop, 2);
  const before = browsers.map(({ jar }) => new Map(jar));
  await proxy.set(fault);
  for (let asked = 0; asked < mostMissed; asked++)
    for (const browser of browsers) expectUnavailable(await cart(browser));
  expect(browsers.map(({ jar }) => jar)).toEqual(before);
  expect(typesOf(shop).includes("circuit-opened")).toBe(outcome === "opens");
  await proxy.set("pass");
  for (const browser of browsers) await healed(shop, browser);
  expect(typesOf(shop)).not.toContain("sign-in-ended");
  expect(typesOf(shop)).not.toContain("reuse-detected");
});

test("a slow provider is slow, and no outage", async () => {
  const shop = await startRemote(5_000);
  const [browser = shop.browser()] = await idle(shop, 1);
  await proxy.set({ delay: 50 });
  expect((await cart(browser)).status).toBe(200);
  expect(typesOf(shop)).not.toContain("circuit-opened");
});

test("signing in while the provider is down: 503 with the form and Retry-After, no cookie; then it works", async () => {
  const shop = await start();
  const { email, password } = await provider.anybody();
  const browser = shop.browser();
  provider.fault = refusedConnection;
  await browser.get("/login");
  for (let tried = 0; tried < 2 * mostMissed; tried++) {
    const refused = await browser.post("/login", { loginId: email, password });
    expect(refused).toMatchObject({ status: 503, setCookies: [] });
    expect(refused.body).toMatch(/form-token.*unavailable/);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  }
  provider.fault = null;
  shop.clock.pass(5, "seconds");
  expect((await browser.post("/login", { loginId: email, password })).status).toBe(302);
});

test("a sign-out while the provider is down holds at once, and any node tells the provider later", async () => {
  const store = memoryStore();
  const shop = await start({}, store);
  const other = await start({ beside: shop }, store);
  const browsers: Browser[] = [];
  for (let each = 0; each < 2 * mostMissed; each++) browsers.push(await shop.signedIn());
  const copies = browsers.map((browser) => browser.copy());
  provider.fault = refusedConnection;
  for (const browser of browsers) expect((await browser.post("/logout")).status).toBe(302);
  for (const copy of copies) expect((await cart(copy)).status).toBe(302);
  expect(await store.signInsOwingRevocation(100)).toHaveLength(browsers.length);
  provider.fault = null;
  await other.sessions.maintain();
  expect(await store.signInsOwingRevocation(100)).toEqual([]);
  for (const copy of copies) expect((await cart(copy)).status).toBe(302);
});

test("both down at once, and one after the other: public pages are served, nobody is signed out", async () => {
  const shop = await start();
  const [due, ...others] = await idle(shop, mostMissed);
  const live = await shop.signedIn();
  const before = new Map(due?.jar);
  provider.fault = refusedConnection;
  shop.store.down = true;
  for (const browser of [...others, live]) {
    expectUnavailable(await cart(browser));
    expect((await browser.get("/")).status).toBe(200);
  }
  expect(await shop.sessions.status()).toEqual({ store: "down", provider: "down" });
  shop.store.down = false;
  await healed(shop, live);
  if (due === undefined) throw new Error("nobody is due");
  expectUnavailable(await cart(due));
  expect(due.jar).toEqual(before);
  provider.fault = null;
  await healed(shop, due);
  expect(typesOf(shop)).not.toContain("sign-in-ended");
});
