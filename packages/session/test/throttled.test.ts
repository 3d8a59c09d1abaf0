// Too many attempts: the provider says when to come back, the visitor is told, and nobody loses anything by it (ASVS 6.3.1).
import fc from "fast-check";
import { expect, test } from "vitest";
import { retryAfterSeconds } from "../src/provider-call.ts";
import { post } from "./account.ts";
import { everywhere, onEveryFramework, type TestApplication } from "./application.ts";
import { cart } from "./browser.ts";
import { start } from "./records.ts";

const refusals = (app: TestApplication) =>
  app.events.flatMap((event) =>
    event.type === "sign-in-refused" || event.type === "password-change-refused" ? [event.reason] : [],
  );
const answering = (status: number, headers: Record<string, string>, body = "") => {
  return async () => new Response(body, { status, headers });
};

everywhere("a throttled sign-in", (at) => {
  test("is told when to come back, and gets in when the time has come: the real provider's throttle", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.person();
    const browser = app.browser();
    let answer = await browser.signIn(email, "not the right pass phrase");
    for (let tried = 0; tried < 20 && answer.status === 401; tried++)
      answer = await browser.signIn(email, "not the right pass phrase");
    expect(answer).toMatchObject({ status: 429, setCookies: [] });
    expect(answer.body).toContain("throttled");
    const seconds = Number(answer.headers["retry-after"]);
    expect(seconds).toBeGreaterThan(0);
    expect((await browser.signIn(email, password)).status).toBe(429);
    expect(browser.cookie("session")).toBe("");
    expect(refusals(app)).toContain("throttled");
    app.clock.pass(seconds, "seconds");
    expect((await browser.signIn(email, password)).status).toBe(302);
    // The next test's address is the same one: let its count be forgotten.
    app.clock.pass(1, "days");
  });

  test("ends and clears nothing of who is signed in there already", async () => {
    const app = await at.start();
    const browser = await app.signedIn({ remember: true });
    const { email, password } = await app.provider.person();
    await cart(browser);
    const before = new Map(browser.jar);
    app.provider.fault = answering(429, { "retry-after": "30" });
    const answer = await browser.signIn(email, password);
    expect(answer).toMatchObject({ status: 429, headers: { "retry-after": "30" }, setCookies: [] });
    expect(
      (await post(browser, "/account/password", { currentPassword: "a", newPassword: "b" })).status,
    ).toBe(503);
    app.provider.fault = null;
    expect(browser.jar).toEqual(before);
    expect((await cart(browser)).status).toBe(200);
    expect(app.events.map(({ type }) => type)).not.toContain("sign-in-ended");
  });
});

onEveryFramework("a throttled sign-in", (at) => {
  test.each([
    ["no Retry-After", {}, "60"],
    ["nonsense", { "retry-after": "soon" }, "60"],
    ["a negative number", { "retry-after": "-5" }, "60"],
    ["nothing to wait for", { "retry-after": "0" }, "1"],
    ["a fraction", { "retry-after": "1.5" }, "60"],
    ["a year", { "retry-after": "31536000" }, "86400"],
    ["more digits than numbers have", { "retry-after": "9".repeat(400) }, "60"],
    ["a date", { "retry-after": new Date(start + 90_000).toUTCString() }, "90"],
    ["a date long past", { "retry-after": new Date(0).toUTCString() }, "1"],
  ])("that comes with %s gets a number of seconds", async (_, headers, seconds) => {
    const app = await at.start();
    app.provider.fault = answering(429, headers);
    const passed = app.clock.now() - start;
    const answer = await app.browser().signIn("ada@example.com", "a long pass phrase");
    expect(answer.status).toBe(429);
    const isDate = String(Object.values(headers)[0]).endsWith("GMT");
    const expected = isDate ? Math.max(Number(seconds) - passed / 1_000, 1) : Number(seconds);
    expect(Number(answer.headers["retry-after"])).toBe(expected);
  });

  test.each([429, 409])(
    "goes for changing the password too, where the provider answers %i",
    async (status) => {
      const app = await at.start();
      const browser = await app.signedIn();
      await cart(browser);
      const actions = JSON.stringify({ actions: [{ expiry: app.clock.now() + 20_000 }] });
      const type = { "content-type": "application/json" };
      app.provider.fault = (request) =>
        request.url.endsWith("/api/user/change-password")
          ? Promise.resolve(
              status === 429
                ? new Response("", { status, headers: { "retry-after": "20" } })
                : new Response(actions, { status, headers: type }),
            )
          : null;
      const answer = await browser.post("/account/password", { currentPassword: "a", newPassword: "b" });
      expect(answer).toMatchObject({ status: 429, headers: { "retry-after": "20" }, setCookies: [] });
      expect(JSON.parse(answer.body)).toEqual({ outcome: "throttled", status: 429, retryAfter: 20 });
      expect(refusals(app)).toEqual(["throttled"]);
      expect((await cart(browser)).status).toBe(200);
    },
  );
});

test("a Retry-After is a whole number of seconds from one to a day, whatever the header says", () => {
  fc.assert(
    fc.property(fc.option(fc.string()), fc.integer({ min: 0, max: 2 ** 45 }), (header, now) => {
      const seconds = retryAfterSeconds(header, now);
      expect(Number.isInteger(seconds)).toBe(true);
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(86_400);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 86_400 }), fc.integer({ min: 0, max: 2 ** 45 }), (seconds, now) => {
      expect(retryAfterSeconds(` ${seconds} `, now)).toBe(seconds);
    }),
  );
});
