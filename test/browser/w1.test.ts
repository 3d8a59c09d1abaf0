// Workflow W1, server-side sessions, in a real browser: every row for the Store (1–14) and the Forum (15–24).
import { describe, expect } from "vitest";
import { test } from "./browser.ts";
import {
  ada,
  applications,
  applicationsAt,
  cookie,
  demo,
  expectAdasHome,
  expectLoginForm,
  minutes,
  signIn,
  signInCookies,
} from "./demo.ts";
import { elsewhere, holders, places } from "./places.ts";

describe.each(places)("provider on $database, sessions in $sessions", (place) => {
  const system = demo({ workflow: "sessions", policy: "hardened" }, place);

  describe.each(applicationsAt(place))("W1, $name", (application) => {
    const origin = () => system.origin(application);
    const { rows } = application;

    // What looks into no store is seen at home.
    if (!elsewhere) {
      test(`${rows.form}: the home page links to the login form, which is the application's own`, async ({
        context,
      }) => {
        const page = await context.newPage();
        await page.goto(`${origin()}/`);
        await page.getByRole("link", { name: "Sign in" }).first().click();
        await expectLoginForm(page, origin());
        const form = page.locator("form", { has: page.getByLabel("Password") });
        expect(new URL((await form.getAttribute("action")) ?? "", page.url()).origin).toBe(origin());
        expect(await page.getByLabel("Password").getAttribute("type")).toBe("password");
        expect(await page.getByLabel("Password").getAttribute("autocomplete")).toBe("current-password");
        expect(await signInCookies(context, origin())).toEqual([]);
      });
    }

    test(`${rows.signIn}: good credentials lead, by 302, home, with the session id in an HttpOnly cookie`, async ({
      context,
    }) => {
      const page = await context.newPage();
      system.providerCalls();
      const answer = await signIn(page, origin());
      expect(system.providerCalls()).toEqual(["POST /api/login 200"]);
      expect(await system.whereWritten(ada.password)).toEqual([]);
      expect(await system.whereWritten(ada.email)).toEqual(holders(place));
      expect(answer.status()).toBe(302);
      expect(answer.headers()["location"]).toBe(application.home);
      await expectAdasHome(page, application, origin());
      expect(await signInCookies(context, origin())).toEqual(["session"]);
      const session = await cookie(context, origin(), "session");
      expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", expires: -1 });
      expect(session.domain).toBe(new URL(origin()).hostname);
      expect(session.value).toMatch(/^[\w-]{43}$/);
      expect(await page.evaluate("document.cookie")).not.toContain(session.value);
      expect(await page.content()).not.toContain(session.value);
    });

    // Nothing is stored of it.
    if (!elsewhere) {
      test(`${rows.signIn}: a wrong password gets the form again, and no session`, async ({ context }) => {
        const page = await context.newPage();
        await page.goto(`${origin()}/login`);
        await page.getByLabel("Email").fill(ada.email);
        await page.getByLabel("Password").fill("not the password at all");
        await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
        await expectLoginForm(page, origin());
        expect(await page.getByText("Email or password is not right").count()).toBe(1);
        expect(await page.getByLabel("Email").inputValue()).toBe(ada.email);
        expect(await page.getByLabel("Password").inputValue()).toBe("");
        expect(await signInCookies(context, origin())).toEqual([]);
      });
    }

    test(`${rows.use}: each use extends the session, far past the idle limit since sign-in`, async ({
      context,
    }) => {
      const page = await context.newPage();
      await signIn(page, origin());
      const { value } = await cookie(context, origin(), "session");
      for (let visit = 0; visit < 4; visit++) {
        system.advance(29 * minutes);
        const response = await page.goto(`${origin()}${application.home}`);
        expect(response?.status()).toBe(200);
        expect(response?.headers()["cache-control"]).toContain("no-store");
        await expectAdasHome(page, application, origin());
      }
      expect((await cookie(context, origin(), "session")).value).toBe(value);
    });

    test(`${rows.expired}: an expired session leads to the login form, and signing in leads back`, async ({
      context,
    }) => {
      const page = await context.newPage();
      await signIn(page, origin());
      const expired = await cookie(context, origin(), "session");
      system.advance(30 * minutes);
      await page.goto(`${origin()}${application.home}`);
      await expectLoginForm(page, origin());
      await signIn(page, origin());
      await expectAdasHome(page, application, origin());
      expect((await cookie(context, origin(), "session")).value).not.toBe(expired.value);
    });

    test("signing out ends the session on the server: its cookie, put back, opens nothing", async ({
      context,
    }) => {
      const page = await context.newPage();
      await signIn(page, origin());
      const kept = await cookie(context, origin(), "session");
      await page.getByRole("button", { name: "Sign out" }).click();
      expect(await signInCookies(context, origin())).toEqual([]);
      await context.addCookies([kept]);
      await page.goto(`${origin()}${application.home}`);
      await expectLoginForm(page, origin());
    });
  });

  test("15–24: signing in to the Store does not sign in to the Forum, which gets no cookie of it", async ({
    context,
  }) => {
    const [store, forum] = applications.map((application) => system.origin(application));
    const page = await context.newPage();
    await signIn(page, store ?? "");
    const session = await cookie(context, store ?? "", "session");

    const request = page.waitForRequest(`${forum}/posts`);
    await page.goto(`${forum}/posts`);
    const headers = await (await request).allHeaders();
    expect(headers["cookie"] ?? "").not.toContain(session.value);
    await expectLoginForm(page, forum ?? "");
    expect(await signInCookies(context, forum ?? "")).toEqual([]);
  });
});
