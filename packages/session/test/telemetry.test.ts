// Logs, metrics and spans of real journeys: what has to be told is told under its promised name, and nothing that must not be.
import { randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import fc from "fast-check";
import { pino } from "pino";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { sessionChannel } from "../src/index.ts";
import { logEvents, redactedPaths } from "../src/telemetry/pino.ts";
import { countEvents } from "../src/telemetry/prometheus.ts";
import { traceEvents } from "../src/telemetry/opentelemetry.ts";
import { onFramework, type Place, type TestApplication } from "./application.ts";
import { type Browser, cart } from "./browser.ts";
import { exchange } from "./http.ts";
import type { Person } from "./provider.ts";
import { refusedConnection } from "./provider.ts";
import { linesOf, observe, type Observer } from "./telemetry-observer.ts";
import { webhookPath } from "./webhooks.ts";

let stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
});

function observing(options?: { addresses?: boolean }): Observer {
  const observer = observe(options);
  stops.push(() => observer.stop());
  return observer;
}

const of = (name: string, labels: string) => `latchkey_session_${name}{application="store"${labels}}`;

/** The owner's pair is copied, both use it, and the library finds out. */
async function theft(app: TestApplication, owner: Browser): Promise<void> {
  await cart(owner);
  const thief = owner.copy();
  app.clock.pass(11, "minutes");
  await cart(owner);
  await cart(owner);
  app.clock.pass(31, "seconds");
  expect((await cart(thief)).status).toBe(302);
}

async function subscribeWebhook(at: Place, { port }: TestApplication): Promise<string> {
  const webhook = {
    url: `http://127.0.0.1:${port}${webhookPath}`,
    global: true,
    connectTimeout: 5_000,
    readTimeout: 5_000,
    eventsEnabled: { "user.delete": true },
  };
  const made = (await at.provider().api("POST", "/api/webhook", { webhook })) as { webhook: { id: string } };
  return made.webhook.id;
}

/** Everything that happens to an application in its life, attacks and outages included. */
async function journey(at: Place, app: TestApplication): Promise<Person[]> {
  const people = [await app.provider.person(), await app.provider.person()];
  const [person, other] = people as [Person, Person];
  await theft(app, await app.signedIn({ person }));
  const browser = await app.signedIn({ person });
  await cart(browser);
  const stolenRefresh = app.browser();
  stolenRefresh.plant("refresh-token", browser.cookie("refresh-token"));
  await cart(stolenRefresh);
  await browser.get("/", { headers: { cookie: "session=one; session=two" } });
  await browser.post("/items", { item: "lamp" }, { headers: { "sec-fetch-site": "cross-site" } });
  await browser.post("/logout");
  await app.browser().signIn(person.email, secret(`wrong ${randomUUID()}`));

  const id = await subscribeWebhook(at, app);
  await cart(await app.signedIn({ person: other }));
  // What began in the minute before an event is asked about instead.
  app.clock.pass(2, "minutes");
  await app.provider.api("DELETE", `/api/user/${other.id}?hardDelete=true`);
  await app.provider.deliverDue();
  await app.provider.api("DELETE", `/api/webhook/${id}`);

  const held = await app.signedIn({ person });
  app.clock.pass(31, "minutes");
  app.provider.fault = refusedConnection;
  await cart(held);
  app.provider.fault = null;
  await cart(held);
  app.store.down = true;
  for (let request = 0; request < 10; request++) await cart(held);
  app.store.down = false;
  return people;
}

onFramework("Fastify", "a whole journey", (at) => {
  test("is told in lines, metrics and spans by the promised names, without a secret, an address of mail or a name", async () => {
    const told = observing();
    const app = await at.start({ webhookPath });
    const people = await journey(at, app);

    const lines = told.lines();
    const names = new Set(lines.map((line) => line["event.name"]));
    for (const type of new Set(app.events.map((event) => event.type)))
      expect(names).toContain(`latchkey.session.${type}`);
    for (const type of [
      "reuse-detected",
      "webhook-received",
      "unavailable",
      "circuit-opened",
      "store-called",
    ])
      expect(names).toContain(`latchkey.session.${type}`);
    for (const type of ["login-failed", "refresh-token-rotated", "event-delivered", "request-answered"])
      expect(names).toContain(`latchkey.idp.${type}`);
    const theft = lines.find((line) => line["event.name"] === "latchkey.session.reuse-detected");
    expect(theft).toMatchObject({
      level: 40,
      "latchkey.application": "store",
      "user.id": people[0]?.id,
      "latchkey.sign_in.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "client.address": "127.0.0.1",
    });

    const metrics = await told.metrics();
    expect(metrics.get(of("sign_ins_total", ',outcome="signed-in"'))).toBe(4);
    expect(metrics.get(of("sign_ins_total", ',outcome="invalid-credentials"'))).toBe(1);
    expect(metrics.get(of("renewals_total", ',judgement="due"'))).toBe(2);
    expect(metrics.get(of("reuse_detected_total", ""))).toBe(1);
    expect(metrics.get(of("mismatched_pairs_total", ""))).toBe(1);
    expect(metrics.get(of("duplicate_cookies_total", ""))).toBe(1);
    expect(metrics.get(of("cross_site_refused_total", ',reason="cross-site"'))).toBe(1);
    expect(metrics.get(of("sign_ins_ended_total", ',reason="signed-out"'))).toBe(1);
    expect(metrics.get(of("sign_ins_ended_total", ',reason="user-deleted"'))).toBe(1);
    expect(metrics.get(of("webhooks_received_total", ""))).toBe(1);
    expect(metrics.get(of("circuit_open", ',what="session-store"'))).toBe(1);
    expect(metrics.get(of("circuit_open", ',what="identity-provider"'))).toBe(0);
    const calls = "provider_call_duration_seconds_count";
    expect(metrics.get(of(calls, ',call="POST /oauth2/token",status="none"'))).toBe(1);
    expect(metrics.get(of(calls, ',call="DELETE /api/jwt/refresh/{id}",status="2xx"'))).toBeGreaterThan(0);
    expect(metrics.get(of("store_call_duration_seconds_count", ',call="useSession",outcome="failed"'))).toBe(
      5,
    );
    expect(metrics.get('latchkey_idp_logins_total{outcome="succeeded"}')).toBe(4);
    expect(metrics.get('latchkey_idp_deliveries_total{receiver="webhook",outcome="delivered"}')).toBe(1);
    expect([...metrics.keys()].filter((name) => name.includes('"other"'))).toEqual([]);

    const spans = told.spans.getFinishedSpans();
    const spanNames = new Set(spans.map(({ name }) => name));
    expect(spanNames).toContain("identity provider POST /oauth2/token");
    expect(spanNames).toContain("session store useSession");
    expect(spanNames).toContain("POST /api/login");
    const events = spans.flatMap(({ events }) => events.map(({ name }) => name));
    for (const type of ["signed-in", "renewed", "reuse-detected", "sign-in-ended", "webhook-received"])
      expect(events).toContain(`latchkey.session.${type}`);

    const all = JSON.stringify([lines, [...metrics], spans.map((span) => [span.attributes, span.events])]);
    for (const { email, password } of people) {
      expect(all).not.toContain(email);
      expect(all).not.toContain(password);
    }
    expect(all).not.toContain("Ada");
  });

  test("has its spans under the request's, with the times things had, and errors where there was no answer", async () => {
    const app = await at.start();
    const browser = await app.signedIn();
    const told = observing();
    app.clock.pass(31, "minutes");
    app.provider.fault = refusedConnection;
    await cart(browser);
    app.provider.fault = null;
    await cart(browser);
    // A request's span ends with its connection's turn: the next answer is behind it.
    await browser.get("/");
    const spans = told.spans.getFinishedSpans();
    const requests = new Set(
      spans.filter(({ name }) => name === "request").map((each) => each.spanContext().spanId),
    );
    const calls = spans.filter(({ name }) => /^(identity provider|session store) /.test(name));
    expect(calls.length).toBeGreaterThan(4);
    for (const call of calls) expect(requests).toContain(call.parentSpanContext?.spanId);
    const tokens = calls.filter(({ name }) => name === "identity provider POST /oauth2/token");
    expect(tokens.map(({ status }) => status)).toEqual([{ code: 2, message: "no answer" }, { code: 0 }]);
    for (const { startTime, endTime, attributes } of tokens) {
      const took = (endTime[0] - startTime[0]) * 1_000 + (endTime[1] - startTime[1]) / 1e6;
      expect(took).toBeCloseTo(Number(attributes["latchkey.duration_ms"]), -1);
      expect(endTime[0]).toBe(Math.floor(app.clock.now() / 1_000));
    }
  });

  test("leaves client addresses out where that is asked for", async () => {
    const told = observing({ addresses: false });
    const app = await at.start();
    await theft(app, await app.signedIn());
    expect(told.lines().map((line) => line["event.name"])).toContain("latchkey.session.reuse-detected");
    expect(told.text()).not.toContain("127.0.0.1");
    const spans = told.spans.getFinishedSpans();
    expect(JSON.stringify(spans.map((span) => [span.attributes, span.events]))).not.toContain("127.0.0.1");
  });

  test("is told no more once the listeners were stopped, and the registry is as before", async () => {
    const app = await at.start();
    const told = observe();
    await told.stop();
    const before = told.text();
    await cart(await app.signedIn());
    expect(told.text()).toBe(before);
    expect(await told.register.metrics()).toBe("\n");
    expect(told.spans.getFinishedSpans()).toEqual([]);
    countEvents(told.register)();
  });

  test("1,000 hostile requests add no line that is no JSON, and no series beyond those of the first 120", async () => {
    const told = observing();
    const app = await at.start({ webhookPath });
    const attack = async (each: number) => {
      const nonsense = `%0a{"level":60}%0d%0a${each}-${randomUUID()}`;
      const headers = {
        host: new URL(app.origin).host,
        "user-agent": `agent ${nonsense}`,
        origin: `https://${randomUUID()}.example`,
        "sec-fetch-site": each % 2 === 0 ? "cross-site" : nonsense,
        cookie: `session=${nonsense.replaceAll('"', "")}; refresh-token=${randomUUID()}`,
        "x-forwarded-for": `10.0.${each % 256}.${each >> 8}`,
        "x-fusionauth-signature-jwt": randomUUID(),
        "content-type": each % 3 === 0 ? "application/json" : "application/x-www-form-urlencoded",
      };
      const methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MERGE", "PROPFIND"];
      const path = each % 5 === 0 ? webhookPath : `/${nonsense}?password=${nonsense}`;
      const method = methods[each % methods.length] ?? "GET";
      const body = method === "GET" ? {} : { body: `{"event":{"type":"${nonsense}","createInstant":1}}` };
      await exchange(app.port, { method, path, headers, ...body });
    };
    // Every method with every path and type of content.
    for (let each = 0; each < 120; each++) await attack(each);
    const bound = [...(await told.metrics()).keys()];
    for (let each = 120; each < 1_000; each++) await attack(each);
    expect([...(await told.metrics()).keys()]).toEqual(bound);
    expect(told.lines().length).toBeGreaterThan(500);
    expect(told.lines().every((line) => line["level"] !== 60)).toBe(true);
    expect(new Set(told.spans.getFinishedSpans().map(({ name }) => name)).size).toBeLessThan(20);
  });

  test("goes on where every listener throws: each costs one warning, and no request", async () => {
    const warnings: Error[] = [];
    const uncaught: unknown[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    const onUncaught = (error: unknown) => void uncaught.push(error);
    process.on("warning", onWarning).on("uncaughtExceptionMonitor", onUncaught);
    stops.push(() => process.off("warning", onWarning).off("uncaughtExceptionMonitor", onUncaught));
    const broken = (): never => {
      throw new Error("no space left on device");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken, isLevelEnabled: () => true };
    const tracer = { startSpan: broken, startActiveSpan: broken };
    const register = new Registry();
    stops.push(logEvents(logger), traceEvents(tracer), countEvents(register));
    // A label that the metric does not know, as an event of another version of this package might have.
    for (const name of ["sessions_created_total", "sign_ins_total"])
      Object.assign(register.getSingleMetric(`latchkey_session_${name}`) ?? {}, { inc: broken });
    const app = await at.start();
    const browser = await app.signedIn();
    expect((await cart(browser)).status).toBe(200);
    app.clock.pass(11, "minutes");
    expect((await cart(browser)).status).toBe(200);
    await new Promise(setImmediate);
    expect(uncaught).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual(
      Array.from(
        { length: 3 },
        () => `A listener of ${sessionChannel} failed: Error: no space left on device`,
      ),
    );
  });
});

test("whatever stands in an event stays inside its own line and its own field (CWE-117)", () => {
  let text = "";
  const stop = logEvents(pino({ level: "trace" }, { write: (chunk: string) => void (text += chunk) }));
  // Control characters and halves of surrogate pairs, too.
  const anyText = fc.array(fc.nat(0xff_ff)).map((units) => String.fromCharCode(...units));
  fc.assert(
    fc.property(anyText, fc.string(), (path, address) => {
      text = "";
      const forged = `${path}\n{"level":60,"msg":"forged"}\r\n\u2028${path}`;
      const event = { type: "cross-site-refused", reason: "no-origin", path: forged, address };
      channel(sessionChannel).publish({ ...event, at: 1, application: "store" });
      const [line, ...others] = linesOf(text);
      expect(others).toEqual([]);
      expect(line).toMatchObject({ level: 40, "url.path": forged, "client.address": address });
    }),
  );
  stop();
});

test("a member that somebody adds to an event is in no line", () => {
  let text = "";
  const stop = logEvents(pino({ level: "trace" }, { write: (chunk: string) => void (text += chunk) }));
  const event = { type: "signed-in", signInId: "s", userId: "u", at: 1, application: "store" };
  channel(sessionChannel).publish({
    ...event,
    refreshToken: "not to be seen",
    address: { of: "not to be seen" },
  });
  stop();
  expect(linesOf(text)).toHaveLength(1);
  expect(text).not.toContain("not to be seen");
});

test("redactedPaths hides what other lines of an application may hold", () => {
  let text = "";
  const logger = pino({ redact: redactedPaths }, { write: (chunk: string) => void (text += chunk) });
  const hidden = "not to be seen";
  const headers = { authorization: hidden, cookie: hidden, "set-cookie": [hidden], "x-csrf-token": hidden };
  const body = {
    password: hidden,
    refresh_token: hidden,
    token: hidden,
    "form-token": hidden,
    apiKey: hidden,
  };
  logger.info({ ...headers, ...body, headers, body, req: { headers, body }, res: { headers } }, "a request");
  expect(linesOf(text)).toHaveLength(1);
  expect(text).not.toContain(hidden);
});

test("a registry is counted in once", () => {
  const register = new Registry();
  const stop = countEvents(register);
  expect(() => countEvents(register)).toThrow("already been registered");
  stop();
});
