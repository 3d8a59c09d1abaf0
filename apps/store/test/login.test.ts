import { afterEach, describe, expect, test } from "vitest";
import { escaped, hiddenField } from "../../../test/applications/browser.ts";
import { ada, ben } from "../../../test/applications/company.ts";
import { openShop } from "./shop.ts";

const shop = openShop();

afterEach(() => {
  shop.company.isReachable = true;
});

describe("the login form", () => {
  test("is the shop's own, ready for a password manager", async () => {
    const { status, html } = await shop.visitor().get("/login");
    expect(status).toBe(200);
    expect(html).toMatch(/<input [^>]*name="email"[^>]*autocomplete="username"/);
    expect(html).toMatch(/<input [^>]*name="password" type="password" autocomplete="current-password"/);
    expect(html).toMatch(/<input [^>]*name="remember" type="checkbox"/);
    expect(html).not.toMatch(/<script|\son\w+=|\sstyle=|javascript:/i);
  });

  test("leads to the cart, or to where the visitor wanted to go", async () => {
    expect((await shop.visitor().signIn(ada.email, ada.password)).location).toBe("/shopping-cart");
    const visitor = shop.visitor();
    const wanted = await visitor.get("/orders?year=2026");
    expect(wanted.location).toBe("/login?returnTo=%2Forders%3Fyear%3D2026");
    const form = await visitor.get(String(wanted.location));
    expect(hiddenField(form, "/login", "returnTo")).toBe("/orders?year=2026");
    const answer = await visitor.submit(form, "/login", { email: ada.email, password: ada.password });
    expect([answer.status, answer.location]).toEqual([302, "/orders?year=2026"]);
  });

  test.each(["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])(
    "never leads to %s",
    async (returnTo) => {
      const form = await shop.visitor().get(`/login?returnTo=${encodeURIComponent(returnTo)}`);
      expect(hiddenField(form, "/login", "returnTo")).toBeNull();
      const visitor = shop.visitor();
      const refused = await visitor.signIn(ada.email, "wrong", { returnTo });
      expect(hiddenField(refused, "/login", "returnTo")).toBeNull();
      const answer = await visitor.signIn(ada.email, ada.password, { returnTo });
      expect(answer.location).toBe("/shopping-cart");
    },
  );

  test("says the same of an unknown user and a wrong password, keeps the email, drops the password (ASVS 6.3.8)", async () => {
    const wrongPassword = await shop.visitor().signIn(ada.email, "not her password", { remember: "yes" });
    const unknownUser = await shop.visitor().signIn("nobody@example.com", "not her password");
    for (const answer of [wrongPassword, unknownUser]) {
      expect(answer.status).toBe(401);
      expect(answer.html).toContain("Email or password is not right.");
      expect(answer.html).not.toContain("not her password");
      expect(answer.setCookies.some((cookie) => /session|refresh-token/.test(cookie))).toBe(false);
    }
    expect(hiddenField(wrongPassword, "/login", "email")).toBe(ada.email);
    expect(wrongPassword.html).toMatch(/<input name="remember"[^>]* checked>/);
    expect(wrongPassword.html).toContain('aria-describedby="problem"');
  });

  test("prints back what was typed as text", async () => {
    const email = `"><script>alert(1)</script>`;
    const { html } = await shop.visitor().signIn(email, "wrong");
    expect(html).not.toContain("<script");
    expect(html).toContain(escaped(email));
  });

  test.each([
    ["no email", { email: null }],
    ["no password", { password: null }],
    ["two passwords", { password: ["one", "two"] }],
    ["an empty password", { password: "" }],
    ["an endless email", { email: "a".repeat(20_000) }],
  ])("refuses %s with 400", async (_name, filled) => {
    const visitor = shop.visitor();
    const answer = await visitor.signIn(ada.email, ada.password, filled);
    expect(answer.status).toBe(400);
    expect(visitor.cookies.has("session")).toBe(false);
  });

  test("needs its token", async () => {
    const visitor = shop.visitor();
    const answer = await visitor.signIn(ada.email, ada.password, { "form-token": "made.up" });
    expect(answer.status).toBe(403);
    expect(visitor.cookies.has("session")).toBe(false);
  });

  test("says so, and when to come back, while the provider is down", async () => {
    const visitor = shop.visitor();
    const form = await visitor.get("/login");
    shop.company.isReachable = false;
    const answer = await visitor.submit(form, "/login", { email: ada.email, password: ada.password });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(answer.html).toContain("Signing in is not available for a moment.");
    expect(visitor.cookies.has("session")).toBe(false);
  });

  test("is not shown to somebody who is signed in", async () => {
    const visitor = shop.visitor();
    await visitor.signIn(ada.email, ada.password);
    const answer = await visitor.get("/login");
    expect([answer.status, answer.location]).toEqual([302, "/shopping-cart"]);
  });
});

describe("a signed-in visitor", () => {
  test("sees who is signed in, as text, and a way to sign out, on every page (ASVS 7.4.4)", async () => {
    const visitor = shop.visitor();
    await visitor.signIn(ben.email, ben.password);
    for (const path of ["/", "/shopping-cart", "/no-such-page"]) {
      const { html } = await visitor.get(path);
      expect(html).toContain(escaped(ben.fullName));
      expect(html).not.toContain("onerror=alert(1)>");
      expect(html).toContain('<form method="post" action="/logout">');
    }
  });

  test("is not signed out by a link, nor by a form without the token", async () => {
    const visitor = shop.visitor();
    await visitor.signIn(ada.email, ada.password);
    const form = await visitor.get("/");
    expect((await visitor.get("/logout")).status).toBe(404);
    expect((await visitor.submit(form, "/logout", { "form-token": null })).status).toBe(403);
    const foreign = { origin: "https://evil.example" };
    expect((await visitor.send("POST", "/logout", { headers: foreign })).status).toBe(403);
    expect((await visitor.get("/shopping-cart")).status).toBe(200);
  });
});
