// What the provider tells of itself: metrics that say what happened, in few series whatever is sent, a span a request, and lines.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import { promisify } from "node:util";
import { SpanStatusCode } from "@opentelemetry/api";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { observe, type Observer } from "../../session/test/telemetry-observer.ts";
import { logEvents } from "../src/telemetry/pino.ts";
import { countEvents } from "../src/telemetry/prometheus.ts";
import { traceEvents } from "../src/telemetry/opentelemetry.ts";
import { undelivered } from "../src/telemetry/undelivered.ts";
import type { IdpEvent } from "../src/index.ts";
import { ALICE, copyOf, emptyDatabase, ISSUER, login, refreshGrant, startIdp, type TestIdp } from "./idp.ts";
import { startReceiver, subscribe } from "./receiver.ts";

const MINUTE = 60_000;

let stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
});

function observing(): Observer {
  const observer = observe();
  stops.push(() => observer.stop());
  return observer;
}

/** The provider's metrics that are not 0, by their names without "latchkey_idp_"; of histograms the counts. */
async function counted(told: Observer): Promise<Record<string, number>> {
  const all = [...(await told.metrics())].filter(([name, value]) => {
    return name.startsWith("latchkey_idp_") && !/_(bucket|sum)\b/.test(name) && value !== 0;
  });
  return Object.fromEntries(all.map(([name, value]) => [name.replace("latchkey_idp_", ""), value]));
}

test("sign-ins, refresh tokens, theft and revocations are counted by what became of them", async () => {
  const told = observing();
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const wrong = { password: secret(`wrong ${randomUUID()}`) };
  for (let guess = 0; guess < 6; guess += 1) await login(idp, wrong);
  const second = await refreshGrant(idp, first.refreshToken);
  await refreshGrant(idp, first.refreshToken);
  idp.clock.now += 2 * MINUTE;
  await refreshGrant(idp, first.refreshToken);
  await refreshGrant(idp, second.body.refresh_token);
  await refreshGrant(idp, second.body.refresh_token, { client_secret: secret(`wrong ${randomUUID()}`) });
  await idp.call("DELETE", `/api/user/${ALICE}`);

  const metrics = await counted(told);
  expect(metrics).toMatchObject({
    'logins_total{outcome="succeeded"}': 1,
    'logins_total{outcome="wrong-password"}': 5,
    'logins_total{outcome="throttled"}': 1,
    refresh_tokens_issued_total: 1,
    'refreshes_total{verdict="rotated"}': 1,
    'refreshes_total{verdict="repeated"}': 1,
    'refreshes_total{verdict="reused"}': 1,
    'refreshes_total{verdict="revoked"}': 1,
    reuse_detected_total: 1,
    'revocations_total{reason="reuse"}': 1,
    clients_refused_total: 1,
    'request_duration_seconds_count{route="/api/login",method="POST",status="2xx"}': 1,
    'request_duration_seconds_count{route="/api/login",method="POST",status="4xx"}': 6,
    'request_duration_seconds_count{route="/oauth2/token",method="POST",status="2xx"}': 2,
    'request_duration_seconds_count{route="/api/user/:userId",method="DELETE",status="2xx"}': 1,
  });
  expect(metrics["password_hashing_duration_seconds_count"]).toBeGreaterThan(5);
  expect(metrics).not.toHaveProperty("forwards_total");
});

test("a database that went back in time, and the age of its signing key, are told", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database });
  const made = before.clock.now / 1_000;
  const { body: first } = await login(before);
  await before.idp.close();
  const backup = await copyOf(database);
  const lost = await startIdp({ database });
  const second = await refreshGrant(lost, first.refreshToken);
  const third = await refreshGrant(lost, second.body.refresh_token);
  await lost.idp.close();

  const told = observing();
  const restored = await startIdp({ database: backup });
  await refreshGrant(restored, third.body.refresh_token);
  const metrics = await counted(told);
  expect(metrics).toMatchObject({ forwards_total: 1, 'refreshes_total{verdict="rotated"}': 1 });
  expect(metrics["signing_key_created_timestamp_seconds"]).toBe(made);
  const forward = told
    .lines()
    .find((line) => line["event.name"] === "latchkey.idp.refresh-token-went-forward");
  expect(forward).toMatchObject({
    level: 50,
    "user.id": ALICE,
    "latchkey.generation.to": expect.any(Number),
  });
});

test("no age is told of a key before the ring was read", async () => {
  const register = new Registry();
  stops.push(countEvents(register));
  expect(await register.metrics()).not.toMatch(/^latchkey_idp_signing_key_created_timestamp_seconds/m);
});

test("a full hashing queue is counted, and what waits before it", async () => {
  const told = observing();
  // All of them must arrive before the first is done, at whatever pace another database answers.
  const idp = await startIdp({ database: ":memory:", hashing: { concurrency: 1, queue: 2 } });
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, each) =>
      login(idp, { loginId: `nobody-${each}@example.com`, password: secret(`any phrase ${randomUUID()}`) }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 503).length;
  expect(refused).toBeGreaterThan(0);
  const metrics = await counted(told);
  expect(metrics["password_hashing_refused_total"]).toBe(refused);
  expect(metrics['failures_total{code="hashing-busy"}']).toBe(refused);
  expect(metrics["password_hashing_wait_seconds_count"]).toBe(
    metrics["password_hashing_duration_seconds_count"],
  );
  // The last one to leave leaves nobody behind.
  expect(metrics).not.toHaveProperty("password_hashing_waiting");
  const failed = told.spans.getFinishedSpans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
  expect(failed.map(({ name }) => name)).toEqual(Array.from({ length: refused }, () => "POST /api/login"));
});

const oldest = 'oldest_undelivered_timestamp_seconds{receiver="webhook"}';

test("the oldest undelivered event is told for as long as there is one", async () => {
  const told = observing();
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  receiver.answering = async () => 500;
  const happened = idp.clock.now / 1_000;
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.deliverDue();
  for (let minute = 0; minute < 20; minute += 1) {
    idp.clock.now += MINUTE;
    await idp.idp.deliverDue();
  }
  const waiting = await counted(told);
  expect(waiting[oldest]).toBe(happened);
  expect(waiting['deliveries_total{receiver="webhook",outcome="failed"}']).toBeGreaterThan(5);

  receiver.answering = async () => 200;
  for (let minute = 0; minute < 10; minute += 1) {
    idp.clock.now += MINUTE;
    await idp.idp.deliverDue();
  }
  const delivered = await counted(told);
  expect(delivered).not.toHaveProperty(oldest);
  expect(delivered['deliveries_total{receiver="webhook",outcome="delivered"}']).toBeGreaterThan(0);
  expect(delivered['delivery_delay_seconds_count{receiver="webhook"}']).toBe(
    delivered['deliveries_total{receiver="webhook",outcome="delivered"}'],
  );
});

test("what another node has delivered meanwhile is forgotten after ten minutes, and a thousand failures are remembered at most", () => {
  const changes: (number | null)[] = [];
  const heard = undelivered((_, happened) => changes.push(happened));
  const failure = { failure: "status 500", pause: 1_000, attempts: 1, eventType: "user.delete" } as const;
  const fails = (eventId: string, at: number, waited: number): void =>
    heard({ type: "event-not-delivered", receiver: randomUUID(), eventId, at, waited, ...failure });
  const later = (at: number): void => heard({ type: "swept", refreshTokens: 1, at } satisfies IdpEvent);
  fails("first", 1_000_000, 5_000);
  for (let each = 0; each < 5_000; each += 1) fails(`${each}`, 1_001_000, 1_000);
  expect(changes.at(-1)).toBe(995_000);
  later(1_000_000 + 9 * MINUTE);
  expect(changes.at(-1)).toBe(995_000);
  later(1_000_000 + 12 * MINUTE);
  expect(changes.at(-1)).toBeNull();
  expect(changes.length).toBeLessThan(6_100);
});

test("each request is a span with its route, never with its path, and what it did not find is one too", async () => {
  const idp = await startIdp();
  const told = observing();
  await idp.call("GET", `/api/user/${ALICE}?loginId=alice@example.com`);
  await idp.call("GET", "/no/such/path/alice@example.com");
  await idp.idp.fetch(new Request(`${ISSUER}/api/login`, { method: "PROPFIND" }));
  const requests = told.spans.getFinishedSpans();
  expect(requests.map(({ name, kind }) => [name, kind])).toEqual([
    ["GET /api/user/:userId?", 1],
    ["GET", 1],
    ["_OTHER", 1],
  ]);
  expect(requests.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([200, 404, 405]);
  expect(JSON.stringify(requests.map((span) => span.attributes))).not.toContain("alice");
  expect(told.text()).not.toContain("alice@example.com");
});

async function attack(idp: TestIdp, each: number): Promise<void> {
  const nonsense = `${each}-${randomUUID()}`;
  const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "MERGE"];
  const paths = [
    "/api/login",
    `/api/user/${nonsense}`,
    `/${nonsense}/%0a{"level":60}`,
    `/api/jwt/refresh/${nonsense}?userId=${nonsense}`,
    `/${nonsense}/.well-known/jwks.json`,
  ];
  const headers = { "x-forwarded-for": `10.0.${each % 256}.1`, "x-fusionauth-tenantid": nonsense };
  const json = {
    loginId: nonsense,
    password: "x",
    applicationId: nonsense,
    metaData: { device: { name: nonsense } },
  };
  const method = methods[each % methods.length] ?? "GET";
  const path = paths[each % paths.length] ?? "/";
  await idp.call(method, path, { key: null, headers, ...(method === "GET" ? {} : { json }) });
}

test("1,000 hostile requests make no series beyond those of the first 60, and no other names of spans", async () => {
  const told = observing();
  const idp = await startIdp();
  // Every method with every path, twice.
  for (let each = 0; each < 60; each += 1) await attack(idp, each);
  const series = [...(await told.metrics()).keys()];
  const names = new Set(told.spans.getFinishedSpans().map(({ name }) => name));
  for (let each = 60; each < 1_000; each += 1) await attack(idp, each);
  expect([...(await told.metrics()).keys()]).toEqual(series);
  expect(new Set(told.spans.getFinishedSpans().map(({ name }) => name))).toEqual(names);
  expect(told.lines().every((line) => line["level"] !== 60)).toBe(true);
});

test("names of devices and whatever else has no field are in no line", async () => {
  const told = observing();
  const idp = await startIdp();
  const metaData = { device: { name: "Alice's telephone", type: "MOBILE" } };
  await login(idp, { metaData });
  expect(idp.events.some((event) => "deviceName" in event && event.deviceName === "Alice's telephone")).toBe(
    true,
  );
  expect(told.text()).not.toContain("Alice");
  channel("latchkey:idp").publish({ type: "login-succeeded", at: 1, token: "not to be seen" });
  expect(told.text()).not.toContain("not to be seen");
});

test("listeners that throw cost a warning each, and no request", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on("warning", onWarning);
  stops.push(() => process.off("warning", onWarning));
  const broken = (): never => {
    throw new Error("no space left on device");
  };
  const logger = { debug: broken, info: broken, warn: broken, error: broken, isLevelEnabled: () => true };
  stops.push(logEvents(logger), traceEvents({ startSpan: broken, startActiveSpan: broken }));
  const idp = await startIdp();
  expect((await login(idp)).status).toBe(200);
  await new Promise(setImmediate);
  expect(warnings.map(({ message }) => message)).toEqual(
    Array.from({ length: 2 }, () => "A listener of latchkey:idp failed: Error: no space left on device"),
  );
});

// In a process of its own: in this one the watch of the tests listens all the time.
const unheard = `
  import { subscribe, unsubscribe } from "node:diagnostics_channel";
  import { createIdp } from "${new URL("../src/index.ts", import.meta.url).href}";
  import { publisher, sessionChannel } from "${new URL("../../session/src/events.ts", import.meta.url).href}";
  let asked = 0;
  const now = () => { asked += 1; return 1; };
  const idp = await createIdp({ database: ":memory:", issuer: "http://idp.test", now, keys: [{ id: "k", secret: "${"k".repeat(40)}" }] });
  const count = async (act) => { asked = 0; await act(); return asked; };
  const request = () => idp.fetch(new Request("http://idp.test/no/such/path"));
  const publish = publisher("store", now);
  const event = async () => publish({ type: "session-extended", signInId: "s", userId: "u", expiresAt: 1 });
  const none = [await count(request), await count(event)];
  const listener = () => undefined;
  for (const name of ["latchkey:idp", sessionChannel]) subscribe(name, listener);
  const heard = [await count(request), await count(event)];
  for (const name of ["latchkey:idp", sessionChannel]) unsubscribe(name, listener);
  const again = [await count(request), await count(event)];
  await idp.close();
  console.log(JSON.stringify({ none, heard, again }));
`;

test("without a listener no clock is asked for the sake of telling", async () => {
  const args = ["--conditions=latchkey-source", "--input-type=module", "-e", unheard];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ none: [0, 0], heard: [3, 1], again: [0, 0] });
});
