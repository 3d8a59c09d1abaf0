// npm run scaling: what docs/scaling.md calculates with. CPU of a use of a session, of a sign-in, of a refresh and of an outbox row, and the
// bytes that each kind of record takes, on real servers of its own. A minute or so; no part of npm test. A busy machine makes the calls/s
// smaller and hardly changes CPU a call, which is counted by the process and not by the clock on the wall.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createIdp, type Idp } from "../packages/idp/src/index.ts";
import * as records from "../packages/idp/src/store/conformance/records.ts";
import { openStore } from "../packages/idp/src/store/open.ts";
import { memoryStore, sqliteStore } from "../packages/session/src/index.ts";
import { postgresStore } from "../packages/session/src/store/postgres.ts";
import { redisStore } from "../packages/session/src/store/redis.ts";
import type { SessionRecord, SessionStore, SignInRecord, User } from "../packages/session/src/store/store.ts";
import { type Costs, inFlight, measured, report, tableBytes, walBytes } from "./scaling-costs.ts";
import { type PostgresServer, startPostgres } from "./servers/postgres.ts";
import { type RedisServer, startRedis } from "./servers/redis.ts";

const IN_FLIGHT = 64;
// Fewer than the provider's ten connections have places for behind them.
const REFRESHING = 32;
const KEPT = 20_000;
// Each waits for the disk by itself.
const SIGN_INS_IN_SQLITE = 4_000;
const KEPT_IN_REDIS = 10_000;
// Fewer, since signing in is several statements.
const PEOPLE = 3_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const APPLICATION = "5d562fea-9ba9-4d5c-b4a3-e57bb254d6db";
const SECRET = randomBytes(32).toString("base64url");
const API_KEY = randomBytes(32).toString("base64url");
const PASSWORD = "correct horse battery staple";

const begun = performance.now();
const folder = mkdtempSync(join(tmpdir(), "latchkey-scaling-"));
const redis = await startRedis();
// Of the provider, commits are measured, so they go to the disk. Whole pages in the WAL depend on how seldom there is a checkpoint.
const durable = await startPostgres({ durable: true, settings: ["full_page_writes=off"] });
const postgres = await startPostgres();
try {
  const model = cpus()[0]?.model.trim() ?? "";
  console.log(`${new Date().toISOString()}, Node ${process.version}, ${cpus().length} cores, ${model}`);
  console.log(`load when it began: ${loadavg()[0]?.toFixed(1)}\n`);
  console.log(
    `${"".padEnd(64)}${["own µs", "server µs", "calls/s", "WAL bytes"].map((title) => title.padStart(12)).join("")}`,
  );
  await usesOfSessions(redis, postgres);
  await providers(durable);
  await bytesOfSessions(redis, postgres);
  await bytesOfProvider(postgres);
  console.log(
    `\nload at the end: ${loadavg()[0]?.toFixed(1)}; ${((performance.now() - begun) / 1_000).toFixed(0)} s`,
  );
} finally {
  await Promise.all([redis.remove(), postgres.remove(), durable.remove()]);
  rmSync(folder, { recursive: true, force: true });
}

async function usesOfSessions(redis: RedisServer, postgres: PostgresServer): Promise<void> {
  const stores: [string, SessionStore, number | null][] = [
    ["memory", memoryStore(), null],
    ["SQLite", sqliteStore({ path: join(folder, "uses.sqlite") }), null],
    ["Redis", redisStore({ url: redis.url, application: "uses" }), redis.pid],
    ["Postgres", postgresStore({ url: await postgres.database() }), postgres.pid],
  ];
  for (const [name, store, server] of stores) {
    const hashes = await keptSessions(store, 2_000);
    const use = async (index: number) => {
      const used = await store.useSession(hashes[index % hashes.length] ?? "", Date.now(), 30 * MINUTE);
      if (used === null) throw new Error("A session is gone");
    };
    await inFlight(2_000, IN_FLIGHT, use);
    await measured(`use of a session, ${name}`, 10_000, IN_FLIGHT, { server }, use);
    await keptSignIns(store, 500);
    await measured(`renewal at the store, ${name}`, 500, IN_FLIGHT, { server }, (index) =>
      renewal(store, index),
    );
    await store.close();
  }
}

async function providers(postgres: PostgresServer): Promise<void> {
  await provider("SQLite", join(folder, "idp.sqlite"), null);
  await provider("Postgres", await postgres.database(), postgres);
}

async function provider(name: string, database: string, postgres: PostgresServer | null): Promise<void> {
  const idp = await createIdp({
    database,
    issuer: "http://localhost",
    keys: [{ id: "k1", secret: randomBytes(32).toString("base64url") }],
    kickstart: { apiKeys: [{ key: API_KEY }], requests: [theApplication()] },
  });
  const server = postgres?.pid ?? null;
  const wal = postgres === null ? null : () => walBytes(postgres.url);
  try {
    await inFlight(REFRESHING, 8, (index) => registered(idp, index));
    const tokens: string[] = [];
    const signIn = async (index: number) => {
      tokens[index % REFRESHING] = await signedIn(idp, index % REFRESHING);
    };
    await inFlight(8, 8, signIn);
    await measured(`sign-in, ${name}`, 2 * REFRESHING, 8, { server, wal }, signIn);
    // Each family is exchanged by one lane alone: two at once would be a repetition, which is no rotation.
    const rotate = async (index: number) => {
      const lane = index % REFRESHING;
      tokens[lane] = await refreshed(idp, tokens[lane] ?? "");
    };
    await inFlight(96, REFRESHING, rotate);
    await measured(`refresh with rotation, ${name}`, 800, REFRESHING, { server, wal }, rotate);
  } finally {
    await idp.close();
  }
  await outbox(name, database, { server, wal });
}

// The calls of renewal.ts and live-session.ts to the store, from the judgement to the first page with the new session.
async function renewal(store: SessionStore, index: number): Promise<void> {
  const before = await store.readSignIn(idOf(index));
  if (before === null) throw new Error("A sign-in is gone");
  const current = newHash();
  await store.insertSession(sessionOf(current, before.id));
  const renewed = { ...before, version: before.version + 1, current, previous: before.current };
  await store.updateSignIn(renewed);
  await store.readSignIn(before.id);
  await store.deleteSession(before.current);
  await store.readSignIn(before.id);
  await store.updateSignIn({ ...renewed, version: renewed.version + 1, presentedAt: Date.now() });
  await store.readSignIn(before.id);
  await store.updateSession({ ...sessionOf(current, before.id), presented: true });
}

// What it costs to end all of somebody's sign-ins, with nobody to tell it to and with one receiver.
async function outbox(name: string, database: string, of: Costs): Promise<void> {
  const store = await openStore(database, null, { uuid: randomUUID, mails: false });
  try {
    const [tenant] = await store.tenants.list();
    const users = await Promise.all(
      Array.from({ length: REFRESHING }, (_, index) =>
        store.users.findByEmail(tenant?.id ?? "", emailOf(index)),
      ),
    );
    const end = async (index: number) => {
      const userId = users[index % REFRESHING]?.id ?? "";
      await store.refreshTokens.revoke({ userId }, "api", null);
    };
    await inFlight(REFRESHING, 8, end);
    await measured(`ending, nobody listens, ${name}`, 300, 8, of, end);
    await store.webhooks.insert(records.webhook(1));
    await measured(`ending, one outbox row, ${name}`, 300, 8, of, end);
  } finally {
    await store.close();
  }
  if (of.server !== null) await tableBytes(database, ["outbox"], 300);
}

async function bytesOfSessions(redis: RedisServer, postgres: PostgresServer): Promise<void> {
  await bytesInRedis(redis);
  for (const [what, keep] of [
    ["session", keptSessions],
    ["sign-in", keptSignIns],
  ] as const) {
    const path = join(folder, `${what}.sqlite`);
    const store = sqliteStore({ path });
    const count = what === "session" ? KEPT : SIGN_INS_IN_SQLITE;
    await keep(store, count);
    await store.close();
    report(`bytes of a ${what}, SQLite`, [statSync(path).size / count, 0]);
  }
  const url = await postgres.database();
  const store = postgresStore({ url });
  await keptSessions(store, KEPT);
  await keptSignIns(store, KEPT);
  await store.close();
  await tableBytes(url, ["latchkey.sessions", "latchkey.sign_ins"], KEPT);
}

async function bytesInRedis(redis: RedisServer): Promise<void> {
  const client = new Redis(redis.url);
  await client.flushall();
  const store = redisStore({ url: redis.url, application: "bytes" });
  for (const [what, keep] of [
    ["s", keptSessions],
    ["i", keptSignIns],
  ] as const) {
    const before = await usedMemory(client);
    await keep(store, KEPT_IN_REDIS);
    const all = ((await usedMemory(client)) - before) / KEPT_IN_REDIS;
    const keys = await client.keys(`latchkey:bytes:${what}:*`);
    const sizes = await Promise.all(keys.map((key) => client.memory("USAGE", key)));
    const each = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / sizes.length;
    const name = what === "s" ? "session" : "sign-in";
    report(`bytes of a ${name}, Redis: the record; all included`, [each, 0], [all, 0]);
  }
  await store.close();
  client.disconnect();
}

async function usedMemory(client: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
}

async function bytesOfProvider(postgres: PostgresServer): Promise<void> {
  const path = join(folder, "people.sqlite");
  await people(path);
  report("bytes of user + registration + family, SQLite", [statSync(path).size / PEOPLE, 0]);
  const url = await postgres.database();
  await people(url);
  await tableBytes(url, ["users", "registrations", "refresh_tokens"], PEOPLE);
}

// One registration and one family each, with ids as they are drawn and a password as long as they are.
async function people(database: string): Promise<void> {
  const store = await openStore(database, null, { uuid: randomUUID, mails: false });
  await records.filled(store);
  const hash = `$argon2id$v=19$m=19456,t=2,p=1$${"s".repeat(22)}$${"h".repeat(43)}`;
  const everybody = Array.from({ length: PEOPLE }, (_, index) => {
    const user = records.user(index + 100, { id: randomUUID(), password: records.password({ hash }) });
    return { user, registrations: [records.registration(0, { id: randomUUID(), userId: user.id })] };
  });
  for (let from = 0; from < PEOPLE; from += 500)
    await store.users.insertAll(everybody.slice(from, from + 500));
  const family = { metaData: { device: { name: "Firefox on Linux", type: "BROWSER" } } };
  // The pool has places for so many; SQLite writes what is asked for at once together.
  await inFlight(PEOPLE, database.startsWith("postgres") ? 48 : 500, async (index) => {
    const userId = everybody[index]?.user.id ?? "";
    const token = records.token(index, Date.now(), { id: randomUUID(), userId, ...family });
    const signedIn = await store.refreshTokens.signIn(records.signInOf(token));
    if (signedIn === null) throw new Error("A sign-in was refused");
  });
  await store.close();
}

async function keptSessions(store: SessionStore, count: number): Promise<string[]> {
  const hashes = Array.from({ length: count }, newHash);
  await inFlight(count, IN_FLIGHT, (index) =>
    store.insertSession(sessionOf(hashes[index] ?? "", randomUUID())),
  );
  return hashes;
}

async function keptSignIns(store: SessionStore, count: number): Promise<void> {
  await inFlight(count, IN_FLIGHT, (index) => store.insertSignIn(signInOf(idOf(index))));
}

function sessionOf(hash: string, signInId: string): SessionRecord {
  const now = Date.now();
  const times = { authenticatedAt: now, vouchedAt: now, questionedAt: 0 };
  const limits = { expiresAt: now + 30 * MINUTE, absoluteExpiresAt: now + 30 * DAY };
  return { hash, signInId, user: userOf(signInId), ...times, ...limits, presented: true };
}

function signInOf(id: string): SignInRecord {
  const now = Date.now();
  return {
    id,
    version: 0,
    application: "store",
    user: userOf(id),
    device: { name: "Firefox on Linux", address: "192.0.2.1" },
    authenticatedAt: now,
    absoluteExpiresAt: now + 30 * DAY,
    remembered: true,
    current: newHash(),
    previous: newHash(),
    attempt: 0,
    renewedAt: now,
    mintedAt: now,
    mintedFor: "192.0.2.1",
    presentedAt: now,
    ended: null,
    revocationOwed: false,
  };
}

function userOf(id: string): User {
  return { id, email: `${id.slice(0, 8)}@example.com`, fullName: "Ada Lovelace", roles: ["customer"] };
}

function newHash(): string {
  return randomBytes(32).toString("base64url");
}

// As long as a drawn one and as scattered, yet the same for the same number.
function idOf(index: number): string {
  const hex = createHash("sha256").update(String(index)).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function theApplication() {
  const loginConfiguration = { allowTokenRefresh: true, generateRefreshTokens: true };
  const oauthConfiguration = { clientSecret: SECRET, enabledGrants: ["refresh_token"] };
  const application = {
    name: "Store",
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration,
    oauthConfiguration,
  };
  return { method: "POST", url: `/api/application/${APPLICATION}`, body: { application } } as const;
}

function emailOf(index: number): string {
  return `person${index}@example.com`;
}

async function registered(idp: Idp, index: number): Promise<void> {
  const user = { email: emailOf(index), password: PASSWORD, firstName: "Ada" };
  const registration = { applicationId: APPLICATION };
  await asked(idp, "/api/user/registration", JSON.stringify({ user, registration }));
}

async function signedIn(idp: Idp, index: number): Promise<string> {
  const credentials = { loginId: emailOf(index), password: PASSWORD, applicationId: APPLICATION };
  const answer = await asked(idp, "/api/login", JSON.stringify(credentials));
  return String(answer["refreshToken"]);
}

async function refreshed(idp: Idp, token: string): Promise<string> {
  const grant = {
    grant_type: "refresh_token",
    refresh_token: token,
    client_id: APPLICATION,
    client_secret: SECRET,
  };
  const answer = await asked(idp, "/oauth2/token", new URLSearchParams(grant));
  return String(answer["refresh_token"]);
}

async function asked(
  idp: Idp,
  path: string,
  body: string | URLSearchParams,
): Promise<Record<string, unknown>> {
  const headers =
    typeof body === "string" ? { authorization: API_KEY, "content-type": "application/json" } : {};
  const response = await idp.fetch(new Request(`http://localhost${path}`, { method: "POST", headers, body }));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
