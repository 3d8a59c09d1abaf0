// W2, steps 13′–18′: an expired session is renewed in the same response; by 50 requests at once and by two nodes (D7).
import { expect, test, vi } from "vitest";
import { everywhere, type Place, type TestApplication, withReusableTokens } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { cookiesSet, type Incoming } from "./http.ts";

function rotations(app: TestApplication): number {
  return app.provider.events.filter(({ type }) => type === "refresh-token-rotated").length;
}

const renewal = (at: Place) => {
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
    expect(cookiesSet([answer], "session")).toEqual([browser.cookie("session")]);
    expect(cookiesSet([answer], "refresh-token")).toEqual([browser.cookie("refresh-token")]);
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
    expect(cookiesSet([answer], "session")).toHaveLength(1);
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
    expect(new Set(cookiesSet(answers, "session")).size).toBe(1);
    expect(rotations(app) - before).toBe(at.registration === "reusable" ? 0 : 1);
    await expectInterchangeable(app, browser, answers);
  });

  test("of 50 requests that wait for it asks the provider once (D7, step 1)", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    const before = app.provider.calls.length;
    const { useSession } = app.store;
    let looked = 0;
    app.store.useSession = (...which) => useSession(...which).finally(() => looked++);
    const held = app.provider.hold("POST /oauth2/token", "answer");
    const answers = Array.from({ length: 50 }, () => cart(browser));
    // Whoever looks for the session when the new one is there already would ask the provider again.
    await vi.waitFor(() => expect(looked).toBe(50), { timeout: 15_000 });
    held.open();
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    // The provider's keys are due, too: they are believed for ten minutes.
    const calls = app.provider.calls.slice(before).filter((call) => !call.startsWith("GET /.well-known/"));
    expect(calls).toEqual(["POST /oauth2/token"]);
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
    expect(new Set(cookiesSet(answers, "session")).size).toBe(1);
    expect(rotations(app) - before).toBe(at.registration === "reusable" ? 0 : 1);
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
    const [session = ""] = cookiesSet(answers, "session");
    const refreshTokens = [...new Set(cookiesSet(answers, "refresh-token"))].slice(0, 5);
    app.clock.pass(31, "minutes");
    const holders = refreshTokens.map((refreshToken) => browser.holding(session, refreshToken));
    const renewed = await Promise.all(holders.map((holder) => cart(holder)));
    expect(new Set(renewed.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(cookiesSet(renewed, "session")).size).toBe(1);
    await cart(browser);
  }
};
everywhere("renewal", renewal);
withReusableTokens("renewal", renewal);
