/**
 * What holds for the account pages of both applications: each runs these tests over HTTP, with the real provider behind
 * it. It must not know how an application is made.
 */
import { afterEach, describe, expect, test } from "vitest";
import { type Browser, escaped, hiddenField, type Page } from "./browser.ts";
import type { Company, Person } from "./company.ts";

/** An application that is listening. */
export interface Application {
  readonly company: Company;
  readonly errors: unknown[];
  visitor(userAgent?: string): Browser;
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const iphone =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

const minutes = 60_000;

/** What can be sent from the account pages. */
const posts = [
  "/account/devices/end",
  "/account/devices/end-others",
  "/account/devices/end-all",
  "/account/password",
];

/** The tests, for an application that is opened before them. */
export function accountPages(application: Application): void {
  const { visitor } = application;

  afterEach(() => {
    application.company.isReachable = true;
    // All tests come from one address: what they guessed wrongly is forgotten before the next.
    application.company.clock.ahead += 60 * minutes;
    expect(application.errors.splice(0)).toEqual([]);
  });

  async function signedIn({ email, password }: Person, userAgent = firefox, filled = {}): Promise<Browser> {
    const browser = visitor(userAgent);
    expect((await browser.signIn(email, password, filled)).status).toBe(302);
    return browser;
  }

  /** Two browsers of one person. */
  async function twice(): Promise<{ person: Person; here: Browser; there: Browser }> {
    const person = await application.company.newcomer();
    return { person, here: await signedIn(person), there: await signedIn(person, iphone) };
  }

  async function canSignIn(email: string, password: string): Promise<boolean> {
    return (await visitor().signIn(email, password)).status === 302;
  }

  describe("the account page", () => {
    test("is linked from every page, and needs a signed-in user (ASVS 8.2.1)", async () => {
      const person = await application.company.newcomer();
      expect((await (await signedIn(person)).get("/")).html).toContain('<a href="/account">Account</a>');
      const guest = visitor();
      expect((await guest.get("/")).html).not.toContain('href="/account"');
      expect((await guest.get("/account")).location).toBe("/login?returnTo=%2Faccount");
      expect((await guest.get("/account/password")).location).toBe("/login?returnTo=%2Faccount%2Fpassword");
    });

    test("lists where the user is signed in, and nobody else's devices (ASVS 7.5.2)", async () => {
      const { person, here } = await twice();
      await signedIn(await application.company.newcomer());
      const page = await here.get("/account");
      expect([page.status, page.headers.get("cache-control")]).toEqual([200, "no-store"]);
      expect(page.html).toContain(escaped(person.email));
      expect(shown(page)).toEqual([
        { name: "Firefox on Linux", isThis: true },
        { name: "Safari on iPhone", isThis: false },
      ]);
      expect(page.html.match(/Address 127\.0\.0\.1/g)).toHaveLength(2);
      expect(page.html.match(/Signed in <time datetime="\d{4}-/g)).toHaveLength(2);
      expect(page.html.match(/Last used <time datetime="\d{4}-/g)).toHaveLength(2);
    });

    test("shows what a browser says of itself as text (CWE-79)", async () => {
      const person = await application.company.newcomer();
      const browser = await signedIn(person, `<script>alert(1)</script> Firefox/1 "><img src=x>`);
      expect((await browser.get("/account")).html).not.toMatch(/<script|<img src=x/);
    });

    test("says nothing that a link makes up", async () => {
      const browser = await signedIn(await application.company.newcomer());
      for (const query of ["done=%3Cb%3E", "done=__proto__", "done=device&done=device", "done[a]=device"])
        expect((await browser.get(`/account?${query}`)).html).not.toContain('role="status"');
    });
  });

  describe("signing out another device", () => {
    test("ends that one, and says so; this one goes on (ASVS 7.5.2)", async () => {
      const { here, there } = await twice();
      const answer = await here.submit(await here.get("/account"), "/account/devices/end");
      expect([answer.status, answer.location]).toEqual([303, "/account?done=device"]);
      const after = await here.get("/account?done=device");
      expect(after.html).toContain("That device is signed out.");
      expect(shown(after)).toEqual([{ name: "Firefox on Linux", isThis: true }]);
      expect((await there.get("/account")).location).toMatch(/^\/login/);
    });

    test("is answered 404 the second time", async () => {
      const { here } = await twice();
      const page = await here.get("/account");
      await here.submit(page, "/account/devices/end");
      const again = await here.submit(page, "/account/devices/end");
      expect([again.status, again.html.includes("not signed in any more")]).toEqual([404, true]);
    });

    test("that is this one signs this one out", async () => {
      const { here, there } = await twice();
      const page = await there.get("/account");
      const device = hiddenField(page, "/account/devices/end", "device");
      const answer = await here.submit(await here.get("/account"), "/account/devices/end", { device });
      expect([answer.status, answer.location]).toEqual([303, "/"]);
      expect((await here.get("/account")).location).toMatch(/^\/login/);
      expect((await there.get("/account")).status).toBe(200);
    });

    test("never reaches another user's (CWE-639, ASVS 8.2.2)", async () => {
      const { here, there } = await twice();
      const device = hiddenField(await here.get("/account"), "/account/devices/end", "device");
      const other = await twice();
      const page = await other.here.get("/account");
      const answer = await other.here.submit(page, "/account/devices/end", { device });
      expect(answer.status).toBe(404);
      expect((await there.get("/account")).status).toBe(200);
      expect(shown(await here.get("/account"))).toHaveLength(2);
    });

    test.each(["", "x", "../..", "__proto__", "%00", "a".repeat(30_000)])(
      "is refused for the device %.10j, and nobody is signed out",
      async (device) => {
        const { here, there } = await twice();
        const page = await here.get("/account");
        expect((await here.submit(page, "/account/devices/end", { device })).status).toBe(404);
        const two = [hiddenField(page, "/account/devices/end", "device") ?? "", device];
        expect((await here.submit(page, "/account/devices/end", { device: two })).status).toBe(404);
        expect((await there.get("/account")).status).toBe(200);
      },
    );
  });

  test("signing out all other devices leaves this one, and leaves others' alone (ASVS 7.4.3)", async () => {
    const { person, here, there } = await twice();
    const third = await signedIn(person, "curl/8.5.0");
    const stranger = await signedIn(await application.company.newcomer());
    const answer = await here.submit(await here.get("/account"), "/account/devices/end-others");
    expect([answer.status, answer.location]).toEqual([303, "/account?done=others"]);
    const after = await here.get("/account?done=others");
    expect(after.html).toContain("All other devices are signed out.");
    expect(shown(after)).toHaveLength(1);
    expect(after.html).not.toContain("/account/devices/end-others");
    for (const browser of [there, third])
      expect((await browser.get("/account")).location).toMatch(/^\/login/);
    expect((await stranger.get("/account")).status).toBe(200);
  });

  test("signing out everywhere signs this browser out too, also while the provider is down", async () => {
    const { here, there } = await twice();
    const page = await here.get("/account");
    application.company.isReachable = false;
    const answer = await here.submit(page, "/account/devices/end-all");
    expect([answer.status, answer.location]).toEqual([303, "/login?done=everywhere"]);
    expect(here.cookies.has("session") || here.cookies.has("refresh-token")).toBe(false);
    expect((await here.get("/login?done=everywhere")).html).toContain(
      "You are signed out on all your devices.",
    );
    expect((await there.get("/account")).location).toMatch(/^\/login/);
  });

  describe("changing the password", () => {
    const change = async (browser: Browser, current: string, next: string, again = next): Promise<Page> =>
      browser.submit(await browser.get("/account/password"), "/account/password", {
        "current-password": current,
        "new-password": next,
        "new-password-again": again,
      });

    test("asks for the current one and twice for the new one, ready for a password manager (ASVS 6.2.3)", async () => {
      const { person, here } = await twice();
      const { html } = await here.get("/account/password");
      expect(html).toContain(`<input type="text" autocomplete="username" value="${person.email}"`);
      expect(html.match(/type="password" autocomplete="current-password" required/g)).toHaveLength(1);
      expect(html.match(/type="password" autocomplete="new-password" required/g)).toHaveLength(2);
      expect(html).not.toMatch(/maxlength|<script|\son\w+=/);
    });

    test("ends every other sign-in and gives this browser a new one (ASVS 7.4.3)", async () => {
      const { person, here, there } = await twice();
      const before = here.cookies.get("session");
      const answer = await change(here, person.password, "a new and longer password");
      expect([answer.status, answer.location]).toEqual([303, "/account?done=password"]);
      const after = await here.get("/account?done=password");
      expect([after.status, after.html.includes("Your password is changed.")]).toEqual([200, true]);
      expect(shown(after)).toEqual([{ name: "Firefox on Linux", isThis: true }]);
      expect(here.cookies.get("session")).not.toBe(before);
      expect((await there.get("/account")).location).toMatch(/^\/login/);
      expect(await canSignIn(person.email, person.password)).toBe(false);
      expect(await canSignIn(person.email, "a new and longer password")).toBe(true);
    });

    test.each([
      [
        "a wrong current one",
        "not it",
        "a new and longer password",
        undefined,
        401,
        "current password is not right",
      ],
      [
        "two new ones",
        "right",
        "a new and longer password",
        "a new and lunger password",
        400,
        "the same way twice",
      ],
      ["no new one", "right", "", undefined, 400, "Please fill in"],
      ["no current one", "", "a new and longer password", undefined, 400, "Please fill in"],
      ["one that is too short", "right", "short", undefined, 400, ""],
      ["one that is everybody's", "right", "password1234", undefined, 400, ""],
    ])("refuses %s, says why, and changes nothing", async (_what, current, next, again, status, sentence) => {
      const { person, here, there } = await twice();
      const answer = await change(here, current === "right" ? person.password : current, next, again);
      expect(answer.status).toBe(status);
      expect(/role="alert">\s*<p>([^<]+)<\/p>/.exec(answer.html)?.[1]).toContain(sentence);
      const typed = [person.password, "not it", next].filter((text) => text !== "");
      expect(typed.filter((text) => answer.html.includes(`"${text}"`))).toEqual([]);
      expect((await there.get("/account")).status).toBe(200);
      expect(await canSignIn(person.email, person.password)).toBe(true);
    });

    test("is not possible, and says when to come back, while the provider is down", async () => {
      const { person, here, there } = await twice();
      const page = await here.get("/account/password");
      application.company.isReachable = false;
      const answer = await here.submit(page, "/account/password", {
        "current-password": person.password,
        "new-password": "a new and longer password",
        "new-password-again": "a new and longer password",
      });
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(answer.html).toContain("Yours is as it was");
      application.company.isReachable = true;
      expect((await there.get("/account")).status).toBe(200);
      expect(await canSignIn(person.email, person.password)).toBe(true);
    });

    test("is slowed down for somebody who guesses the current one (ASVS 6.3.1)", async () => {
      const { here } = await twice();
      let answer = await change(here, "a guess", "a new and longer password");
      for (let guess = 0; answer.status === 401 && guess < 30; guess++)
        answer = await change(here, `a guess ${guess}`, "a new and longer password");
      expectToWait(answer);
    });
  });

  describe("ten minutes after the password was given", () => {
    test.each(posts)("POST %s asks for it again, and nothing has happened (ASVS 6.8.4, 7.5.3)", async (path) => {
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
      expect([answer.status, answer.location]).toEqual([302, `/login?returnTo=${encodeURIComponent(form)}`]);
      expect((await there.get("/account")).status).toBe(200);
      expect((await here.get("/account")).status).toBe(200);
      expect(await canSignIn(person.email, person.password)).toBe(true);
    });

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
      const page = await there.get("/account");
      const token = hiddenField(page, "/logout", "form-token") ?? "";
      body.set("form-token", token);
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
      const token = hiddenField(await here.get("/account"), "/logout", "form-token") ?? "";
      const headers = { "x-form-token": token };
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

/** The devices on an account page, in its order. */
function shown({ html }: Page): { name: string; isThis: boolean }[] {
  return [...html.matchAll(/<h3>([^<]+?)( <strong class="this">[^<]+<\/strong>)?<\/h3>/g)].map(
    ([, name = "", mark]) => ({ name, isThis: mark !== undefined }),
  );
}

function expectToWait(answer: Page): void {
  expect(answer.status).toBe(429);
  const wait = Number(answer.headers.get("retry-after"));
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(answer.html).toMatch(/Too many attempts\. Try again in \d+ (second|minute)s?\./);
}
