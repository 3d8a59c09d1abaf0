/** What the login form of an application does, and how somebody signed in sees it and gets out: one suite for both. */
import { afterEach, describe, expect, test } from "vitest";
import type { Application } from "./account.ts";
import { type Browser, escaped, hiddenField } from "./browser.ts";
import { ada, ben, type Person } from "./company.ts";

/** Where an application's pages are. */
export interface Paths {
  /** Where signing in leads by itself. */
  readonly afterSignIn: string;
  /** A page that needs neither a signed-in user nor the provider. */
  readonly open: string;
  /** More pages of a signed-in user. */
  readonly userPages: readonly string[];
}

/** Tests for an application that is listening. */
export function loginForm(application: Application, { afterSignIn, open, userPages }: Paths): void {
  const { visitor } = application;
  const signedIn = async ({ email, password }: Person): Promise<Browser> => {
    const browser = visitor();
    expect((await browser.signIn(email, password)).status).toBe(302);
    return browser;
  };

  afterEach(() => {
    application.company.isReachable = true;
  });

  describe("the login form", () => {
    test("is the application's own, ready for a password manager", async () => {
      const { status, html } = await visitor().get("/login");
      expect(status).toBe(200);
      expect(html).toMatch(/<input [^>]*name="email"[^>]*autocomplete="username"/);
      expect(html).toMatch(/<input [^>]*name="password" type="password" autocomplete="current-password"/);
      expect(html).toMatch(/<input [^>]*name="remember" type="checkbox"/);
      expect(html).not.toMatch(/<script|\son\w+=|\sstyle=|javascript:/i);
    });

    test("leads to the user's own page, or to where the visitor wanted to go", async () => {
      expect((await visitor().signIn(ada.email, ada.password)).location).toBe(afterSignIn);
      const stranger = visitor();
      const wanted = await stranger.get("/orders?year=2026");
      expect(wanted.location).toBe("/login?returnTo=%2Forders%3Fyear%3D2026");
      const form = await stranger.get(String(wanted.location));
      expect(hiddenField(form, "/login", "returnTo")).toBe("/orders?year=2026");
      const answer = await stranger.submit(form, "/login", { email: ada.email, password: ada.password });
      expect([answer.status, answer.location]).toEqual([302, "/orders?year=2026"]);
    });

    test.each(["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])(
      "never leads to %s",
      async (returnTo) => {
        const form = await visitor().get(`/login?returnTo=${encodeURIComponent(returnTo)}`);
        expect(hiddenField(form, "/login", "returnTo")).toBeNull();
        const stranger = visitor();
        const refused = await stranger.signIn(ada.email, "wrong", { returnTo });
        expect(hiddenField(refused, "/login", "returnTo")).toBeNull();
        const answer = await stranger.signIn(ada.email, ada.password, { returnTo });
        expect(answer.location).toBe(afterSignIn);
      },
    );

    test("says the same of an unknown user and a wrong password, keeps the email, drops the password (ASVS 6.3.8)", async () => {
      const wrongPassword = await visitor().signIn(ada.email, "not her password", { remember: "yes" });
      const unknownUser = await visitor().signIn("nobody@example.com", "not her password");
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
      const { html } = await visitor().signIn(email, "wrong");
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
      const stranger = visitor();
      expect((await stranger.signIn(ada.email, ada.password, filled)).status).toBe(400);
      expect(stranger.cookies.has("session")).toBe(false);
    });

    test("needs its token", async () => {
      const stranger = visitor();
      const answer = await stranger.signIn(ada.email, ada.password, { "form-token": "made.up" });
      expect(answer.status).toBe(403);
      expect(stranger.cookies.has("session")).toBe(false);
    });

    test("says so, and when to come back, while the provider is down; open pages go on", async () => {
      const stranger = visitor();
      const form = await stranger.get("/login");
      application.company.isReachable = false;
      const answer = await stranger.submit(form, "/login", { email: ada.email, password: ada.password });
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([
        503,
        expect.stringMatching(/^[1-9]$/),
      ]);
      expect(answer.html).toContain("Signing in is not available for a moment.");
      expect(stranger.cookies.has("session")).toBe(false);
      expect((await stranger.get(open)).status).toBe(200);
    });

    test("is not shown to somebody who is signed in", async () => {
      const answer = await (await signedIn(ada)).get("/login");
      expect([answer.status, answer.location]).toEqual([302, afterSignIn]);
    });
  });

  describe("somebody signed in", () => {
    test("sees who is signed in, as text, and a way to sign out, on every page (ASVS 7.4.4)", async () => {
      const user = await signedIn(ben);
      for (const path of [open, afterSignIn, ...userPages, "/no-such-page"]) {
        const { html } = await user.get(path);
        expect(html).toContain(escaped(ben.fullName));
        expect(html).not.toContain("onerror=alert(1)>");
        expect(html).toContain('<form method="post" action="/logout">');
      }
    });

    test("is not signed out by a link, nor by a form without the token", async () => {
      const user = await signedIn(ada);
      const form = await user.get(open);
      expect((await user.get("/logout")).status).toBe(404);
      expect((await user.submit(form, "/logout", { "form-token": null })).status).toBe(403);
      const foreign = { origin: "https://evil.example" };
      expect((await user.send("POST", "/logout", { headers: foreign })).status).toBe(403);
      expect((await user.get(afterSignIn)).status).toBe(200);
    });

    test("signs out by the form; afterwards the old cookies open nothing", async () => {
      const user = await signedIn(ada);
      const copy = visitor();
      for (const [name, value] of user.cookies) copy.cookies.set(name, value);
      const answer = await user.submit(await user.get(afterSignIn), "/logout");
      expect([answer.status, answer.location]).toEqual([302, "/"]);
      for (const browser of [user, copy]) expect((await browser.get(afterSignIn)).location).toBe("/login");
    });
  });
}
