// Renewal after the store lost everything, and while keys are rolled: nobody signs in again, nobody gets back in.
import { expect, test } from "vitest";
import { everywhere, type Place, withReusableTokens } from "./application.ts";
import { cart } from "./browser.ts";
import { cookiesSet } from "./http.ts";
import { cookieKey } from "./records.ts";

const renewal = (at: Place) => {
  test("goes on from the cookie after the store lost everything: nobody signs in again (FLUSHALL)", async () => {
    const app = await at.start();
    const [one, two] = [await app.signedIn(), await app.signedIn({ remember: true })];
    await cart(one);
    await app.store.empty();
    for (const browser of [one, two]) {
      expect((await cart(browser)).status).toBe(200);
      expect((await cart(browser)).setCookies).toEqual([]);
    }
    expect((await one.post("/items", { item: "lamp" })).status).toBe(200);
    const until = app.clock.now() + app.sessions.lifetimes.rememberedIdle;
    expect(two.jar.get("session")?.until).toBe(until);
  });

  test("after the store lost everything does not move the absolute limit", async () => {
    const app = await at.start({ lifetimes: { signInAbsolute: "2h" } });
    const browser = await app.signedIn();
    app.clock.pass(59, "minutes");
    await cart(browser);
    await app.store.empty();
    app.clock.pass(59, "minutes");
    expect((await cart(browser)).status).toBe(200);
    await app.store.empty();
    app.clock.pass(2, "minutes");
    const before = app.provider.calls.length;
    expect((await cart(browser)).status).toBe(302);
    expect(app.provider.calls.length).toBe(before);
  });

  test("of 50 requests at once after the store lost everything: all served, one session id", async () => {
    const app = await at.start();
    const second = await at.start({ beside: app });
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    await Promise.all([app.store.empty(), second.store.empty()]);
    const ports = [app.port, second.port];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cart(browser, { port: ports[index % 2] ?? app.port })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(cookiesSet(answers, "session")).size).toBe(1);
  });

  test("by a node that does not know the cookie's key signs out for that request alone, and leaves the cookie", async () => {
    const app = await at.start();
    const stranger = await at.start({ beside: app, cookieKeys: [cookieKey("2030")] });
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    const answer = await cart(browser, { port: stranger.port });
    expect(answer).toMatchObject({ status: 302, setCookies: [] });
    expect(app.provider.calls.length).toBe(before);
    expect((await cart(browser)).status).toBe(200);
  });

  test("goes on through a key roll: distribute, promote, retire; everybody stays signed in", async () => {
    const [old, next] = [cookieKey("old"), cookieKey("new")];
    const app = await at.start({ cookieKeys: [old] });
    const [distributed, promoted, retired] = [
      await at.start({ beside: app, cookieKeys: [old, next] }),
      await at.start({ beside: app, cookieKeys: [next, old] }),
      await at.start({ beside: app, cookieKeys: [next] }),
    ];
    const browser = await app.signedIn();
    await cart(browser);
    for (const { port } of [distributed, promoted]) {
      app.clock.pass(31, "minutes");
      expect((await cart(browser, { port })).status).toBe(200);
      expect((await browser.post("/items", { item: "lamp" }, { port })).status).toBe(200);
    }
    expect(browser.cookie("refresh-token")).toMatch(/^new\./);
    app.clock.pass(31, "minutes");
    expect((await cart(browser, { port: retired.port })).status).toBe(200);
  });

  test("in the middle of a key roll, by nodes that write with different keys, leads to one session id", async () => {
    const [old, next] = [cookieKey("old"), cookieKey("new")];
    const app = await at.start({ cookieKeys: [old, next] });
    const promoted = await at.start({ beside: app, cookieKeys: [next, old] });
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const ports = [app.port, promoted.port];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => cart(browser, { port: ports[index % 2] ?? app.port })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(cookiesSet(answers, "session")).size).toBe(1);
  });
};
everywhere("renewal", renewal);
withReusableTokens("renewal", renewal);
