// The receiver of webhooks lets nobody have a say but the provider: whoever else sends something ends nothing.
import { generateKeyPair } from "jose";
import { expect, test } from "vitest";
import { onEveryFramework, onFramework, type Place, type TestApplication, types } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { webhookPath, type Sender, type Unusual, webhookSender } from "./webhooks.ts";

/** An application, somebody signed in two minutes ago, and the event that would end that. */
async function signedInBefore(at: Place) {
  const sender = await webhookSender();
  const app = await at.start(sender.variant(at.provider()));
  const person = await app.provider.anybody();
  const browser = await app.signedIn({ person });
  await cart(browser);
  app.clock.pass(2, "minutes");
  return { sender, app, browser, event: { type: "user.deactivate", user: { id: person.id } } };
}

async function expectNothingHappened(app: TestApplication, browser: Browser): Promise<void> {
  const before = app.provider.calls.length;
  expect(await cart(browser)).toMatchObject({ status: 200, setCookies: [] });
  expect(app.provider.calls.length).toBe(before);
  expect(types(app)).not.toContain("sign-in-ended");
}

onFramework("Fastify", "a webhook", (at) => {
  const forgeries: [string, (sender: Sender, app: TestApplication) => Promise<Unusual> | Unusual][] = [
    ["without a signature", () => ({ signature: null })],
    ["whose signature is no JWT", () => ({ signature: "a.b.c" })],
    [
      "signed with no algorithm",
      () => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
        return { signature: `${part({ alg: "none", typ: "JWT" })}.${part({ request_body_sha256: "" })}.` };
      },
    ],
    [
      "signed by HMAC with our public key",
      (sender) => ({ key: sender.publicKey(), header: { alg: "HS256" } }),
    ],
    ["signed by another key", async () => ({ key: (await generateKeyPair("ES256")).privateKey })],
    ["signed by an unknown key", () => ({ header: { kid: "unknown" } })],
    ["whose body was changed on its way", () => ({ sent: '{"event":{}}' })],
    ["whose signature is over no body", () => ({ claims: { request_body_sha256: undefined } })],
    ["whose hash is of another kind", () => ({ claims: { request_body_sha256: ["x"] } })],
    ["of another issuer", () => ({ claims: { iss: "https://evil.example" } })],
    ["signed by somebody's access token", () => ({ claims: { sub: "a user" } })],
    ["that has expired", (_, app) => ({ claims: { exp: Math.floor(app.clock.now() / 1_000) - 61 } })],
    [
      "that was signed long ago",
      (_, app) => ({ claims: { iat: app.clock.now() / 1_000 - 301, exp: undefined } }),
    ],
    ["that is to be signed yet", (_, app) => ({ claims: { iat: app.clock.now() / 1_000 + 301 } })],
  ];
  test.each(forgeries)("%s is refused, and ends nothing (ASVS 9.1.1, 9.1.2)", async (_, forge) => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const answer = await sender.send(app, event, await forge(sender, app));
    expect(answer).toMatchObject({ status: 401, setCookies: [] });
    expect(types(app)).toContain("webhook-refused");
    await expectNothingHappened(app, browser);
  });

  test("signed by FusionAuth, without a time of its own, is good for as long as its event is new", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const claims = { iss: undefined, iat: undefined, exp: undefined, jti: undefined };
    const past = { ...event, createInstant: app.clock.now() - 300_001 };
    expect((await sender.send(app, past, { claims })).status).toBe(401);
    await expectNothingHappened(app, browser);
    expect((await sender.send(app, event, { claims })).status).toBe(200);
    expect((await cart(browser)).status).toBe(302);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["null", "null"],
    ["no event", "{}"],
    ["an event of no type", '{"event":{"createInstant":1}}'],
    ["an event of a type that is a list", '{"event":{"type":["user.delete"],"createInstant":1}}'],
    ["an event of no time", '{"event":{"type":"user.delete","user":{"id":"a"}}}'],
    ["an event at half past", '{"event":{"type":"user.delete","createInstant":1.5,"user":{"id":"a"}}}'],
    ["a deleted user of no id", '{"event":{"type":"user.delete","createInstant":1,"user":{}}}'],
    [
      "a deleted user whose id is empty",
      '{"event":{"type":"user.delete","createInstant":1,"user":{"id":""}}}',
    ],
    ["a revocation of nothing", '{"event":{"type":"jwt.refresh-token.revoke","createInstant":1}}'],
    [
      "a revoked token of no id",
      '{"event":{"type":"jwt.refresh-token.revoke","createInstant":1,"userId":"a","refreshToken":{}}}',
    ],
    [
      "a revoked token of nobody",
      '{"event":{"type":"jwt.refresh-token.revoke","createInstant":1,"refreshToken":{"id":"a"}}}',
    ],
    ["inherited members", '{"event":{"__proto__":{"userId":"a"},"type":"user.delete","createInstant":1}}'],
  ])("that is signed nonsense, %s, gets 400, and ends nothing", async (_, body) => {
    const { sender, app, browser } = await signedInBefore(at);
    expect(await sender.sendBody(app, body)).toMatchObject({ status: 400, setCookies: [] });
    await expectNothingHappened(app, browser);
  });

  test.each([
    "user.login.success",
    "user.login.failed",
    "user.reactivate",
    "jwt.refresh-token.reuse",
    "jwt.refresh",
    "toString",
    "a type of tomorrow",
  ])("of the type %s is taken note of, and ends nothing", async (type) => {
    const { sender, app, browser, event } = await signedInBefore(at);
    app.store.calls.length = 0;
    expect((await sender.send(app, { ...event, type })).status).toBe(200);
    expect(app.store.calls).toEqual([]);
    await expectNothingHappened(app, browser);
  });
});

onEveryFramework("a webhook", (at) => {
  test.each(["GET", "HEAD", "PUT", "DELETE", "PATCH"])("by %s gets 405", async (method) => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const answer = await sender.send(app, event, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: "POST" } });
    await expectNothingHappened(app, browser);
  });

  test("of 64 KiB is read, and of a byte more is not", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const whole = JSON.stringify({ event: { ...event, createInstant: app.clock.now() } });
    expect((await sender.sendBody(app, whole.padEnd(65_537))).status).toBe(413);
    await expectNothingHappened(app, browser);
    expect((await sender.sendBody(app, whole.padEnd(65_536))).status).toBe(200);
    expect((await cart(browser)).status).toBe(302);
  });

  test.each(["application/x-www-form-urlencoded", "text/plain", "application/jsonp", ""])(
    "of type %j is none: it gets 415, wherever a parser of forms stands, and no error of the application's",
    async (type) => {
      const { sender, app, browser, event } = await signedInBefore(at);
      const answer = await sender.send(app, event, { headers: { "content-type": type } });
      expect(answer).toMatchObject({ status: 415, setCookies: [] });
      await expectNothingHappened(app, browser);
      const headers = { "content-type": "Application/JSON; charset=utf-8" };
      expect((await sender.send(app, event, { headers })).status).toBe(200);
      expect((await cart(browser)).status).toBe(302);
    },
  );

  test("is answered before cookies, guards and sessions are looked at, and sets no cookie", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const headers = {
      cookie: `session=${browser.cookie("session")}; session=again`,
      origin: "https://evil.example",
      "sec-fetch-site": "cross-site",
    };
    const answer = await sender.send(app, event, { headers });
    expect(answer).toMatchObject({ status: 200, body: "", setCookies: [] });
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(types(app)).not.toContain("duplicate-cookies");
    expect((await cart(browser)).status).toBe(302);
  });

  test("to a path that only looks like the receiver's is a request like any other", async () => {
    const { app, browser } = await signedInBefore(at);
    for (const path of [
      `${webhookPath}/`,
      `/${webhookPath}`,
      "/webhooks/Identity-Provider",
      "/webhooks/%69dentity-provider",
    ]) {
      const answer = await app.browser().request("POST", path);
      expect([302, 400, 403, 404]).toContain(answer.status);
    }
    await expectNothingHappened(app, browser);
  });

  test("where none are received is a request like any other", async () => {
    const sender = await webhookSender();
    const app = await at.start();
    expect((await sender.send(app, { type: "user.delete", user: { id: "a" } })).status).not.toBe(200);
    expect(types(app)).not.toContain("webhook-refused");
  });

  test("that can't be checked, because the provider's keys can't be had, gets 503; sent again it is done", async () => {
    const sender = await webhookSender();
    const app = await at.start(sender.variant(at.provider()));
    app.provider.fault = () => Promise.reject(new TypeError("fetch failed"));
    const event = { type: "user.deactivate", user: { id: "somebody" } };
    expect(await sender.send(app, event)).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    app.provider.fault = null;
    expect((await sender.send(app, event)).status).toBe(200);
  });

  test("that can't be carried out, because the store is down, gets 503; sent again it is done", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    app.store.down = true;
    expect((await sender.send(app, event)).status).toBe(503);
    app.store.down = false;
    expect((await sender.send(app, event)).status).toBe(200);
    expect((await cart(browser)).status).toBe(302);
  });

  test("with unknown key ids, as many as anybody likes, makes the provider be asked for its keys once in 30 seconds", async () => {
    const { sender, app, event } = await signedInBefore(at);
    const asked = () => app.provider.calls.filter((call) => call === "GET /.well-known/jwks.json").length;
    const before = asked();
    for (let sent = 0; sent < 20; sent++) {
      const header = { kid: `unknown-${sent}` };
      expect((await sender.send(app, event, { header })).status).toBe(401);
    }
    expect(asked() - before).toBe(1);
  });

  test("signed by a key the provider has rolled to since is good", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    await sender.roll();
    expect((await sender.send(app, event)).status).toBe(200);
    expect((await cart(browser)).status).toBe(302);
  });

  test("signed by a key that leaked is refused ten minutes after the provider has taken it from its list", async () => {
    const { sender, app, browser, event } = await signedInBefore(at);
    const leaked = await sender.roll();
    app.clock.pass(10, "minutes");
    expect((await sender.send(app, event, leaked)).status).toBe(401);
    expect((await cart(browser)).status).toBe(200);
  });

  test("'s signature is no access token: who gives it out as one signs nobody in (ASVS 9.2.2)", async () => {
    const { sender, app } = await signedInBefore(at);
    const { applicationId } = app.options.identityProvider;
    for (const claims of [{}, { aud: applicationId }]) {
      const token = await sender.sign(app, "{}", { claims });
      const { email, password } = await app.provider.anybody();
      app.provider.fault = (request) =>
        request.url.endsWith("/api/login")
          ? Promise.resolve(
              Response.json({ user: { id: "u" }, token, refreshToken: "r", refreshTokenId: "i" }),
            )
          : null;
      const browser = app.browser();
      expect((await browser.signIn(email, password)).status).toBe(503);
      app.provider.fault = null;
    }
  });
});
