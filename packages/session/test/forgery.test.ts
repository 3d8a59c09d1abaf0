// Requests another site forges (CWE-352, WSTG-SESS-05): refused on every unsafe route, signing in and out included; what
// is refused sets no cookie and changes nothing.
import { expect, test } from "vitest";
import { everywhere, onEveryFramework, type TestApplication } from "./application.ts";
import { cart } from "./browser.ts";
import { exchange } from "./http.ts";

const foreign: [string, (app: TestApplication) => Record<string, string>][] = [
  ["another site", () => ({ "sec-fetch-site": "cross-site", origin: "https://evil.example" })],
  ["a sibling host", () => ({ "sec-fetch-site": "same-site", origin: "http://forum.localhost" })],
  ["another site that claims our Origin", ({ origin }) => ({ "sec-fetch-site": "cross-site", origin })],
];
const foreignInOldBrowsers: [string, string][] = [
  ["another site", "https://evil.example"],
  ["a sandboxed frame", "null"],
  ["another port", "http://127.0.0.1:1"],
  ["another scheme", "https://127.0.0.1"],
];

everywhere("forgery", (at) => {
  test.each(foreign)(
    "from %s is refused on every unsafe route, even with the right form token (ASVS 3.5.1)",
    async (_, headersOf) => {
      const app = await at.start();
      const { email, password } = await app.provider.person();
      const browser = await app.signedIn();
      await cart(browser);
      const variation = { headers: headersOf(app) };
      app.store.calls.length = 0;
      for (const path of ["/login", "/logout", "/items", "/no-such-page"]) {
        const answer = await browser.post(path, { loginId: email, password, item: "lamp" }, variation);
        expect(answer).toMatchObject({ status: 403, setCookies: [] });
        expect(answer.headers["cache-control"]).toBe("no-store");
      }
      for (const method of ["PUT", "PATCH", "DELETE"]) {
        expect((await browser.request(method, "/items", "item=lamp", variation)).status).toBe(403);
      }
      // Refused before anything was looked up: a forged request neither extends nor renews (D10).
      expect(app.store.calls).toEqual([]);
      expect((await cart(browser)).status).toBe(200);
      expect(app.events.filter(({ type }) => type === "cross-site-refused").length).toBe(7);
    },
  );

  test("does not renew: an expired session stays as it is", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    const variation = { headers: { "sec-fetch-site": "cross-site" } };
    expect(await browser.post("/items", { item: "lamp" }, variation)).toMatchObject({
      status: 403,
      setCookies: [],
    });
    expect(app.provider.calls.length).toBe(before);
  });

  test("without a form token, or with one that is not this sign-in's, is refused", async () => {
    const app = await at.start();
    const [browser, attacker] = [await app.signedIn(), await app.signedIn()];
    await cart(browser);
    await attacker.get("/shopping-cart");
    const visitor = app.browser();
    await visitor.get("/login");
    const mine = browser.token ?? "";
    for (const token of [
      null,
      "",
      "x",
      attacker.token,
      visitor.token,
      `${mine}x`,
      mine.slice(1),
      mine.split(".").toReversed().join("."),
    ]) {
      expect(await browser.post("/items", { item: "lamp" }, { token })).toMatchObject({
        status: 403,
        setCookies: [],
      });
      expect((await browser.post("/logout", {}, { token })).status).toBe(403);
    }
    expect((await browser.post("/items", { item: "lamp" })).status).toBe(200);
  });

  test("with a token from before signing in is refused everywhere but at the login page (CORF)", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.anybody();
    const browser = app.browser();
    await browser.get("/login");
    const early = browser.token;
    await browser.post("/login", { loginId: email, password });
    expect((await browser.post("/items", { item: "lamp" }, { token: early })).status).toBe(403);
    expect((await browser.post("/logout", {}, { token: early })).status).toBe(403);
  });

  test("with a token of a sign-in that is over is refused", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const stale = browser.token;
    await browser.post("/logout");
    expect((await browser.post("/login", { loginId: "a", password: "b" }, { token: stale })).status).toBe(
      403,
    );
    await browser.get("/login");
    const { email, password } = await app.provider.anybody();
    await browser.post("/login", { loginId: email, password });
    expect((await browser.post("/items", { item: "lamp" }, { token: stale })).status).toBe(403);
  });
});

onEveryFramework("forgery", (at) => {
  test.each(foreignInOldBrowsers)(
    "in a browser without Sec-Fetch-Site, from %s, is refused by Origin",
    async (_, origin) => {
      const app = await at.start();
      const browser = await app.signedIn();
      await cart(browser);
      const variation = { headers: { origin, "sec-fetch-site": [] } };
      for (const path of ["/items", "/login", "/logout"]) {
        expect(await browser.post(path, { item: "lamp" }, variation)).toMatchObject({
          status: 403,
          setCookies: [],
        });
      }
      expect((await cart(browser)).status).toBe(200);
    },
  );

  test("is told from our own forms by Origin, in a browser without Sec-Fetch-Site (ASVS 3.7.5)", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const own = { headers: { "sec-fetch-site": [] } };
    expect((await browser.post("/items", { item: "lamp" }, own)).status).toBe(200);
    const neither = { headers: { "sec-fetch-site": [], origin: [] } };
    expect((await browser.post("/items", { item: "lamp" }, neither)).status).toBe(403);
  });

  test("by the Host header is not believed: the configured origin counts", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const headers = { host: "evil.example", origin: "http://evil.example", "sec-fetch-site": [] };
    expect((await browser.post("/items", { item: "lamp" }, { headers })).status).toBe(403);
  });

  test("of signing in (login CSRF) needs the visitor's own form cookie (ASVS 10.1.2)", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.anybody();
    const [victim, attacker] = [app.browser(), app.browser()];
    await attacker.get("/login");
    const fields = { loginId: email, password };
    expect((await victim.post("/login", fields, { token: attacker.token })).status).toBe(403);
    expect((await victim.post("/login", fields, { token: null })).status).toBe(403);
    await victim.get("/login");
    const own = victim.token;
    expect((await victim.post("/login", fields, { token: attacker.token })).status).toBe(403);
    expect(victim.cookie("session")).toBe("");
    expect((await victim.post("/login", fields, { token: own })).status).toBe(302);
  });

  test("by a request that a program sends without any cookie still needs a form token", async () => {
    const app = await at.start();
    const body = "loginId=a&password=b";
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" };
    const answer = await exchange(app.port, { method: "POST", path: "/login", headers, body });
    expect(answer).toMatchObject({ status: 403, setCookies: [] });
  });

  test("is told from our own scripts, which send the form token in a header", async () => {
    const app = await at.start();
    const person = await app.provider.anybody();
    const browser = await app.signedIn();
    await cart(browser);
    const headers = { "content-type": "application/json", "x-form-token": browser.token ?? "" };
    const body = JSON.stringify({ item: "lamp" });
    expect(await browser.request("POST", "/items", body, { headers })).toMatchObject({
      status: 200,
      body: `${person.email} adds lamp`,
    });
    expect((await browser.request("PUT", "/items", body, { headers })).status).toBe(200);
    const token = { "x-form-token": browser.token ?? "" };
    expect((await browser.request("DELETE", "/items", undefined, { headers: token })).status).toBe(200);
    const without = { "content-type": "application/json" };
    expect((await browser.request("POST", "/items", body, { headers: without })).status).toBe(403);
  });

  test("of a path on the unguarded list is the receiver's own business: it runs for whoever calls", async () => {
    const app = await at.start();
    const headers = { "content-type": "application/json", "sec-fetch-site": "cross-site" };
    const outgoing = { method: "POST", path: "/hook", headers, body: JSON.stringify({ item: "paid" }) };
    expect(await exchange(app.port, outgoing)).toMatchObject({ status: 200, body: "hook paid" });
    for (const path of ["/hook/", "//hook", "/hook/../items", "/hook%2f", "/HOOK"]) {
      expect((await exchange(app.port, { ...outgoing, path })).status).not.toBe(200);
    }
  });
});
