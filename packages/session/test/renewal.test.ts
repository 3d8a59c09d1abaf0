// W2, steps 13′–18′: an expired session is renewed in the same response; by 50 requests at once, by two nodes, after lost
// and late answers, after the store lost everything (D7).
import { expect, test, vi } from "vitest";
import { everywhere, type TestApplication } from "./application.ts";
import type { Browser } from "./browser.ts";
import type { Incoming } from "./http.ts";
import { cookieKey } from "./records.ts";
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";

const cart = (browser: Browser, variation = {}) => browser.get("/shopping-cart", variation);

function setBy(responses: readonly Incoming[], name: string): string[] {
  const cookies = responses.flatMap(({ setCookies }) => setCookies.map(parseSetCookie));
  return cookies.filter((cookie) => cookie.name === name).map(({ value }) => value);
}

function rotations(app: TestApplication): number {
  return app.provider.events.filter(({ type }) => type === "refresh token rotated").length;
}

/** A copy of the browser that holds this pair. */
function holding(browser: Browser, [session, refreshToken]: readonly [string, string]): Browser {
  const copy = browser.copy();
  copy.plant("session", session);
  copy.plant("refresh-token", refreshToken);
  return copy;
}

everywhere("renewal", (at) => {
  test("happens in the same response: the page, a new session id, a new refresh cookie, no redirect", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const [session, refreshToken] = [browser.cookie("session"), browser.cookie("refresh-token")];
    app.clock.pass(31, "minutes");
    const answer = await cart(browser);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(`cart of ${person.email}`);
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(setBy([answer], "session")).toEqual([browser.cookie("session")]);
    expect(setBy([answer], "refresh-token")).toEqual([browser.cookie("refresh-token")]);
    expect(browser.cookie("session")).not.toBe(session);
    expect(browser.cookie("refresh-token")).not.toBe(refreshToken);
    expect((await cart(browser)).setCookies).toEqual([]);
  });

  test("keeps a POST: its body reaches the handler, with a form rendered before the renewal", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    await cart(browser);
    app.clock.pass(31, "minutes");
    const answer = await browser.post("/items", { item: "lamp & shade" });
    expect(answer).toMatchObject({ status: 200, body: `${person.email} adds lamp & shade` });
    expect(setBy([answer], "session")).toHaveLength(1);
  });

  test("leaves the old session id useless, and trying it harms nobody", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const old = browser.copy();
    app.clock.pass(31, "minutes");
    await cart(browser);
    old.jar.delete("refresh-token");
    expect((await cart(old)).status).toBe(302);
    app.clock.pass(31, "seconds");
    expect((await cart(old)).status).toBe(302);
    expect((await cart(browser)).status).toBe(200);
  });

  test("leaves no old session in the store, also where it would have lived on", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    app.clock.pass(11, "minutes");
    await cart(browser);
    const [old = "", current = ""] = app.store.made;
    expect(await app.store.useSession(old, app.clock.now(), 60_000)).toBeNull();
    expect(await app.store.useSession(current, app.clock.now(), 60_000)).not.toBeNull();
  });

  test("keeps the user's sign-in, its limit and its forms", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const token = browser.token;
    for (let round = 0; round < 3; round++) {
      app.clock.pass(31, "minutes");
      await cart(browser);
    }
    expect((await browser.post("/items", { item: "lamp" }, { token })).status).toBe(200);
    const ids = app.events.flatMap((event) => ("signInId" in event ? [event.signInId] : []));
    expect(new Set(ids).size).toBe(1);
  });

  test("of 50 requests at once: all served, one session id, one rotation, interchangeable refresh cookies", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = rotations(app);
    const answers = await Promise.all(Array.from({ length: 50 }, () => cart(browser)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(setBy(answers, "session")).size).toBe(1);
    expect(rotations(app) - before).toBe(1);
    await expectInterchangeable(app, browser, answers);
  });

  test("of 50 requests that wait for it asks the provider once (D7, step 1)", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    app.store.calls.length = 0;
    const held = app.provider.hold("POST /oauth2/token", "answer");
    const answers = Array.from({ length: 50 }, () => cart(browser));
    await vi.waitFor(() => expect(app.store.calls.filter((call) => call === "useSession")).toHaveLength(50));
    held.open();
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    expect(app.provider.calls.slice(before)).toEqual(["POST /oauth2/token"]);
  });

  test("of 50 requests at once over two nodes comes to the same (no lock between them)", async () => {
    const app = await at.start();
    const second = await at.start({ beside: app });
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = rotations(app);
    const ports = [app.port, second.port];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => cart(browser, { port: ports[index % 2] ?? app.port })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(setBy(answers, "session")).size).toBe(1);
    expect(rotations(app) - before).toBe(1);
    expect(app.events.filter(({ type }) => type === "reuse-detected")).toEqual([]);
    await expectInterchangeable(app, browser, answers);
    expect((await cart(browser, { port: second.port })).status).toBe(200);
  });

  /** Every refresh cookie that was handed out renews to the same next session. */
  async function expectInterchangeable(
    app: TestApplication,
    browser: Browser,
    answers: Incoming[],
  ): Promise<void> {
    const [session = ""] = setBy(answers, "session");
    const refreshTokens = [...new Set(setBy(answers, "refresh-token"))].slice(0, 5);
    app.clock.pass(31, "minutes");
    const holders = refreshTokens.map((refreshToken) => holding(browser, [session, refreshToken]));
    const renewed = await Promise.all(holders.map((holder) => cart(holder)));
    expect(new Set(renewed.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(setBy(renewed, "session")).size).toBe(1);
    await cart(browser);
  }

  test("is handed over to a tab that comes with the old pair up to 30 s after the new one was first used", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const tab = browser.copy();
    app.clock.pass(31, "minutes");
    await cart(browser);
    app.clock.pass(2, "minutes");
    await cart(browser);
    app.clock.pass(30, "seconds");
    expect((await cart(tab)).status).toBe(200);
    expect(tab.cookie("session")).toBe(browser.cookie("session"));
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answer was lost is served again, with another session id, and the lost one is dead", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const [lost = ""] = setBy([await cart(browser, { lost: true })], "session");
    app.clock.pass(31, "seconds");
    expect((await cart(browser)).status).toBe(200);
    expect(browser.cookie("session")).not.toBe(lost);
    expect((await cart(browser)).status).toBe(200);

    const finder = app.browser();
    finder.plant("session", lost);
    expect((await cart(finder)).status).toBe(302);
    app.clock.pass(31, "minutes");
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answers are lost again and again is served in the end", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const ids = new Set<string>();
    for (let round = 0; round < 6; round++) {
      const [id = ""] = setBy([await cart(browser, { lost: true })], "session");
      ids.add(id);
      app.clock.pass(31, "seconds");
    }
    expect(ids.size).toBe(6);
    expect((await cart(browser)).status).toBe(200);
    app.clock.pass(11, "minutes");
    expect((await cart(browser)).status).toBe(200);
  });

  test("whose answer was lost within 30 s is handed over as it is", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const [lost] = setBy([await cart(browser, { lost: true })], "session");
    app.clock.pass(30, "seconds");
    expect((await cart(browser)).status).toBe(200);
    expect(browser.cookie("session")).toBe(lost);
  });

  test("whose answers arrive out of order ends with the pair that counts", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const late = await cart(browser, { lost: true });
    app.clock.pass(31, "seconds");
    await cart(browser);
    const counts = browser.cookie("session");
    const [[session = ""], [refreshToken = ""]] = [setBy([late], "session"), setBy([late], "refresh-token")];
    const overtaken = holding(browser, [session, refreshToken]);
    expect((await cart(overtaken)).status).toBe(200);
    expect(overtaken.cookie("session")).toBe(counts);
    expect((await cart(overtaken)).setCookies).toEqual([]);
    expect(app.events.filter(({ type }) => type === "reuse-detected")).toEqual([]);
  });

  test("that was handed over late starts its 30 s again: the next tab gets the same pair", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const tab = browser.copy();
    app.clock.pass(31, "minutes");
    const late = await cart(browser, { lost: true });
    app.clock.pass(31, "seconds");
    await cart(browser, { lost: true });
    app.clock.pass(20, "seconds");
    const [[session = ""], [refreshToken = ""]] = [setBy([late], "session"), setBy([late], "refresh-token")];
    const overtaken = holding(browser, [session, refreshToken]);
    expect((await cart(overtaken)).status).toBe(200);
    app.clock.pass(25, "seconds");
    expect((await cart(tab)).status).toBe(200);
    expect(tab.cookie("session")).toBe(overtaken.cookie("session"));
  });

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
    expect(new Set(setBy(answers, "session")).size).toBe(1);
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
    expect(new Set(setBy(answers, "session")).size).toBe(1);
  });
});
