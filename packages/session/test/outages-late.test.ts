// A call that was given up may still take effect, much later. Whatever was answered with 503 because of it must not sign anybody out
// afterwards, bring back what has ended, or read as a theft.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { memoryStore, type SessionStore } from "../src/index.ts";
import { type Browser, cart } from "./browser.ts";
import { faultyStore, type FaultyStore } from "./faulty-store.ts";
import { type Shop, startShop } from "./outage-suite.ts";
import { startProvider, type TestProvider } from "./provider.ts";

let provider: TestProvider;
let open = new AsyncDisposableStack();
beforeAll(async () => {
  provider = await startProvider();
});
afterEach(async () => {
  await open.disposeAsync();
  open = new AsyncDisposableStack();
});
afterAll(() => provider.close());

interface Late extends Shop {
  readonly faulty: FaultyStore;
}

async function start(): Promise<Late> {
  const faulty = faultyStore(memoryStore());
  return { ...(await startShop(provider, faulty, open, { storeDeadline: "40ms" })), faulty };
}

/** Holds the first call of that method back that this request makes; what it answers lets it take effect, and waits until it has. */
async function holdingBack<Answer>(
  { faulty }: Late,
  held: keyof SessionStore,
  request: () => Promise<Answer>,
): Promise<{ answer: Answer; release(): Promise<void> }> {
  const released = Promise.withResolvers<void>();
  let effect: Promise<unknown> | null = null;
  faulty.spoil = (reach, method) => {
    if (method !== held || effect !== null) return reach();
    effect = released.promise.then(reach);
    return effect;
  };
  const answer = await request();
  faulty.spoil = null;
  return {
    answer,
    async release() {
      released.resolve();
      await effect;
    },
  };
}

const reasons = ({ events }: Shop) =>
  events.flatMap((event) => (event.type === "sign-in-ended" ? [event.reason] : []));

const methods = [
  "useSession",
  "insertSession",
  "updateSession",
  "deleteSession",
  "readSignIn",
  "updateSignIn",
] as const;

/** What a browser does while one call is held back. */
const asking: [string, (shop: Late) => Promise<Browser>][] = [
  ["a renewal", (shop) => shop.signedIn().then((browser) => (shop.clock.pass(10, "minutes"), browser))],
  [
    "a renewal of what has idled out",
    (shop) => shop.signedIn().then((browser) => (shop.clock.pass(31, "minutes"), browser)),
  ],
  [
    "the first use of a session",
    async (shop) => {
      const browser = await shop.signedIn();
      shop.clock.pass(10, "minutes");
      await cart(browser);
      return browser;
    },
  ],
];

/** When what was held back takes effect. */
const whens = ["at once", "after the next page", "after the next renewal", "a day later"] as const;

describe.each(asking)("%s, broken off in the store", (_, prepare) => {
  const cases = methods.flatMap((method) => whens.map((when) => [method, when] as const));
  test.each(cases)("at %s, which takes effect %s: nobody is signed out", async (method, when) => {
    const shop = await start();
    const browser = await prepare(shop);
    const { answer, release } = await holdingBack(shop, method, () => cart(browser));
    expect([200, 503]).toContain(answer.status);
    if (when === "at once") await release();
    shop.clock.pass(1, "seconds");
    expect((await cart(browser)).status).toBe(200);
    if (when === "after the next page") await release();
    shop.clock.pass(10, "minutes");
    expect((await cart(browser)).status).toBe(200);
    expect((await cart(browser)).status).toBe(200);
    if (when === "after the next renewal") await release();
    for (let used = 0; used < 4; used++) {
      shop.clock.pass(10, "minutes");
      expect((await cart(browser)).status).toBe(200);
      expect((await browser.post("/items", { item: "lamp" })).status).toBe(200);
    }
    await release();
    expect((await cart(browser)).status).toBe(200);
    expect(reasons(shop)).toEqual([]);
    expect(shop.events.map(({ type }) => type)).not.toContain("reuse-detected");
    // And an end is one, whatever arrives afterwards.
    const copy = browser.copy();
    expect((await browser.post("/logout")).status).toBe(302);
    expect((await cart(copy)).status).toBe(302);
  });
});

test.each(["insertSession", "updateSession", "updateSignIn", "useSession", "insertSignIn"] as const)(
  "what comes late at %s does not bring back a sign-in that has ended since",
  async (method) => {
    const shop = await start();
    const browser = await shop.signedIn();
    shop.clock.pass(10, "minutes");
    const first = browser.copy();
    const { release } = await holdingBack(shop, method, () => cart(first));
    // Another tab gets through, to the same new session, and signs out.
    expect((await cart(browser)).status).toBe(200);
    const copies = [first, browser.copy()];
    expect((await browser.post("/logout")).status).toBe(302);
    await release();
    for (const copy of copies) expect((await cart(copy)).status).toBe(302);
    shop.clock.pass(10, "minutes");
    for (const copy of copies) expect((await cart(copy)).status).toBe(302);
    expect(reasons(shop)).toEqual(["signed-out"]);
  },
);

describe("signing in again on a browser that is signed in, broken off in the store", () => {
  test.each(["insertSignIn", "insertSession"] as const)(
    "at %s: the old sign-in lives on, and the new one opens nothing",
    async (method) => {
      const shop = await start();
      const browser = await shop.signedIn();
      const before = [browser.cookie("session"), browser.cookie("refresh-token")];
      const { email, password } = await provider.anybody();
      await browser.get("/login");
      provider.calls.length = 0;
      const signIn = () => browser.post("/login", { loginId: email, password });
      const { answer, release } = await holdingBack(shop, method, signIn);
      expect(answer).toMatchObject({ status: 503, setCookies: [] });
      // What nobody got is given back.
      expect(provider.calls).toEqual(["POST /api/login", "DELETE /api/jwt/refresh/{id}"]);
      expect([browser.cookie("session"), browser.cookie("refresh-token")]).toEqual(before);
      await release();
      expect((await cart(browser)).status).toBe(200);
      shop.clock.pass(10, "minutes");
      expect((await cart(browser)).status).toBe(200);
      expect(reasons(shop)).toEqual([]);
    },
  );

  test("at its end: the old sign-in may be over, as was asked for, and signing in once more works", async () => {
    const shop = await start();
    const browser = await shop.signedIn();
    const { email, password } = await provider.anybody();
    await browser.get("/login");
    const signIn = () => browser.post("/login", { loginId: email, password });
    const { answer, release } = await holdingBack(shop, "updateSignIn", signIn);
    expect(answer.status).toBe(503);
    await release();
    shop.clock.pass(10, "minutes");
    expect((await cart(browser)).status).toBe(302);
    expect((await browser.signIn(email, password)).status).toBe(302);
    expect((await cart(browser)).status).toBe(200);
  });
});

test.each(["updateSignIn", "readSignIn"] as const)(
  "a sign-out broken off at %s is 503, leaves the cookies, and holds when it is asked for again",
  async (method) => {
    const shop = await start();
    const browser = await shop.signedIn();
    const copy = browser.copy();
    const before = new Map(browser.jar);
    const { answer, release } = await holdingBack(shop, method, () => browser.post("/logout"));
    expect(answer).toMatchObject({ status: 503, setCookies: [] });
    expect(browser.jar).toEqual(before);
    await release();
    expect([302, 403]).toContain((await browser.post("/logout")).status);
    expect((await cart(copy)).status).toBe(302);
    shop.clock.pass(10, "minutes");
    expect((await cart(copy)).status).toBe(302);
  },
);
