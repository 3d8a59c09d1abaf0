/**
 * What visitors get while the session store fails, told once for every store and every way to fail: docs/outages.md's table. The
 * store, the server behind it and the way it fails are real; what is counted is what reached the store.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import {
  createSessions,
  type Deadline,
  type PublishedSessionEvent,
  type Sessions,
  type SessionsOptions,
  type SessionStore,
  sessionChannel,
} from "../src/index.ts";
import { longestPause, mostMissed } from "../src/circuit.ts";
import { Browser, cart } from "./browser.ts";
import type { Clock } from "./clock.ts";
import { type Framework, listen } from "./frameworks.ts";
import type { Incoming } from "./http.ts";
import { publicPaths } from "./pages.ts";
import { type Person, type Registration, startProvider, type TestProvider } from "./provider.ts";
import { cookieKey } from "./records.ts";
import { type WatchedStore, watchedStore } from "./watched-store.ts";

/** An application on one store. */
export interface Shop {
  readonly port: number;
  readonly clock: Clock;
  readonly provider: TestProvider;
  readonly store: WatchedStore;
  readonly sessions: Sessions;
  readonly events: PublishedSessionEvent[];
  readonly options: SessionsOptions;
  browser(): Browser;
  /** A new browser in which somebody is signed in and has seen a page. */
  signedIn(person?: Person): Promise<Browser>;
}

/** How an application differs from the hardened W2 one. */
export interface ShopOptions extends Partial<SessionsOptions> {
  readonly framework?: Framework;
  readonly registration?: Registration;
  /** Another node of the same application. */
  readonly beside?: Shop;
}

/** Starts an application on that store; `open` ends it with the test. */
export async function startShop(
  provider: TestProvider,
  store: SessionStore,
  open: AsyncDisposableStack,
  { framework = "Fastify", registration = "hardened", beside, ...changed }: ShopOptions = {},
): Promise<Shop> {
  const listener = await listen(framework, { gate: () => null });
  open.defer(() => listener.close());
  const watched = watchedStore(() => store);
  const key = cookieKey("2026a");
  secret(key.secret);
  const options: SessionsOptions = {
    application: "store",
    origin: `http://127.0.0.1:${listener.port}`,
    identityProvider: provider.options(registration),
    cookieKeys: [key],
    publicPaths,
    afterSignIn: "/shopping-cart",
    now: provider.clock.now,
    ...beside?.options,
    ...changed,
    store: watched,
  };
  const sessions = createSessions(options);
  open.defer(() => sessions.close().catch(() => undefined));
  const events: PublishedSessionEvent[] = [];
  const heard = (event: unknown) => void events.push(event as PublishedSessionEvent);
  subscribe(sessionChannel, heard);
  open.defer(() => void unsubscribe(sessionChannel, heard));
  await listener.mount(sessions);
  const site = { origin: options.origin, port: listener.port };
  const shop: Shop = {
    port: listener.port,
    clock: provider.clock,
    provider,
    store: watched,
    sessions,
    events,
    options,
    browser: () => new Browser(site, provider.clock),
    async signedIn(person) {
      const browser = shop.browser();
      const { email, password } = person ?? (await provider.anybody());
      const { status, body } = await browser.signIn(email, password);
      if (status !== 302) throw new Error(`signing in: ${status} ${body}`);
      if ((await cart(browser)).status !== 200) throw new Error("signed in, and no cart");
      return browser;
    },
  };
  return shop;
}

/** One way to fail. */
export interface Outage {
  /** "that …", as in "a store that refuses connections". */
  readonly that: string;
  /** What goes on working: nothing, or reading, so that live sessions are served. */
  readonly still?: "nothing" | "reading";
  /** Brings it about; what it returns ends it. */
  begin(): Promise<() => unknown>;
}

/** A kind of store, opened anew for each test. */
export interface OutagePlace {
  readonly name: string;
  /** Its servers; a test of a process that was stopped or killed finds them well again. */
  start?(): Promise<void>;
  stop?(): Promise<void>;
  open(): SessionStore;
  readonly outages: readonly Outage[];
  readonly storeDeadline?: Deadline;
}

/** 503 as it has to be: come back, nothing stored, no cookie touched. */
export function expectUnavailable(answer: Incoming): void {
  expect(answer).toMatchObject({ status: 503, setCookies: [] });
  expect(answer.headers["cache-control"]).toBe("no-store");
  const seconds = Number(answer.headers["retry-after"]);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(longestPause / 1_000 + 2);
}

/** Runs the suite for one kind of store. */
export function storeOutages(place: OutagePlace): void {
  let provider: TestProvider | null = null;
  let open = new AsyncDisposableStack();
  const start = (options: ShopOptions = {}): Promise<Shop> => {
    if (provider === null) throw new Error("the provider starts in beforeAll");
    const { storeDeadline = "500ms" } = place;
    return startShop(provider, place.open(), open, { storeDeadline, ...options });
  };
  beforeAll(async () => {
    await place.start?.();
    provider = await startProvider();
  });
  afterEach(async () => {
    await open.disposeAsync();
    open = new AsyncDisposableStack();
  });
  afterAll(async () => {
    await provider?.close();
    await place.stop?.();
  });

  const dead = place.outages.filter(({ still }) => still !== "reading");
  describe.each(dead)(`${place.name}: a store that $that`, (outage) => {
    deadStore(start, () => beginning(outage, open));
  });
  const readable = place.outages.filter(({ still }) => still === "reading");
  describe.each(readable)(`${place.name}: a store that $that`, (outage) => {
    unwritableStore(start, () => beginning(outage, open));
  });
}

type Start = () => Promise<Shop>;

/** Brings an outage about; what it returns ends it, as the end of the test does. */
type Begin = () => Promise<() => Promise<void>>;

async function beginning({ begin }: Outage, open: AsyncDisposableStack): Promise<() => Promise<void>> {
  const end = await begin();
  let ending: Promise<void> | null = null;
  const endOnce = () => (ending ??= Promise.resolve(end()).then(() => undefined));
  open.defer(endOnce);
  return endOnce;
}

function deadStore(start: Start, begin: Begin): void {
  test("gives 503 to who has a cookie and nothing to anybody else, costs little once it is known, and heals by itself", async () => {
    const shop = await start();
    const [browser, other] = [await shop.signedIn(), await shop.signedIn()];
    const before = new Map(browser.jar);
    const end = await begin();

    // All at once: none of them waits for another's deadline.
    const first = await Promise.all(Array.from({ length: 2 * mostMissed }, () => cart(browser)));
    for (const answer of first) expectUnavailable(answer);
    expectUnavailable(await browser.post("/items", { item: "lamp" }));
    expect(typesOf(shop)).toContain("circuit-opened");

    shop.store.calls.length = 0;
    const asked = await Promise.all(Array.from({ length: 20 }, () => cart(browser)));
    for (const answer of asked) expectUnavailable(answer);
    const json = await cart(browser, { headers: { accept: "application/json" } });
    expectUnavailable(json);
    expect(JSON.parse(json.body)).toEqual({ error: "session-store-unavailable" });
    for (const each of [browser, shop.browser()])
      for (const path of ["/", "/login", "/assets/style.css"])
        expect((await each.get(path)).status).toBe(200);
    expect((await shop.browser().get("/shopping-cart")).status).toBe(302);
    expect(shop.store.calls).toEqual([]);
    expect(await shop.sessions.status()).toEqual({ store: "down", provider: "up" });
    expect(browser.jar).toEqual(before);

    await end();
    await healed(shop, browser);
    expect((await cart(other)).status).toBe(200);
    expect((await browser.post("/items", { item: "lamp" })).status).toBe(200);
    expect(typesOf(shop)).not.toContain("sign-in-ended");
    expect(browser.cookie("session")).toBe(before.get("session")?.value);
  });

  test("signs nobody in or out: 503, and afterwards a sign-in is one and a sign-out holds", async () => {
    const shop = await start();
    const { email, password } = await shop.provider.anybody();
    const [browser, visitor] = [await shop.signedIn(), shop.browser()];
    await visitor.get("/login");
    const before = new Map(browser.jar);
    const end = await begin();
    expectUnavailable(await browser.post("/logout"));
    expect(browser.jar).toEqual(before);
    const refused = await visitor.post("/login", { loginId: email, password });
    expect(refused).toMatchObject({ status: 503, setCookies: [] });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    expect(refused.body).toContain("form-token");
    expect(visitor.cookie("session")).toBe("");

    await end();
    await healed(shop, browser);
    const signIn = async () => {
      shop.clock.pass(1, "seconds");
      return (await visitor.post("/login", { loginId: email, password })).status;
    };
    await expect.poll(signIn, { timeout: 15_000 }).toBe(302);
    // For whoever has a copy of the cookies, too.
    const thief = browser.copy();
    expect((await browser.post("/logout")).status).toBe(302);
    expect((await cart(thief)).status).toBe(302);
    expect((await cart(visitor)).status).toBe(200);
  });
}

function unwritableStore(start: Start, begin: Begin): void {
  test("serves who is signed in, changes nothing, and heals by itself", async () => {
    const shop = await start();
    const { email, password } = await shop.provider.anybody();
    const [browser, due, leaving] = [await shop.signedIn(), await shop.signedIn(), await shop.signedIn()];
    const visitor = shop.browser();
    await visitor.get("/login");
    const before = new Map(browser.jar);
    const end = await begin();

    for (let asked = 0; asked < 2 * mostMissed; asked++)
      expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
    const refused = await visitor.post("/login", { loginId: email, password });
    expect(refused).toMatchObject({ status: 503, setCookies: [] });
    expect(await leaving.post("/logout")).toMatchObject({ status: 503, setCookies: [] });
    expect((await cart(browser)).status).toBe(200);
    shop.clock.pass(10, "minutes");
    for (let asked = 0; asked < 2 * mostMissed; asked++) expectUnavailable(await cart(due));
    expect(typesOf(shop)).toContain("circuit-opened");
    expect(browser.jar).toEqual(before);

    await end();
    for (const each of [due, browser, leaving]) await healed(shop, each);
    expect(typesOf(shop)).not.toContain("sign-in-ended");
    expect((await visitor.post("/login", { loginId: email, password })).status).toBe(302);
  });
}

function typesOf({ events }: Shop): string[] {
  return events.map(({ type }) => type);
}

/** Waits until a page is served again, the clock moving as it does: no restart, and nobody signs in. */
export async function healed(shop: Shop, browser: Browser): Promise<void> {
  const ask = async () => {
    shop.clock.pass(1, "seconds");
    return (await cart(browser)).status;
  };
  await expect.poll(ask, { timeout: 15_000, interval: 20 }).toBe(200);
}
