// Outages (D9): only the provider's own refusal of a refresh token signs anybody out. Everything else is 503, later.
import { expect, test } from "vitest";
import { ended } from "../src/judgement.ts";
import { everywhere, onEveryFramework, type TestApplication, types } from "./application.ts";
import { cart } from "./browser.ts";
import { gate } from "./clock.ts";
import type { Incoming } from "./http.ts";
import { type Fault, refusedConnection } from "./provider.ts";

const json = { "content-type": "application/json" };

function answering(status: number, body: string, headers: Record<string, string>): Fault {
  return async () => new Response(body, { status, headers });
}

const faults: [string, Fault][] = [
  ["refuses connections", refusedConnection],
  ["answers 429", answering(429, "", {})],
  ["answers 500", answering(500, "", {})],
  ["answers 502 with a page", answering(502, "<h1>Bad Gateway</h1>", { "content-type": "text/html" })],
  ["answers 503", answering(503, "{}", json)],
  ["answers 200 with half a JSON", answering(200, '{"access_token": "', json)],
  ["answers 200 with an empty object", answering(200, "{}", json)],
  ["answers 200 with an array", answering(200, "[]", json)],
  ["answers 200 with null", answering(200, "null", json)],
  ["answers 200 with nothing", answering(200, "", {})],
  ["answers 200 with a page", answering(200, "<h1>Welcome</h1>", { "content-type": "text/html" })],
  ["answers 404 with a page", answering(404, "<h1>Not found</h1>", { "content-type": "text/html" })],
  ["answers 404 as a gateway does", answering(404, '{"message":"no Route matched"}', json)],
  ["redirects", answering(302, "", { location: "https://evil.example/" })],
  ["gives tokens that are none", answering(200, '{"access_token":"a.b.c","refresh_token":"r"}', json)],
  ["gives tokens of other types", answering(200, '{"access_token":1,"refresh_token":{}}', json)],
  ["refuses the client (invalid_client)", answering(401, '{"error":"invalid_client"}', json)],
  ["does not know the grant", answering(400, '{"error":"unsupported_grant_type"}', json)],
  ["finds the request malformed", answering(400, '{"error":"invalid_request"}', json)],
  ["says 400 on a page", answering(400, "invalid_grant", { "content-type": "text/plain" })],
  ["refuses the API key", answering(401, "", {})],
];

function expectUnavailable(answer: Incoming): void {
  expect(answer).toMatchObject({ status: 503, setCookies: [] });
  expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  expect(answer.headers["cache-control"]).toBe("no-store");
}

onEveryFramework("a provider that", (at) => {
  test.each(faults)(
    "%s delays renewals and signs nobody out: 503, cookies untouched, all well afterwards",
    async (_, fault) => {
      const app = await at.start();
      const browser = await app.signedIn();
      const before = new Map(browser.jar);
      app.clock.pass(31, "minutes");
      app.provider.fault = fault;
      expectUnavailable(await cart(browser));
      expectUnavailable(await browser.post("/items", { item: "lamp" }));
      expect(browser.jar).toEqual(before);
      expect(types(app)).not.toContain("sign-in-ended");
      expect((await browser.get("/")).body).toBe("a visitor");
      app.provider.fault = null;
      expect((await cart(browser)).status).toBe(200);
    },
  );
});

everywhere("outages", (at) => {
  test("a provider that hangs costs its deadline and no more", async () => {
    const app = await at.start({ deadline: 500 });
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    app.provider.fault = () => new Promise(() => {});
    expectUnavailable(await cart(browser));
    app.provider.fault = null;
    expect((await cart(browser)).status).toBe(200);
  });

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "while the provider is down, live sessions go on past revalidation to their own limits (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const browser = await app.signedIn();
      const sessionId = browser.cookie("session");
      app.provider.fault = refusedConnection;
      for (let used = 0; used < 3; used++) {
        app.clock.pass(15, "minutes");
        expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
      }
      expect(types(app)).toContain("unavailable");
      app.provider.fault = null;
      app.clock.pass(10, "seconds");
      expect((await cart(browser)).status).toBe(200);
      expect(browser.cookie("session") === sessionId).toBe(workflow === "sessions");
    },
  );

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "a provider that failed holds up live sessions once in ten seconds, not at every request (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const browser = await app.signedIn();
      app.clock.pass(15, "minutes");
      app.provider.fault = refusedConnection;
      app.provider.calls.length = 0;
      for (let used = 0; used < 5; used++) expect((await cart(browser)).status).toBe(200);
      expect(app.provider.calls).toHaveLength(1);
      app.clock.pass(10, "seconds");
      await cart(browser);
      expect(app.provider.calls).toHaveLength(2);
    },
  );

  test("a stolen session id alone gains nothing from an outage, whoever else asks (A1)", async () => {
    const app = await at.start();
    const [owner, other] = [await app.signedIn(), await app.signedIn()];
    await cart(owner);
    await cart(other);
    const thief = app.browser();
    thief.plant("session", owner.cookie("session"));
    app.provider.fault = refusedConnection;
    for (let minute = 1; minute <= 20; minute++) {
      app.clock.pass(1, "minutes");
      expect((await cart(other)).status).toBe(200);
      expect((await cart(thief)).status).toBe(minute < 10 ? 200 : 302);
    }
  });

  test.each(["sessions", "sessions+refresh-tokens"] as const)(
    "a sign-in that ended half-way is over within ten minutes in an outage too (%s)",
    async (workflow) => {
      const app = await at.start({ workflow });
      const person = await app.provider.person();
      const [browser, other] = [await app.signedIn({ person }), await app.signedIn()];
      await cart(browser);
      await cart(other);
      const signIn = await app.store.newestSignIn(person.id);
      await app.store.updateSignIn(ended(signIn, "signed-out", false, app.clock.now()));
      app.provider.fault = refusedConnection;
      app.clock.pass(10, "minutes");
      expect((await cart(other)).status).toBe(200);
      expect((await cart(browser)).status).toBe(302);
    },
  );

  test("one user's trouble with the provider does not put off asking about another", async () => {
    const app = await at.start();
    const person = await app.provider.person();
    const [browser, other] = [await app.signedIn({ person }), await app.signedIn()];
    await cart(browser);
    await cart(other);
    await app.provider.api("DELETE", `/api/user/${person.id}`);
    app.clock.pass(10, "minutes");
    app.provider.fault = async () => new Response("", { status: 429 });
    expect((await cart(other)).status).toBe(200);
    app.provider.fault = null;
    expect((await cart(browser)).status).toBe(302);
  });

  test("while the provider is down, public pages are served and signing in says 503, whoever asks", async () => {
    const app = await at.start();
    const person = await app.provider.anybody();
    const expired = await app.signedIn();
    app.clock.pass(31, "minutes");
    app.provider.fault = refusedConnection;
    for (const path of ["/", "/login", "/assets/style.css"]) {
      expect((await expired.get(path)).status).toBe(200);
      expect((await app.browser().get(path)).status).toBe(200);
    }
    const visitor = app.browser();
    expect((await visitor.signIn(person.email, person.password)).status).toBe(503);
    expect(visitor.cookie("session")).toBe("");
    expectUnavailable(await expired.signIn(person.email, person.password));
    expect((await app.browser().get("/shopping-cart")).status).toBe(302);
  });

  test("a provider's key document that was missing once is asked for again (no restart needed)", async () => {
    for (const fault of [answering(404, "", {}), answering(200, "{}", json), answering(500, "", {})]) {
      const app = await at.start();
      const person = await app.provider.anybody();
      app.provider.fault = (request) => (request.url.includes("/.well-known/") ? fault(request) : null);
      expect((await app.browser().signIn(person.email, person.password)).status).toBe(503);
      app.provider.fault = null;
      await app.signedIn();
      expect(types(app)).toContain("signed-in");
    }
  });

  test("a token that was signed for another application signs nobody in, and nobody out (ASVS 9.2.3)", async () => {
    const app = await at.start();
    const person = await app.provider.anybody();
    const forum = { ...app.options.identityProvider, applicationId: "10000000-0000-4000-8000-000000000009" };
    const mixedUp = await at.start({ identityProvider: { ...forum, fetch: pretending(app) } });
    const answer = await mixedUp.browser().signIn(person.email, person.password);
    expect(answer).toMatchObject({ status: 503 });
    expect(types(mixedUp)).not.toContain("signed-in");
  });

  /** The provider as a mixed-up gateway shows it: it answers for the store, whichever application was meant. */
  function pretending(app: TestApplication): (request: Request) => Promise<Response> {
    const { applicationId, fetch } = app.options.identityProvider;
    return async (request) => {
      const body = await request.text();
      const meant = body.replaceAll("10000000-0000-4000-8000-000000000009", applicationId);
      const { method, headers, url } = request;
      const passed = new Request(url, { method, headers, ...(body === "" ? {} : { body: meant }) });
      return fetch === undefined ? new Response(null, { status: 500 }) : fetch(passed);
    };
  }

  test("a provider that mixes up its users serves nobody somebody else's pages (ASVS 10.5.2)", async () => {
    const app = await at.start();
    const [ada, grace] = [await app.provider.person(), await app.provider.person()];
    await app.signedIn({ person: grace });
    const ofGrace = app.provider.refreshTokens.at(-1) ?? "";
    const browser = await app.signedIn({ person: ada });
    app.clock.pass(31, "minutes");
    app.provider.fault = () => app.provider.refresh("hardened", ofGrace);
    expectUnavailable(await cart(browser));
    app.provider.fault = null;
    expect((await cart(browser)).body).toContain(`cart of ${ada.email}`);
  });

  test("invalid_grant is the one answer that signs out: once, with a tombstone that spares the provider", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await app.provider.api("DELETE", `/api/jwt/refresh?userId=${(await app.provider.anybody()).id}`);
    app.clock.pass(31, "minutes");
    expect(await cart(browser)).toMatchObject({
      status: 302,
      headers: { location: "/login" },
      setCookies: [],
    });
    expect(app.events.find(({ type }) => type === "sign-in-ended")).toMatchObject({
      reason: "refused-by-provider",
    });
    const before = app.provider.calls.length;
    expect((await cart(browser)).status).toBe(302);
    expect(app.provider.calls.length).toBe(before);
  });

  test("while the store is down, requests with cookies get 503 and keep their cookies", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    await cart(browser);
    const before = new Map(browser.jar);
    app.store.down = true;
    expectUnavailable(await cart(browser));
    expectUnavailable(await browser.post("/items", { item: "lamp" }));
    expectUnavailable(await browser.post("/logout"));
    expect(browser.jar).toEqual(before);
    app.store.down = false;
    expect((await cart(browser)).status).toBe(200);
  });

  test("while the store is down, public pages and visitors notice nothing", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.store.down = true;
    for (const each of [browser, app.browser()]) {
      expect((await each.get("/")).status).toBe(200);
      expect((await each.get("/login")).status).toBe(200);
    }
    expect((await app.browser().get("/shopping-cart")).status).toBe(302);
  });

  test("while the store is down, signing in fails with 503 and no cookie, and works afterwards", async () => {
    const app = await at.start();
    const { email, password } = await app.provider.anybody();
    const browser = app.browser();
    await browser.get("/login");
    app.store.down = true;
    const answer = await browser.post("/login", { loginId: email, password });
    expect(answer.status).toBe(503);
    expect(browser.cookie("session")).toBe("");
    app.store.down = false;
    expect((await browser.post("/login", { loginId: email, password })).status).toBe(302);
  });

  test("a store that fails when the headers are written costs the cookies, not the page", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    app.clock.pass(31, "minutes");
    app.gate = gate();
    const slow = browser.get("/slow");
    await app.gate.reached;
    app.store.down = true;
    app.gate.open();
    expect(await slow).toMatchObject({ status: 200, setCookies: [] });
    app.store.down = false;
    expect((await cart(browser)).status).toBe(200);
  });
});
