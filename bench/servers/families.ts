// What ends very many sign-ins: the provider embedded, with a user of as many refresh-token families as it is told, and an application on Fastify with
// a sign-in for each. What is done is done by the wire: FusionAuth's API and the application's own pages.
// DATABASE: sqlite, or an address of Postgres. SESSION_STORE: sqlite, redis (REDIS_URL). RECEIVERS: how many webhooks; RECEIVERS_PORT.
import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import formbody from "@fastify/formbody";
import { createIdp } from "@latchkey/idp";
import { createSessions, sqliteStore } from "@latchkey/session";
import { latchkey, visitor } from "@latchkey/session/fastify";
import { redisStore } from "@latchkey/session/redis";
import fastify from "fastify";
import { createRefreshTokenCodec } from "../../packages/idp/src/refresh-token.ts";
import { openStore } from "../../packages/idp/src/store/open.ts";
import type { RefreshToken } from "../../packages/idp/src/store/records.ts";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { signedInAs } from "./browser.ts";
import { generation, writeFamilies, writeSignIns } from "./crowd.ts";
import { password } from "./provider.ts";
import { folder } from "./folder.ts";

const { DATABASE = "sqlite", SESSION_STORE = "sqlite", REDIS_URL = "", RECEIVERS = "5" } = process.env;
const host = "bench.localhost";
const application = "bench";
const webhookPath = "/webhooks/identity-provider";
const html = "text/html; charset=utf-8";

/** What is to be done. */
export interface Order {
  /** To how many families. */
  readonly count: number;
  /** What is alive in memory is looked at meanwhile, which makes everything wait; else how long it takes. */
  readonly watchesMemory: boolean;
}

/** What an act took. */
export interface Measured {
  readonly milliseconds: number;
  /** Of the event loop: the longest that anybody waited, in milliseconds. */
  readonly late: number;
  /** Bytes that were alive on the heap above what was there before: the most, where memory was watched, and what was left. */
  readonly most: number;
  readonly left: number;
}

const database = DATABASE === "sqlite" ? join(folder, "idp.sqlite") : DATABASE;
const [applicationId, apiKey, clientSecret] = [randomUUID(), secret(), secret()];
const keys = [{ id: "1", secret: secret() }];
const idp = await createIdp({
  database,
  issuer: "http://localhost",
  keys,
  kickstart: { apiKeys: [{ key: apiKey }], requests: [theApplication()] },
});
const [port = 0] = await freePorts(1);
const store =
  SESSION_STORE === "sqlite"
    ? sqliteStore({ path: join(folder, "sessions.sqlite") })
    : redisStore({ url: REDIS_URL, application });
const sessions = createSessions({
  application,
  origin: `http://${host}:${port}`,
  identityProvider: {
    url: "http://localhost",
    applicationId,
    apiKey,
    clientSecret,
    fetch: (request) => idp.fetch(request),
  },
  cookieKeys: [{ id: "1", secret: secret() }],
  store,
  publicPaths: [],
  webhookPath,
});
const app = fastify({ trustProxy: "loopback" });
await app.register(formbody);
await app.register(latchkey(sessions));
app.get("/page", (request, reply) =>
  reply.type(html).send(page(visitor(request).signedIn().user.fullName ?? "")),
);
app.get("/form", (request, reply) => reply.send(visitor(request).formToken()));
app.get("/login", (request, reply) => reply.send(visitor(request).formToken()));
app.post("/login", async (request, reply) => {
  const { loginId, password } = request.body as Record<string, string>;
  const result = await visitor(request).signIn({ loginId, password });
  return result.outcome === "signed-in"
    ? reply.redirect("/page")
    : reply.code(result.status).send(result.outcome);
});
app.post("/sign-out-everywhere", async (request, reply) => {
  await visitor(request).signOutEverywhere();
  return reply.redirect("/login");
});
await app.listen({ port, host: "127.0.0.1" });

/** Whose turn it is. */
let crowd: { userId: string; email: string; families: readonly RefreshToken[] } | null = null;

present({
  port,
  host: `${host}:${port}`,
  versions: { node: process.versions.node },
  answers: {
    fill: (order) => fill(order as { size: number; signIns: boolean }),
    replay: (order) => replay(order as Order),
    fanOut: (order) => fanOut(order as Order),
    revokeAll: (order) => measured(order as Order, revokeAll),
    signOutEverywhere: (order) => signOutEverywhere(order as Order),
    toldByWebhook: (order) => toldByWebhook(order as Order),
    alive,
    longestFlush: (seconds) => longestFlush(Number(seconds)),
  },
});

/** A new user with so many families and, if wished, as many sign-ins. */
async function fill({ size, signIns }: { size: number; signIns: boolean }): Promise<void> {
  const userId = randomUUID();
  const email = `${userId}@example.com`;
  const user = { email, password, fullName: "Ada Lovelace" };
  await api("POST", `/api/user/registration/${userId}`, { user, registration: { applicationId } });
  const second = await openStore(database, null, { uuid: randomUUID, mails: false });
  const [tenant] = await second.tenants.list();
  const owner = { tenantId: tenant?.id ?? "", applicationId, userId };
  const families = await writeFamilies(second, owner, size, DATABASE === "sqlite" ? null : database);
  await second.close();
  if (signIns) await writeSignIns(store, application, families);
  crowd = { userId, email, families };
}

function here(): NonNullable<typeof crowd> {
  if (crowd === null) throw new Error("Nobody is there");
  return crowd;
}

/** How many families and sign-ins of the user live; of each a thousand at most. */
async function alive(): Promise<{ families: number; signIns: number }> {
  const { userId } = here();
  const { refreshTokens } = (await api("GET", `/api/jwt/refresh?userId=${userId}`)) as {
    refreshTokens?: unknown[];
  };
  const signIns = await store.liveSignIns({ application, userId, after: null, limit: 1_000 });
  return { families: refreshTokens?.length ?? 0, signIns: signIns.length };
}

/** A token of long ago is shown again, of so many families: each is refused, and so is the newest of its family from then on. */
async function replay(order: Order): Promise<Measured> {
  const { count } = order;
  const codec = createRefreshTokenCodec({
    keys: keys.map(({ id, secret }) => ({ id, secret: Buffer.from(secret, "base64url") })),
  });
  const shown = (family: RefreshToken, of: number) => exchanged(codec.encode(family, of, "1"));
  const families = here().families.slice(0, count);
  const result = await measured(order, async () => {
    for (const family of families)
      if ((await shown(family, 1)) !== 400) throw new Error("A token that was shown again was taken");
  });
  for (const family of families)
    if ((await shown(family, generation)) !== 400)
      throw new Error("A family outlived that two parties held it");
  const untouched = here().families[count];
  if (untouched !== undefined && (await shown(untouched, generation)) !== 200)
    throw new Error("A family ended that nobody had shown again");
  return result;
}

async function exchanged(token: string): Promise<number> {
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token });
  const authorization = `Basic ${Buffer.from(`${applicationId}:${clientSecret}`).toString("base64")}`;
  const request = new Request("http://localhost/oauth2/token", {
    method: "POST",
    headers: { authorization },
    body,
  });
  return (await idp.fetch(request)).status;
}

/** So many families, the last ones, end one by one, and every receiver is told of each. */
async function fanOut(order: Order): Promise<Measured> {
  const receivers = Array.from({ length: Number(RECEIVERS) }, (_, index) => `/receiver${index}`);
  const webhooks: string[] = [];
  for (const path of receivers) webhooks.push(await webhook(Number(process.env["RECEIVERS_PORT"]), path));
  const result = await measured(order, async () => {
    for (const { id } of here().families.slice(-order.count)) await api("DELETE", `/api/jwt/refresh/${id}`);
    await idp.deliverDue();
  });
  for (const id of webhooks) await api("DELETE", `/api/webhook/${id}`);
  return result;
}

async function webhook(to: number, path: string): Promise<string> {
  const id = randomUUID();
  const eventsEnabled = { "jwt.refresh-token.revoke": true };
  // An application answers when it has done what it is told.
  const wait = { connectTimeout: 5_000, readTimeout: 30_000 };
  await api("POST", `/api/webhook/${id}`, {
    webhook: { url: `http://127.0.0.1:${to}${path}`, global: true, eventsEnabled, ...wait },
  });
  return id;
}

/** A browser of the user's signs out everywhere: all sign-ins of this application, and all families. */
async function signOutEverywhere(order: Order): Promise<Measured> {
  const leave = await signedInAs({ port, host }, here().email);
  return measured(order, async () => {
    const status = await leave("/sign-out-everywhere");
    if (status !== 302) throw new Error(`Signing out everywhere: ${status}`);
  });
}

function revokeAll(): Promise<unknown> {
  return api("DELETE", `/api/jwt/refresh?userId=${here().userId}`);
}

/** The provider is told to end all families of the user, and the application by the provider: it ends each sign-in before it answers. */
async function toldByWebhook(order: Order): Promise<Measured> {
  const id = await webhook(port, webhookPath);
  const result = await measured(order, async () => {
    await revokeAll();
    await idp.deliverDue();
  });
  await api("DELETE", `/api/webhook/${id}`);
  return result;
}

async function measured({ watchesMemory }: Order, act: () => Promise<unknown>): Promise<Measured> {
  const alive = () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const before = alive();
  // What was filled before is written by now.
  await delay(200);
  let most = before;
  const watching = watchesMemory ? setInterval(() => (most = Math.max(most, alive())), 100) : undefined;
  const lateness = monitorEventLoopDelay({ resolution: 1 });
  lateness.enable();
  const begun = performance.now();
  await act();
  const milliseconds = performance.now() - begun;
  await delay(5);
  lateness.disable();
  clearInterval(watching);
  const left = alive();
  return { milliseconds, late: lateness.max / 1e6, most: Math.max(most, left) - before, left: left - before };
}

/** Milliseconds of the longest flush to the disk that the databases are on, of all within so many seconds. */
function longestFlush(seconds: number): number {
  const file = openSync(join(folder, "flushed"), "w");
  const page = Buffer.alloc(4_096);
  // As a log that is written over: it does not grow.
  const pages = 250;
  for (let index = 0; index < pages; index++) writeSync(file, page, 0, page.length, index * page.length);
  fdatasyncSync(file);
  let longest = 0;
  const end = performance.now() + seconds * 1_000;
  for (let count = 0; performance.now() < end; count++) {
    const begun = performance.now();
    writeSync(file, page, 0, page.length, (count % pages) * page.length);
    fdatasyncSync(file);
    longest = Math.max(longest, performance.now() - begun);
  }
  closeSync(file);
  return longest;
}

async function api(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: apiKey, "content-type": "application/json" };
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await idp.fetch(new Request(`http://localhost${path}`, init));
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

function theApplication() {
  const roles = [{ name: "customer", isDefault: true }];
  const loginConfiguration = { generateRefreshTokens: true, requireAuthentication: true };
  const oauthConfiguration = { clientSecret, enabledGrants: ["refresh_token"] };
  const jwtConfiguration = {
    enabled: true,
    refreshTokenUsagePolicy: "OneTimeUse",
    refreshTokenRevocationPolicy: { onOneTimeTokenReuse: true },
  };
  const application = { name: "Bench", roles, loginConfiguration, oauthConfiguration, jwtConfiguration };
  return { method: "POST", url: `/api/application/${applicationId}`, body: { application } } as const;
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}
