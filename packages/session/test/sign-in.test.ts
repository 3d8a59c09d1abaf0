// Signing in, the workflows' steps 1–9: the native form, the credentials, what a browser gets and what it never gets.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";
import { everywhere, type TestApplication } from "./application.ts";

/** The cookies that sign somebody in, of a response. */
function sessionCookies(setCookies: readonly string[]) {
  const cookies = setCookies.map(parseSetCookie);
  return cookies.filter(({ name, value }) => value !== "" && !name.endsWith("device"));
}

/** A login id nobody has; a new one each time, because failures are counted. */
const nobody = () => `${randomUUID()}@example.com`;

const json = { "content-type": "application/json" };

function stored(app: TestApplication): string[] {
  return app.store.calls.filter((call) => call.startsWith("insert") || call.startsWith("update"));
}

everywhere("signing in", (at) => {
  test("W2, steps 1–12: home page, form, credentials, two HttpOnly cookies in one response, the cart", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    expect(await browser.get("/")).toMatchObject({ status: 200, body: "a visitor" });
    expect((await browser.get("/login")).status).toBe(200);

    const signedIn = await browser.post("/login", { loginId: email, password });
    expect(signedIn).toMatchObject({ status: 302, headers: { location: "/shopping-cart" } });
    const cookies = sessionCookies(signedIn.setCookies);
    expect(cookies.map(({ name }) => name).toSorted()).toEqual(["refresh-token", "session"]);
    for (const { attributes } of cookies) {
      expect(Object.fromEntries(attributes)).toEqual({ path: "/", httponly: "", samesite: "Lax" });
    }
    const cart = await browser.get("/shopping-cart");
    expect(cart).toMatchObject({ status: 200, setCookies: [] });
    expect(cart.body).toContain(`cart of ${email}`);
    expect(await browser.get("/")).toMatchObject({ body: `welcome ${email}` });
  });

  test("W1, steps 1–12: one HttpOnly cookie, and no refresh token in the browser", async () => {
    const app = await at.start({ workflow: "sessions" });
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    await browser.get("/login");
    const signedIn = await browser.post("/login", { loginId: email, password, remember: "on" });
    expect(signedIn).toMatchObject({ status: 302, headers: { location: "/shopping-cart" } });
    const cookies = sessionCookies(signedIn.setCookies);
    expect(cookies.map(({ name }) => name)).toEqual(["session"]);
    expect(cookies[0]?.attributes.has("max-age")).toBe(false);
    expect((await browser.get("/shopping-cart")).body).toContain(`cart of ${email}`);
  });

  test("gives cookies with the __Host- prefix and Secure on an https origin (CWE-614) (ASVS 3.3.1, 3.3.3)", async () => {
    const app = await at.start({ origin: "https://shop.example.com" });
    const browser = await app.signedIn({ remember: true });
    expect([...browser.jar.keys()].toSorted().filter((name) => !name.endsWith("form"))).toEqual([
      "__Host-device",
      "__Host-refresh-token",
      "__Host-session",
    ]);
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });

  test("remembered gives both cookies one Max-Age; not remembered, both go when the browser closes", async () => {
    const app = await at.start();
    const remembered = await app.signedIn({ remember: true });
    const [session, refreshToken] = [remembered.jar.get("session"), remembered.jar.get("refresh-token")];
    expect(session?.until).toBe(app.clock.now() + app.sessions.lifetimes.rememberedIdle);
    expect(refreshToken?.until).toBe(session?.until);
    remembered.restart();
    expect((await remembered.get("/shopping-cart")).status).toBe(200);

    const forgotten = await app.signedIn();
    forgotten.restart();
    expect((await forgotten.get("/shopping-cart")).status).toBe(302);
  });

  test("asks the provider once, and keeps no password anywhere", async () => {
    const app = await at.start();
    const before = app.provider.calls.length;
    await app.signedIn();
    const calls = app.provider.calls.slice(before).filter((call) => call.includes("/api/"));
    expect(calls).toEqual(["POST /api/login"]);
  });

  test("with a wrong password and with an unknown user gives the same answer, and stores nothing (CWE-203) (ASVS 6.3.8)", async () => {
    const app = await at.start();
    const { email } = await app.provider.person();
    const answers = [];
    for (const loginId of [email, nobody()]) {
      const browser = app.browser();
      const { status, body, setCookies } = await browser.signIn(loginId, "not the right pass phrase");
      answers.push({ status, body: body.replace(/value="[^"]*"/, ""), setCookies });
      expect(browser.cookie("session")).toBe("");
      expect((await browser.get("/shopping-cart")).status).toBe(302);
    }
    expect(answers[0]).toMatchObject({ status: 401, setCookies: [] });
    expect(answers[1]).toEqual(answers[0]);
    expect(stored(app)).toEqual([]);
  });

  test.each([
    ["nothing", {}],
    ["an array", { loginId: ["a@example.com"], password: ["x"] }],
    ["an object", { loginId: { $ne: null }, password: { $ne: null } }],
    ["numbers", { loginId: 1, password: 1 }],
    ["null", { loginId: null, password: null }],
    ["empty strings", { loginId: "", password: "" }],
    ["over-long strings", { loginId: "a".repeat(1_025), password: "a".repeat(1_025) }],
    ["a login id of half a megabyte", { loginId: "a".repeat(50_000), password: "a pass phrase" }],
    ["line breaks", { loginId: "a@example.com\r\nbcc: b@example.com", password: "a\r\nb" }],
    ["control characters", { loginId: "a\0b", password: "a\0b" }],
    ["__proto__", JSON.parse('{"__proto__": {"loginId": "a@example.com", "password": "x"}}')],
  ])("with %s for credentials is a clear 4xx, and stores nothing", async (_, credentials) => {
    const app = await at.start();
    const browser = app.browser();
    await browser.get("/login");
    const headers = { ...json, "x-form-token": browser.token ?? "" };
    const answer = await browser.request("POST", "/login", JSON.stringify(credentials), { headers });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.setCookies).toEqual([]);
    expect(stored(app)).toEqual([]);
  });

  test.each([
    ["not strings", { loginId: ["a@example.com"], password: { length: 20 } }],
    ["empty", { loginId: "a@example.com", password: "" }],
    ["over-long", { loginId: "a@example.com", password: "a".repeat(1_025) }],
    ["over-long as a login id", { loginId: "a".repeat(1_025), password: "a pass phrase" }],
  ])("with credentials that are %s does not trouble the provider", async (_, credentials) => {
    const app = await at.start();
    const browser = app.browser();
    await browser.get("/login");
    const before = app.provider.calls.length;
    const headers = { ...json, "x-form-token": browser.token ?? "" };
    expect((await browser.request("POST", "/login", JSON.stringify(credentials), { headers })).status).toBe(
      400,
    );
    expect(app.provider.calls.length).toBe(before);
  });

  test("with a field given twice is refused before the provider is asked", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    await browser.get("/login");
    const twice = new URLSearchParams([
      ["form-token", browser.token ?? ""],
      ["loginId", "first@example.com"],
      ["loginId", email],
      ["password", password],
    ]);
    const before = app.provider.calls.length;
    expect((await browser.request("POST", "/login", String(twice))).status).toBe(400);
    expect(app.provider.calls.length).toBe(before);
  });

  test("never happens by GET, whatever the query says (ASVS 7.6.2)", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    const query = new URLSearchParams({ loginId: email, password });
    expect((await browser.get(`/login?${query}`)).status).toBe(200);
    expect(browser.cookie("session")).toBe("");
    expect(stored(app)).toEqual([]);
  });

  test("never adopts a session id that somebody planted, known or not (CWE-384) (ASVS 7.2.4)", async () => {
    const app = await at.start();
    const attacker = await app.signedIn();
    const { email, password } = await app.provider.person();
    for (const planted of ["A".repeat(43), attacker.cookie("session"), "not even a session id"]) {
      const victim = app.browser();
      await victim.get("/login");
      victim.plant("session", planted);
      expect((await victim.post("/login", { loginId: email, password })).status).toBe(302);
      expect(victim.cookie("session")).not.toBe(planted);
      expect((await victim.get("/shopping-cart")).body).toContain(email);
      const follower = app.browser();
      follower.plant("session", planted);
      expect((await follower.get("/shopping-cart")).status).toBe(302);
    }
  });

  test("again ends the old sign-in of this browser and makes its forms useless (CWE-384, CORF) (ASVS 7.2.4)", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await browser.get("/shopping-cart");
    const [old, oldToken] = [browser.copy(), browser.token];
    const { email, password } = await app.provider.person();

    expect((await browser.post("/login", { loginId: email, password })).status).toBe(302);
    expect((await browser.get("/shopping-cart")).body).toContain(email);
    expect((await old.get("/shopping-cart")).status).toBe(302);
    expect((await browser.post("/items", { item: "lamp" }, { token: oldToken })).status).toBe(403);
    expect((await browser.post("/items", { item: "lamp" })).status).toBe(200);
  });

  test("again by a refused attempt leaves the old sign-in as it is", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    expect((await browser.signIn(nobody(), "not the right pass phrase")).status).toBe(401);
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });

  test("ends an old sign-in whose session has expired too", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const old = browser.copy();
    app.clock.pass(31, "minutes");
    const { email, password } = await app.provider.person();
    expect((await browser.signIn(email, password)).status).toBe(302);
    expect((await browser.get("/shopping-cart")).body).toContain(email);
    expect((await old.get("/shopping-cart")).status).toBe(302);
  });

  test("works in a tab whose form was opened before another tab signed in", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    await browser.get("/login");
    const early = browser.token;
    expect((await browser.post("/login", { loginId: email, password })).status).toBe(302);
    const late = await browser.post("/login", { loginId: email, password }, { token: early });
    expect(late.status).toBe(302);
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });

  test("leads to where the user wanted to go, and never to another site (CWE-601) (ASVS 3.7.2)", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const browser = app.browser();
    const asked = await browser.get("/slow?page=2");
    expect(asked).toMatchObject({ status: 302, headers: { location: "/login?returnTo=%2Fslow%3Fpage%3D2" } });
    expect((await browser.get(String(asked.headers["location"]))).body).toContain("/slow?page=2");
    for (const [returnTo, location] of [
      ["/slow?page=2", "/slow?page=2"],
      ["//evil.example", "/shopping-cart"],
      ["https://evil.example/", "/shopping-cart"],
      ["/\\evil.example", "/shopping-cart"],
    ] as const) {
      const answer = await app.browser().signIn(person.email, person.password, { returnTo });
      expect(answer.headers["location"]).toBe(location);
    }
  });

  test("to the shop does not sign in to the forum (steps 15–23: no single sign-on)", async () => {
    const [store, forum] = [await at.start(), await at.start({ application: "forum" })];
    const browser = await store.signedIn();
    const atForum = forum.browser();
    for (const [name, { value }] of browser.jar) atForum.plant(name, value);
    expect((await atForum.get("/shopping-cart")).status).toBe(302);
    expect((await browser.get("/shopping-cart")).status).toBe(200);
  });
});
