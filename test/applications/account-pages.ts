/**
 * What the account pages of both applications do: each runs these tests over HTTP, with the real provider behind it. It
 * must not know how an application is made.
 */
import { describe, expect, test } from "vitest";
import { type Application, expectToWait, shown, visits } from "./account.ts";
import { type Browser, escaped, hiddenField, type Page } from "./browser.ts";

/** The tests, for an application that is opened before them. */
export function accountPages(application: Application): void {
  const { visitor, signedIn, twice, canSignIn } = visits(application);

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
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([
        503,
        expect.stringMatching(/^[1-9]$/),
      ]);
      expect(answer.html).toContain("it is the new one");
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
}
