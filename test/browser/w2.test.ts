// Workflow W2, sessions renewed from a refresh-token cookie, in a real browser: rows 9′–18′ for both applications, under
// the policy of the published text (at the place of `npm start` alone) and under the default one, which keeps to the same steps.
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect } from "vitest";
import { test } from "./browser.ts";
import {
  applications,
  applicationsAt,
  cookie,
  days,
  demo,
  expectAdasHome,
  expectLoginForm,
  minutes,
  signIn,
  signInCookies,
} from "./demo.ts";
import { elsewhere, places } from "./places.ts";

async function pair(
  context: BrowserContext,
  origin: string,
): Promise<{ session: string; refreshToken: string }> {
  const session = await cookie(context, origin, "session");
  const refreshToken = await cookie(context, origin, "refresh-token");
  return { session: session.value, refreshToken: refreshToken.value };
}

describe.each(places)("provider on $database, sessions in $sessions", (place) => {
  const hardened = demo({ workflow: "sessions+refresh-tokens", policy: "hardened" }, place);
  const policies = [{ policy: "hardened", system: hardened, refresh: "POST /oauth2/token" }];
  if (!elsewhere) {
    const system = demo({ workflow: "sessions+refresh-tokens", policy: "as-described" }, place);
    policies.push({ policy: "as described", system, refresh: "POST /api/jwt/refresh" });
  }
  const cases = applicationsAt(place).flatMap((application) =>
    policies.map((each) => ({ application, name: application.name, ...each })),
  );

  describe.each(cases)("W2, $name, $policy", ({ application, policy, system, refresh }) => {
    const origin = () => system.origin(application);
    const visitHome = (page: Page) => page.goto(`${origin()}${application.home}`);

    test("5–9′: signing in sets two HttpOnly cookies, session id and refresh token", async ({ context }) => {
      const page = await context.newPage();
      system.providerCalls();
      const answer = await signIn(page, origin());
      expect(system.providerCalls()).toEqual(["POST /api/login 200"]);
      expect(answer.status()).toBe(302);
      expect(answer.headers()["location"]).toBe(application.home);
      expect(await signInCookies(context, origin())).toEqual(["refresh-token", "session"]);
      for (const name of ["session", "refresh-token"]) {
        const set = await cookie(context, origin(), name);
        expect(set).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
        expect(set.domain).toBe(new URL(origin()).hostname);
        expect(await page.evaluate("document.cookie")).not.toContain(set.value);
      }
    });

    test("13′–17′: an expired session is renewed in the same response, with a new session id", async ({
      context,
    }) => {
      const page = await context.newPage();
      await signIn(page, origin());
      const before = await pair(context, origin());
      system.advance(31 * minutes);
      system.providerCalls();

      const response = await visitHome(page);
      expect(system.providerCalls()).toEqual([`${refresh} 200`]);
      expect(response?.status()).toBe(200);
      expect(response?.request().redirectedFrom()).toBeNull();
      expect(await response?.headerValues("set-cookie")).toHaveLength(2);
      await expectAdasHome(page, application, origin());
      const after = await pair(context, origin());
      expect(after.session).not.toBe(before.session);
      expect(after.refreshToken === before.refreshToken).toBe(policy === "as described");

      const again = await visitHome(page);
      expect(again?.status()).toBe(200);
      expect(system.providerCalls()).toEqual([]);
      expect(await pair(context, origin())).toEqual(after);
    });

    test("17′: a form opened before a renewal posts after it, and is not lost", async ({ context }) => {
      const page = await context.newPage();
      await signIn(page, origin());
      await page.goto(`${origin()}/`);
      system.advance(31 * minutes);
      await page.getByRole("button", { name: "Sign out" }).click();
      expect(await signInCookies(context, origin())).toEqual([]);
      expect(page.url()).toBe(`${origin()}/`);
    });

    test("18′: when session and refresh token have both expired, the user signs in again", async ({
      context,
    }) => {
      const page = await context.newPage();
      await signIn(page, origin(), { remember: true });
      const before = await pair(context, origin());
      system.advance(14 * days);
      system.providerCalls();
      await visitHome(page);
      await expectLoginForm(page, origin());
      // The default policy knows the limit itself; the published one hears it from the provider.
      const asked = policy === "as described" ? [`${refresh} 400`] : [];
      expect([...new Set(system.providerCalls())]).toEqual(asked);
      expect(await pair(context, origin())).toEqual(before);
      await signIn(page, origin());
      await expectAdasHome(page, application, origin());
    });
  });

  describe.each(applicationsAt(place))("W2, $name, hardened", (application) => {
    const origin = () => hardened.origin(application);

    // Of stores it says nothing.
    if (!elsewhere) {
      test("9′: keeping me signed in gives both cookies one lifetime", async ({ context }) => {
        const page = await context.newPage();
        await signIn(page, origin(), { remember: true });
        const session = await cookie(context, origin(), "session");
        const refreshToken = await cookie(context, origin(), "refresh-token");
        expect(session.expires).toBeGreaterThan(Date.now() / 1000 + 13 * 24 * 3600);
        expect(Math.abs(session.expires - refreshToken.expires)).toBeLessThanOrEqual(1);
      });
    }

    test("18′: not even steady use carries a sign-in past its absolute limit", async ({ context }) => {
      const page = await context.newPage();
      await signIn(page, origin(), { remember: true });
      // Elsewhere with the longest pauses that are still use: every day is a page more to load.
      const pauses = elsewhere ? [9, 10, 10] : Array.from({ length: 29 }, () => 1);
      for (const pause of pauses) {
        hardened.advance(pause * days);
        await page.goto(`${origin()}${application.home}`);
        await expectAdasHome(page, application, origin());
      }
      hardened.advance(days);
      await page.goto(`${origin()}${application.home}`);
      await expectLoginForm(page, origin());
    });
  });

  test("13′: the Store's cookies never reach the Forum, and renewing one leaves the other alone (ASVS 3.5.4)", async ({
    context,
  }) => {
    const system = hardened;
    const [store = "", forum = ""] = applications.map((application) => system.origin(application));
    const page = await context.newPage();
    await signIn(page, store);
    await signIn(page, forum);
    const stores = await pair(context, store);
    const forums = await pair(context, forum);
    system.advance(31 * minutes);

    const request = page.waitForRequest(`${forum}/posts`);
    await page.goto(`${forum}/posts`);
    const sent = (await (await request).allHeaders())["cookie"] ?? "";
    expect(sent).toContain(forums.session);
    expect(sent).not.toContain(stores.session);
    expect(sent).not.toContain(stores.refreshToken);
    expect((await pair(context, forum)).session).not.toBe(forums.session);
    expect(await pair(context, store)).toEqual(stores);
  });
});
