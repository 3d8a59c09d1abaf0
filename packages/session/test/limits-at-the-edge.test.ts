// Every clock of the table (D5), a millisecond before its limit, at it and a millisecond after (CWE-613, WSTG-SESS-07): a
// limit of length L that starts at t is over at t + L exactly, and where the limit ends nothing is asked and nothing set.
import { expect, test } from "vitest";
import { onEveryStore, type TestApplication, type Variant } from "./application.ts";
import type { Browser } from "./browser.ts";
import { day, hour, minute } from "./records.ts";

interface Limit {
  readonly clock: string;
  readonly limit: number;
  readonly variant: Variant;
  readonly remember?: boolean;
  /** The sign-in's own clock alone: the session id without its refresh cookie. */
  readonly sessionAlone?: boolean;
}

/** The limits at which a user has to sign in again; other clocks are put out of the way where they would come first. */
const limits: readonly Limit[] = [
  { clock: "W1 session idle", limit: 30 * minute, variant: { workflow: "sessions" } },
  {
    clock: "W1 session idle, remembered (which W1 does not know)",
    limit: 30 * minute,
    variant: { workflow: "sessions" },
    remember: true,
  },
  {
    clock: "W1 sign-in absolute",
    limit: 12 * hour,
    variant: { workflow: "sessions", lifetimes: { sessionIdle: "13h" } },
  },
  {
    clock: "W1 sign-in absolute, remembered (which W1 does not know)",
    limit: 12 * hour,
    variant: { workflow: "sessions", lifetimes: { sessionIdle: "13h" } },
    remember: true,
  },
  {
    clock: "W2 session idle, without the refresh cookie",
    limit: 5 * minute,
    variant: { lifetimes: { sessionIdle: "5m" } },
    sessionAlone: true,
  },
  {
    clock: "W2 session due, without the refresh cookie",
    limit: 10 * minute,
    variant: {},
    sessionAlone: true,
  },
  { clock: "W2 sign-in idle", limit: hour, variant: {} },
  { clock: "W2 sign-in idle, remembered", limit: 14 * day, variant: {}, remember: true },
  { clock: "W2 sign-in absolute", limit: day, variant: { lifetimes: { signInIdle: "30d" } } },
  {
    clock: "W2 sign-in absolute, with a session that would live on",
    limit: 20 * minute,
    variant: { lifetimes: { signInAbsolute: "20m" } },
  },
  {
    clock: "W2 sign-in absolute, remembered",
    limit: 30 * day,
    variant: { lifetimes: { rememberedIdle: "60d" } },
    remember: true,
  },
];

/** Signs somebody in and goes to that many milliseconds after it. */
async function after(
  app: TestApplication,
  passed: number,
  { remember = false, sessionAlone = false }: Partial<Limit>,
): Promise<Browser> {
  const browser = await app.signedIn({ remember });
  keepCookies(browser);
  app.clock.pass(passed, "milliseconds");
  if (sessionAlone) browser.jar.delete("refresh-token");
  return browser;
}

/** What the browser itself would forget in time is kept: limits are the server's (WSTG-SESS-07). */
function keepCookies(browser: Browser): void {
  for (const [name, { value }] of browser.jar) browser.plant(name, value);
}

onEveryStore("a limit", (at) => {
  test.each(limits)(
    "$clock: there a millisecond before, over at it and after it, without a question or a cookie (ASVS 7.3.1, 7.3.2)",
    async ({ limit, variant, ...how }) => {
      const app = await at.start(variant);
      expect((await (await after(app, limit - 1, how)).get("/shopping-cart")).status).toBe(200);
      for (const passed of [limit, limit + 1]) {
        const late = await after(app, passed, how);
        const before = app.provider.calls.length;
        expect(await late.get("/shopping-cart")).toMatchObject({ status: 302, setCookies: [] });
        expect(await late.get("/")).toMatchObject({ status: 200, body: "a visitor", setCookies: [] });
        expect(app.provider.calls.slice(before)).toEqual([]);
      }
    },
  );

  test.each([
    { workflow: "sessions", calls: ["GET /api/user/{id}", "GET /api/jwt/refresh/{id}"] },
    { workflow: "sessions+refresh-tokens", calls: ["POST /oauth2/token"] },
  ] as const)(
    "revalidateAfter ($workflow): the provider is not asked a millisecond before it, and once at it and after it (ASVS 7.6.1)",
    async ({ workflow, calls }) => {
      const app = await at.start({ workflow });
      for (const [passed, asked] of [
        [10 * minute - 1, []],
        [10 * minute, calls],
        [10 * minute + 1, calls],
      ] as const) {
        const browser = await after(app, passed, {});
        const [session, before] = [browser.cookie("session"), app.provider.calls.length];
        expect((await browser.get("/shopping-cart")).status).toBe(200);
        expect((await browser.get("/shopping-cart")).status).toBe(200);
        // The provider's keys are believed for ten minutes as well.
        const made = app.provider.calls.slice(before).filter((call) => !call.startsWith("GET /.well-known/"));
        expect(made).toEqual(asked);
        const isNew = browser.cookie("session") !== session;
        expect(isNew).toBe(workflow === "sessions+refresh-tokens" && asked.length > 0);
      }
    },
  );

  test.each([false, true])(
    "W2 sign-in idle counts from the last renewal, absolute from the password alone (remembered: %s)",
    async (remember) => {
      const app = await at.start({
        lifetimes: {
          signInIdle: "1h",
          signInAbsolute: "150m",
          rememberedIdle: "1h",
          rememberedAbsolute: "150m",
        },
      });
      const browser = await app.signedIn({ remember });
      const signedInAt = app.clock.now();
      for (let renewals = 0; renewals < 2; renewals++) {
        keepCookies(browser);
        app.clock.pass(hour - 1, "milliseconds");
        expect((await browser.get("/shopping-cart")).status).toBe(200);
      }
      // Idle would now allow another hour; the absolute limit is half an hour away.
      keepCookies(browser);
      app.clock.pass(signedInAt + 150 * minute - 1 - app.clock.now(), "milliseconds");
      const copy = browser.copy();
      expect((await browser.get("/shopping-cart")).status).toBe(200);
      keepCookies(browser);
      app.clock.pass(1, "milliseconds");
      for (const held of [browser, copy]) {
        expect(await held.get("/shopping-cart")).toMatchObject({ status: 302, setCookies: [] });
      }
    },
  );
});

onEveryStore("a cookie's own life", (at) => {
  test("that is not remembered is the browser's: no Max-Age, on either of them", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    await browser.get("/shopping-cart");
    for (const name of ["session", "refresh-token"]) expect(browser.jar.get(name)?.until).toBeNull();
    browser.restart();
    expect((await browser.get("/shopping-cart")).status).toBe(302);
  });

  test.each([
    { lifetimes: {}, ends: 30 * day },
    { lifetimes: { rememberedIdle: "20d", rememberedAbsolute: "25d" }, ends: 25 * day },
  ] as const)(
    "that is remembered is never longer than its sign-in's ($ends ms)",
    async ({ lifetimes, ends }) => {
      const app = await at.start({ lifetimes });
      const signedInAt = app.clock.now();
      const browser = await app.signedIn({ remember: true });
      for (const passed of [0, 10 * day, 10 * day]) {
        app.clock.pass(passed, "milliseconds");
        expect((await browser.get("/shopping-cart")).status).toBe(200);
        const [one, other] = ["session", "refresh-token"].map((name) => browser.jar.get(name)?.until);
        expect(one).toBe(other);
        expect(one).toBeLessThanOrEqual(signedInAt + ends);
        expect(one).toBeGreaterThan(app.clock.now());
      }
    },
  );
});
