/**
 * What keeps others out of the account pages of both applications: step-up, form tokens, throttling, and who is believed
 * about an address. Each application runs these tests over HTTP, with the real provider behind it.
 */
import { describe, expect, test } from "vitest";
import { type Application, expectToWait, firefox, formTokenOf, minutes, shown, visits } from "./account.ts";
import { type Browser, hiddenField } from "./browser.ts";

/** What can be sent from the account pages. */
const posts = [
  "/account/devices/end",
  "/account/devices/end-others",
  "/account/devices/end-all",
  "/account/password",
];

/** The tests, for an application that is opened before them. */
export function accountGuards(application: Application): void {
  const { visitor, signedIn, twice, canSignIn } = visits(application);

  describe("ten minutes after the password was given", () => {
    test.each(posts)(
      "POST %s asks for it again, and nothing has happened (ASVS 6.8.4, 7.5.3)",
      async (path) => {
        const { person, here, there } = await twice();
        const form = path === "/account/password" ? path : "/account";
        application.company.clock.ahead += 9 * minutes;
        const page = await here.get(form);
        application.company.clock.ahead += minutes;
        const answer = await here.submit(page, path, {
          "current-password": person.password,
          "new-password": "a new and longer password",
          "new-password-again": "a new and longer password",
        });
        expect([answer.status, answer.location]).toEqual([
          302,
          `/login?returnTo=${encodeURIComponent(form)}`,
        ]);
        expect((await there.get("/account")).status).toBe(200);
        expect((await here.get("/account")).status).toBe(200);
        expect(await canSignIn(person.email, person.password)).toBe(true);
      },
    );

    test("the login form asks who is there to confirm it, and leads on (ASVS 7.5.1)", async () => {
      const person = await application.company.newcomer();
      const here = await signedIn(person, firefox, { remember: "yes" });
      application.company.clock.ahead += 10 * minutes;
      const asked = await here.get("/account/password");
      expect([asked.status, asked.location]).toEqual([302, "/login?returnTo=%2Faccount%2Fpassword"]);
      const form = await here.get(String(asked.location));
      expect(form.html).toContain("<h1>Confirm it's you</h1>");
      expect(hiddenField(form, "/login", "email")).toBe(person.email);
      expect(form.html).not.toContain('type="checkbox"');

      const wrong = await here.submit(form, "/login", { password: "not it" });
      expect(wrong.status).toBe(401);
      expect(wrong.html).toContain("<h1>Confirm it's you</h1>");
      expect((await here.get("/account")).status).toBe(200);

      const old = here.cookies.get("session");
      const confirmed = await here.submit(form, "/login", { password: person.password });
      expect([confirmed.status, confirmed.location]).toEqual([302, "/account/password"]);
      expect(confirmed.setCookies.find((cookie) => cookie.startsWith("session="))).toMatch(/Max-Age=1209600/);
      expect(here.cookies.get("session")).not.toBe(old);
      expect((await here.get("/account/password")).status).toBe(200);
      expect(shown(await here.get("/account"))).toHaveLength(1);
    });

    test("somebody who has just confirmed is led on without being asked, and never to another site", async () => {
      const here = await signedIn(await application.company.newcomer());
      expect((await here.get("/login?returnTo=%2Faccount%2Fpassword")).location).toBe("/account/password");
      const elsewhere = await here.get("/login?returnTo=%2F%2Fevil.example");
      expect(elsewhere.location).toMatch(/^\/[a-z-]+$/);
    });
  });

  describe.each(posts)("POST %s", (path) => {
    const fields = { device: "x", "current-password": "x", "new-password": "y", "new-password-again": "y" };

    test("needs the form's token (CWE-352, ASVS 3.5.1)", async () => {
      const { here, there } = await twice();
      const body = new URLSearchParams(fields);
      expect((await here.send("POST", path, { body })).status).toBe(403);
      const foreign = { origin: "https://evil.example" };
      expect((await here.send("POST", path, { body, headers: foreign })).status).toBe(403);
      body.set("form-token", await formTokenOf(there));
      expect((await here.send("POST", path, { body })).status).toBe(403);
      for (const browser of [here, there]) expect((await browser.get("/account")).status).toBe(200);
    });

    test("asks a visitor who is not signed in to sign in", async () => {
      const guest = visitor();
      const token = hiddenField(await guest.get("/login"), "/login", "form-token") ?? "";
      const body = new URLSearchParams({ ...fields, "form-token": token });
      const answer = await guest.send("POST", path, { body });
      expect([answer.status, answer.location]).toEqual([302, "/login"]);
    });

    test("has no other verb", async () => {
      const { here } = await twice();
      const headers = { "x-form-token": await formTokenOf(here) };
      const methods = ["PUT", "DELETE", "PATCH", ...(path === "/account/password" ? [] : ["GET"])];
      for (const method of methods) expect((await here.send(method, path, { headers })).status).toBe(404);
    });
  });

  describe("the address for the provider's webhooks", () => {
    const path = "/webhooks/identity-provider";

    test("is the library's, before any parser, guard or session of the application (ASVS 8.2.1)", async () => {
      const headers = { "content-type": "application/json", origin: "https://id.example" };
      const unsigned = await visitor().send("POST", path, { body: "{}", headers });
      expect([unsigned.status, unsigned.setCookies]).toEqual([401, []]);
      const forged = { ...headers, "x-fusionauth-signature-jwt": "e30.e30.e30" };
      expect((await visitor().send("POST", path, { body: "{}", headers: forged })).status).toBe(401);
      const large = "x".repeat(70_000);
      expect((await visitor().send("POST", path, { body: large, headers: forged })).status).toBe(413);
      expect((await visitor().get(path)).status).toBe(405);
    });

    test("opens nothing beside it", async () => {
      const headers = { "content-type": "application/json" };
      for (const other of [`${path}/`, `${path}/x`, "/webhooks", path.toUpperCase(), `/${path}`]) {
        const { status } = await visitor().send("POST", other, { body: "{}", headers });
        expect([302, 400, 403, 404, 415]).toContain(status);
      }
    });
  });

  test("no header is believed about where a request came from (ASVS 4.1.3)", async () => {
    const here = await signedInVia(application, "203.0.113.9");
    expect((await here.get("/account")).html).toContain("Address 127.0.0.1");
  });

  test("too many sign-ins are told how long to wait, and keep what was typed but the password (ASVS 6.3.1)", async () => {
    const { email, password } = await application.company.newcomer();
    const guest = visitor();
    let answer = await guest.signIn(email, "a guess", { remember: "yes", returnTo: "/account" });
    for (let guess = 0; answer.status === 401 && guess < 30; guess++)
      answer = await guest.submit(answer, "/login", { password: `a guess ${guess}`, remember: "yes" });
    expectToWait(answer);
    expect(hiddenField(answer, "/login", "email")).toBe(email);
    expect(hiddenField(answer, "/login", "returnTo")).toBe("/account");
    expect(answer.html).toMatch(/<input name="remember"[^>]* checked>/);
    expect(answer.html).not.toContain("a guess");

    application.company.clock.ahead += 20 * minutes;
    expect((await guest.submit(answer, "/login", { password })).location).toBe("/account");
  });
}

/** What holds for an application that was told of a proxy on this machine. */
export function accountBehindProxy(application: Application): void {
  test("behind a proxy on this machine, an address is the one the proxy saw, whatever the client says (ASVS 4.1.3)", async () => {
    const here = await signedInVia(application, "198.51.100.66, 203.0.113.9");
    const { html } = await here.get("/account");
    expect(html).toContain("Address 203.0.113.9");
    expect(html).not.toContain("198.51.100.66");
  });
}

/** A browser whose sign-in came with that X-Forwarded-For. */
async function signedInVia({ company, visitor }: Application, forwardedFor: string): Promise<Browser> {
  const { email, password } = await company.newcomer();
  const browser = visitor();
  const token = hiddenField(await browser.get("/login"), "/login", "form-token") ?? "";
  const body = new URLSearchParams({ email, password, "form-token": token });
  const headers = { "x-forwarded-for": forwardedFor };
  expect((await browser.send("POST", "/login", { body, headers })).status).toBe(302);
  return browser;
}
