// Step-up: what is sensitive asks for the password again unless it was given within ten minutes (ASVS 7.5.1, 7.5.3). The
// clock is the authentication's: neither use nor renewal moves it.
import { expect, test } from "vitest";
import { devicesOf, post } from "./account.ts";
import { everywhere, onEveryFramework, type TestApplication, workflows } from "./application.ts";
import { cart } from "./browser.ts";
import { latchkey, requireRecentSignIn as onExpress } from "../src/express.ts";
import { requireRecentSignIn as onFastify } from "../src/fastify.ts";
import { requireRecentSignIn as onHono } from "../src/hono.ts";

const toLogin = (returnTo: string) => ({
  status: 302,
  headers: expect.objectContaining({ location: `/login?returnTo=${encodeURIComponent(returnTo)}` }),
});
const asJson = { headers: { accept: "application/json" } };

/** Someone whose password is known, so that it can be given again. */
async function person(app: TestApplication, how: { remember?: boolean } = {}) {
  const somebody = await app.provider.person();
  return { ...somebody, browser: await app.signedIn({ person: somebody, ...how }) };
}

everywhere("a route that demands a recent sign-in", (at) => {
  test.each(workflows)(
    "runs until ten minutes after the password was given, and not at ten minutes (%s, ASVS 7.5.1)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { browser } = await person(app);
      await cart(browser);
      app.clock.pass(599_999, "milliseconds");
      expect(await browser.get("/sensitive")).toMatchObject({ status: 200, body: "sensitive" });
      expect((await browser.post("/sensitive")).status).toBe(200);
      app.clock.pass(1, "milliseconds");
      const asked = await browser.get("/sensitive?of=mine");
      expect(asked).toMatchObject(toLogin("/sensitive?of=mine"));
      expect(asked.body).not.toContain("sensitive");
      expect((await cart(browser)).status).toBe(200);
    },
  );

  test("is not opened by a renewal: using a sign-in proves nothing", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    const first = browser.cookie("session");
    for (let used = 0; used < 3; used++) {
      app.clock.pass(9, "minutes");
      await cart(browser);
    }
    expect(browser.cookie("session")).not.toBe(first);
    expect(await browser.get("/sensitive")).toMatchObject(toLogin("/sensitive"));
  });

  test.each(workflows)(
    "runs again after the password was given again, in the same place (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const { browser, email, password } = await person(app);
      app.clock.pass(11, "minutes");
      const asked = await browser.get("/sensitive");
      await browser.get(String(asked.headers["location"]));
      const given = await browser.post("/login", { loginId: email, password, returnTo: "/sensitive" });
      expect(given).toMatchObject({ status: 302, headers: { location: "/sensitive" } });
      expect(await browser.get("/sensitive")).toMatchObject({ status: 200, body: "sensitive" });
      expect(await devicesOf(browser)).toHaveLength(1);
    },
  );

  test("stays shut after a wrong password, and the sign-in goes on", async () => {
    const app = await at.start();
    const { browser, email } = await person(app);
    app.clock.pass(11, "minutes");
    expect((await browser.signIn(email, "not the right pass phrase", { confirm: "on" })).status).toBe(401);
    expect(await browser.get("/sensitive")).toMatchObject(toLogin("/sensitive"));
    expect((await cart(browser)).status).toBe(200);
  });
});

everywhere("giving the password again", (at) => {
  test("leaves it as the user chose whether to stay signed in", async () => {
    const app = await at.start();
    for (const remember of [true, false]) {
      const { browser, email, password } = await person(app, { remember });
      app.clock.pass(11, "minutes");
      await cart(browser);
      expect((await browser.signIn(email, password, { confirm: "on" })).status).toBe(302);
      expect(await devicesOf(browser)).toMatchObject([{ remembered: remember, isThis: true }]);
      browser.restart();
      expect((await cart(browser)).status).toBe(remember ? 200 : 302);
    }
  });

  test("remembers nobody else: another user who signs in there is asked first", async () => {
    const app = await at.start();
    const { browser } = await person(app, { remember: true });
    const { email, password } = await app.provider.person();
    await cart(browser);
    expect((await browser.signIn(email, password, { confirm: "on" })).status).toBe(302);
    expect(await devicesOf(browser)).toMatchObject([{ remembered: false, isThis: true }]);
  });

  test("with a word on remembering does as it says", async () => {
    const app = await at.start();
    const { browser, email, password } = await person(app, { remember: true });
    expect((await browser.signIn(email, password)).status).toBe(302);
    expect(await devicesOf(browser)).toMatchObject([{ remembered: false }]);
  });
});

onEveryFramework("a route that demands a recent sign-in", (at) => {
  test("leads a form to the login form, and from there to its page, or to where signing in leads", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    app.clock.pass(10, "minutes");
    expect(await post(browser, "/sensitive/returning")).toMatchObject(toLogin("/account"));
    expect(await post(browser, "/sensitive")).toMatchObject(toLogin("/shopping-cart"));
  });

  test("tells a program that it needs a recent sign-in", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    app.clock.pass(10, "minutes");
    await cart(browser);
    for (const answer of [
      await browser.get("/sensitive", asJson),
      await browser.post("/sensitive", {}, asJson),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: '{"error":"recent-sign-in-required"}' });
      expect(answer.headers).toMatchObject({
        "content-type": expect.stringContaining("application/json"),
        "cache-control": "no-store",
      });
    }
  });

  test("asks to sign in where nobody is, as everywhere, on public paths too", async () => {
    const app = await at.start();
    for (const path of ["/sensitive", "/assets/sensitive"]) {
      expect(await app.browser().get(path)).toMatchObject(toLogin(path));
      const answer = await app.browser().get(path, asJson);
      expect(answer).toMatchObject({ status: 401, body: '{"error":"sign-in-required"}', setCookies: [] });
    }
  });

  test("needs the form token besides: the question comes to nobody whose request is forged (CWE-352)", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    await cart(browser);
    expect((await browser.post("/sensitive", {}, { token: null })).status).toBe(403);
    app.clock.pass(10, "minutes");
    expect((await browser.post("/sensitive", {}, { token: null })).status).toBe(403);
  });

  test("whose question comes with a renewal hands over the new pair", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    app.clock.pass(31, "minutes");
    const asked = await browser.get("/sensitive");
    expect(asked).toMatchObject(toLogin("/sensitive"));
    expect(asked.setCookies).toHaveLength(2);
    expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
  });

  test("leads to no other site, whatever was asked for (CWE-601)", async () => {
    const app = await at.start();
    const { browser } = await person(app);
    app.clock.pass(10, "minutes");
    const asked = await browser.get("/sensitive?next=https://evil.example/%0d%0aset-cookie:a=b");
    expect(String(asked.headers["location"])).toMatch(/^\/login\?returnTo=%2Fsensitive%3Fnext/);
    expect(asked.setCookies.filter((each) => each.startsWith("a="))).toEqual([]);
  });
});

test.each([onExpress, onFastify, onHono])(
  "a wrong demand stops the application where it is made",
  (demand) => {
    for (const within of ["10", "soon", "0m", "-1m", "10 m", "401d"]) {
      // @ts-expect-error: what a configuration may hold
      expect(() => demand(within)).toThrow(/"within" must be a duration/);
    }
    for (const returnTo of ["https://evil.example/", "//evil.example", "account", "/\\evil.example", ""]) {
      expect(() => demand("10m", { returnTo })).toThrow(/"returnTo" must be a path/);
    }
  },
);

test("a route that demands a recent sign-in without the adapter before it says so", () => {
  expect(latchkey).toBeTypeOf("function");
  expect(() => void onExpress("10m")({} as never, {} as never, () => {})).toThrow(/did not pass through/);
});
