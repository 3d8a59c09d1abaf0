// A revocation the application never heard of bites within revalidateAfter (ASVS 7.4.2, 7.4.3): W1 asks about the user,
// W2 by the next renewal.
import { expect, test } from "vitest";
import { everywhere, onEveryFramework } from "./application.ts";
import { cart } from "./browser.ts";
import type { Fault, Person, TestProvider } from "./provider.ts";

const revocations: [string, (provider: TestProvider, person: Person) => Promise<unknown>][] = [
  ["was deactivated", (provider, { id }) => provider.api("DELETE", `/api/user/${id}`)],
  ["was deleted", (provider, { id }) => provider.api("DELETE", `/api/user/${id}?hardDelete=true`)],
  [
    "has a new password",
    (provider, { id }) =>
      provider.api("PATCH", `/api/user/${id}`, { user: { password: `another pass phrase ${id}` } }),
  ],
  [
    "is no longer registered",
    (provider, { id }) =>
      provider.api("DELETE", `/api/user/registration/${id}/${provider.options("hardened").applicationId}`),
  ],
];

everywhere("a user who", (at) => {
  for (const workflow of ["sessions", "sessions+refresh-tokens"] as const) {
    test.each(revocations)(
      `%s is out within ten minutes, whatever they do (${workflow}) (ASVS 7.4.2, 7.4.3, 7.6.1)`,
      async (_, revoke) => {
        const app = await at.start({ workflow });
        const person = await app.provider.person();
        const browser = await app.signedIn({ person });
        app.clock.pass(1, "seconds");
        await revoke(app.provider, person);
        app.clock.pass(598, "seconds");
        await cart(browser);
        app.clock.pass(1, "seconds");
        expect(await cart(browser)).toMatchObject({ status: 302, setCookies: [] });
        const before = app.provider.calls.length;
        expect((await cart(browser)).status).toBe(302);
        app.clock.pass(31, "minutes");
        expect((await cart(browser)).status).toBe(302);
        expect(app.provider.calls.length).toBe(before);
      },
    );
  }

  test("changed their own details is shown with the new ones after revalidation (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const person = await app.provider.person();
    const browser = await app.signedIn({ person });
    const email = `new-${person.email}`;
    await app.provider.api("PATCH", `/api/user/${person.id}`, { user: { email } });
    expect((await cart(browser)).body).toContain(`cart of ${person.email}`);
    app.clock.pass(10, "minutes");
    expect((await cart(browser)).body).toContain(`cart of ${email}`);
    expect((await browser.get("/")).body).toBe(`welcome ${email}`);
  });

  // About the user, and about what the sign-in was given.
  const question = ["GET /api/user/{id}", "GET /api/jwt/refresh/{id}"];

  test("asks for 50 pages at once costs one question to the provider (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const browser = await app.signedIn();
    await cart(browser);
    app.clock.pass(10, "minutes");
    app.provider.calls.length = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => cart(browser)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    // Who read a session elsewhere just before it was vouched for, and hears of it just after, asks once more.
    const isElsewhere = ["Redis", "Postgres"].includes(at.storeName);
    expect([question, ...(isElsewhere ? [[...question, ...question]] : [])]).toContainEqual(
      app.provider.calls,
    );
  });

  test("is unchanged costs one question to the provider in ten minutes (W1)", async () => {
    const app = await at.start({ workflow: "sessions" });
    const browser = await app.signedIn();
    const sessionId = browser.cookie("session");
    const before = app.provider.calls.length;
    for (let used = 0; used < 30; used++) {
      app.clock.pass(1, "minutes");
      expect((await cart(browser)).status).toBe(200);
    }
    expect(app.provider.calls.slice(before)).toEqual([...question, ...question, ...question]);
    expect(browser.cookie("session")).toBe(sessionId);
  });
});

onEveryFramework("a user who", (at) => {
  const json = { "content-type": "application/json" };
  const nonsense: [string, Fault][] = [
    ["429", async () => new Response(null, { status: 429 })],
    ["500", async () => new Response(null, { status: 500 })],
    ["401", async () => new Response(null, { status: 401 })],
    [
      "a redirect",
      async () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } }),
    ],
    [
      "a gateway's 404 page",
      async () =>
        new Response("<h1>Not found</h1>", { status: 404, headers: { "content-type": "text/html" } }),
    ],
    [
      "a gateway's 404 in JSON",
      async () => new Response('{"message":"no Route matched"}', { status: 404, headers: json }),
    ],
    ["an empty object", async () => new Response("{}", { headers: json })],
    ["half a JSON", async () => new Response('{"user": {', { headers: json })],
    ["nothing at all", () => Promise.reject(new TypeError("fetch failed"))],
  ];
  test.each(nonsense)(
    "can't be asked about, because the answer is %s, goes on to the session's own limits (W1)",
    async (_, fault) => {
      const app = await at.start({ workflow: "sessions" });
      const browser = await app.signedIn();
      app.clock.pass(11, "minutes");
      app.provider.fault = fault;
      expect((await cart(browser)).status).toBe(200);
      expect(app.events.map(({ type }) => type)).not.toContain("sign-in-ended");
      app.provider.fault = null;
      expect((await cart(browser)).status).toBe(200);
    },
  );
});
