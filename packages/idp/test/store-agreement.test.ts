// SQLite and Postgres give the same answers, whatever is asked in whatever order: on the same operations both stores are compared
// answer by answer, and at the end by everything that can be read.
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newDatabase } from "../../../test/servers/running.ts";
import { query } from "../../../test/servers/postgres.ts";
import * as records from "../src/store/conformance/records.ts";
import { counter } from "../src/store/conformance/attempts.ts";
import { migrateStore, openStore } from "../src/store/open.ts";
import { TABLES } from "../src/store/postgres/migrations.ts";
import type { Store } from "../src/store/store.ts";
import type { Delivery } from "../src/store/user-event.ts";

const { id } = records;

/** One store, and what was claimed from it so far. */
interface Side {
  store: Store;
  claimed: Delivery[];
}

/** One operation; `clock` is that of both stores. */
interface Step {
  what: string;
  run(side: Side): Promise<unknown>;
  /** Milliseconds that pass before it. */
  pass: number;
  [fc.toStringMethod](): string;
}

const clock = { now: 0 };
let url = "";
let onPostgres: Store;

const told = { uuid: randomUUID, mails: true };

beforeAll(async () => {
  url = await newDatabase();
  await migrateStore(url);
  onPostgres = await openStore(url, () => clock.now, told);
});
afterAll(() => onPostgres.close());

// Few of each, so that operations meet: two tenants, three applications, three users, six tokens, two webhooks.
const one = (...values: number[]) => fc.constantFrom(...values);
const tenantId = one(1, 50).map(id);
const applicationId = one(2, 51, 52).map(id);
const userNumber = one(3, 53, 54);
const userId = userNumber.map(id);
const tokenNumber = one(60, 61, 62, 63, 64, 65);
const webhookNumber = one(70, 71);
const version = one(1, 2, 3);
const key = fc.constantFrom("a", "b", "c");
const email = fc.constantFrom("a@example.com", "b@example.com", null);
const device = fc.constantFrom("phone", "laptop", null);
const reason = fc.constantFrom("api", "logout", "reuse" as const);
const none = fc.constant(null);
const password = fc.constantFrom(
  null,
  { password: records.password({ hash: "new" }), revoke: true },
  { password: records.password({ scheme: "bcrypt", factor: 12 }), revoke: false, device: "phone" },
);
const target = fc.oneof(
  tokenNumber.map((number) => ({ id: id(number) })),
  userId.map((each) => ({ userId: each })),
  fc.record({ userId, applicationId }),
  applicationId.map((each) => ({ applicationId: each })),
);

type Operation<T> = [fc.Arbitrary<T>, (side: Side, values: T) => Promise<unknown>];
const operation = <T>(values: fc.Arbitrary<T>, run: Operation<T>[1]): Operation<T> => [values, run];

const own = (over: object): object =>
  Object.fromEntries(Object.entries(over).filter(([, value]) => value !== null));

const OPERATIONS = {
  "tenants.insert": operation(one(1, 50), ({ store }, number) =>
    store.tenants.insert(records.tenant(number)),
  ),
  "tenants.update": operation(
    fc.record({ number: one(1, 50), name: fc.constantFrom("T", "t", "U"), version }),
    ({ store }, { number, ...over }) =>
      store.tenants.update(records.tenant(number, { ...over, lastUpdateInstant: clock.now })),
  ),
  "tenants.delete": operation(one(50), ({ store }, number) => store.tenants.delete(id(number))),
  "applications.insert": operation(
    fc.record({ number: one(2, 51, 52), tenantId, name: fc.constantFrom("A", "a", "B") }),
    ({ store }, { number, ...over }) =>
      store.applications.insert(
        records.application(number, { ...over, roles: [records.role(number + 100)] }),
      ),
  ),
  "applications.update": operation(
    fc.record({ number: one(2, 51), version }),
    ({ store }, { number, ...over }) => store.applications.update(records.application(number, over)),
  ),
  "applications.setActive": operation(
    fc.record({ applicationId, active: fc.boolean() }),
    ({ store }, { applicationId: each, active }) => store.applications.setActive(each, active),
  ),
  "applications.delete": operation(applicationId, ({ store }, each) => store.applications.delete(each)),
  "applications.insertRole": operation(
    fc.record({ applicationId, number: one(102, 110, 111) }),
    ({ store }, { applicationId: each, number }) =>
      store.applications.insertRole(each, records.role(number, { name: `r${number % 2}` })),
  ),
  "users.insert": operation(
    fc.record({ number: userNumber, tenantId, email, registered: fc.boolean() }),
    ({ store }, { number, registered, ...over }) =>
      store.users.insert(
        records.user(number, over),
        registered ? records.registration(number + 30, { userId: id(number) }) : undefined,
      ),
  ),
  "users.insertAll": operation(
    fc.array(fc.record({ number: userNumber, email }), { maxLength: 3 }),
    ({ store }, users) =>
      store.users.insertAll(
        users.map(({ number, ...over }) => ({ user: records.user(number, over), registrations: [] })),
      ),
  ),
  "users.update": operation(
    fc.record({
      number: userNumber,
      version,
      email,
      username: fc.constantFrom("User3", "USER3", "other"),
      password,
      expires: fc.boolean(),
    }),
    ({ store }, { number, password: change, expires, ...over }) =>
      store.users.update(
        records.user(number, {
          ...over,
          expiry: expires ? clock.now + 50 : null,
          lastUpdateInstant: clock.now,
        }),
        change ?? undefined,
        { ipAddress: "192.0.2.1" },
      ),
  ),
  "users.rehash": operation(
    fc.record({ userId, version }),
    ({ store }, { userId: each, version: credential }) =>
      store.users.rehash(each, credential, records.password({ hash: "again" })),
  ),
  "users.setActive": operation(
    fc.record({ userId, active: fc.boolean(), revoke: fc.boolean() }),
    ({ store }, { userId: each, active, revoke }) => store.users.setActive(each, active, revoke),
  ),
  "users.delete": operation(userId, ({ store }, each) => store.users.delete(each)),
  "registrations.insert": operation(
    fc.record({ userId, applicationId, number: one(80, 81, 82) }),
    ({ store }, { number, ...over }) => store.registrations.insert(records.registration(number, over)),
  ),
  "registrations.update": operation(
    fc.record({ number: one(33, 80, 81), version }),
    ({ store }, { number, ...over }) =>
      store.registrations.update(records.registration(number, { ...over, roles: [] })),
  ),
  "registrations.delete": operation(
    fc.record({ userId, applicationId }),
    ({ store }, { userId: each, applicationId: of }) => store.registrations.delete(each, of),
  ),
  "refreshTokens.signIn": operation(
    fc.record({
      number: tokenNumber,
      userId,
      applicationId,
      credentialVersion: version,
      device,
      saidNew: fc.boolean(),
      registrationId: fc.constantFrom(null, id(33), id(80)),
      bare: fc.boolean(),
    }),
    ({ store }, { number, userId: each, applicationId: of, bare, saidNew, ...over }) => {
      const token = records.token(number, clock.now, { userId: each, applicationId: of });
      return store.refreshTokens.signIn({
        ...records.signInOf(token, own({ saidNew: saidNew || null })),
        ...over,
        ...(bare ? { refreshToken: null } : {}),
      });
    },
  ),
  "refreshTokens.find": operation(tokenNumber, ({ store }, number) => store.refreshTokens.find(id(number))),
  "refreshTokens.findRefreshable": operation(tokenNumber, ({ store }, number) =>
    store.refreshTokens.findRefreshable(id(number)),
  ),
  "refreshTokens.advance": operation(
    fc.record({ number: tokenNumber, from: version, rotates: fc.boolean(), longer: one(0, 60, 100_000_000) }),
    ({ store }, { number, from, rotates, longer }) =>
      store.refreshTokens.advance(id(number), from, {
        generation: rotates ? from + 1 : from,
        keyId: "k2",
        expiresInstant: clock.now + 40,
        endsInstant: clock.now + longer,
        lastAccessedAddress: null,
      }),
  ),
  "refreshTokens.list": operation(userId, ({ store }, each) => store.refreshTokens.list(each)),
  "refreshTokens.revoke": operation(
    fc.record({ target, reason, tenantId: fc.oneof(none, tenantId) }),
    ({ store }, { target: which, reason: why, tenantId: within }) =>
      store.refreshTokens.revoke(which, why, within),
  ),
  "refreshTokens.reused": operation(
    fc.record({ number: tokenNumber, revoke: fc.boolean() }),
    ({ store }, { number, revoke }) => store.refreshTokens.reused(id(number), revoke),
  ),
  "refreshTokens.oweRevocation": operation(userId, async ({ store }, each) => {
    await store.refreshTokens.oweRevocation(each);
    await store.refreshTokens.revokeOwed();
  }),
  "refreshTokens.sweep": operation(one(100), ({ store }, limit) => store.refreshTokens.sweep(limit)),
  "attempts.reserve": operation(fc.uniqueArray(key, { minLength: 1 }), ({ store }, keys) =>
    store.attempts.reserve(
      keys.map((each) => counter(each, each === "c" ? { countsFrom: clock.now - 30 } : {})),
    ),
  ),
  "attempts.settle": operation(
    fc.record({
      clear: fc.uniqueArray(fc.constantFrom("a"), { maxLength: 1 }),
      takeBack: fc.uniqueArray(fc.constantFrom("b", "c")),
    }),
    ({ store }, keys) => store.attempts.settle(keys),
  ),
  "attempts.sweep": operation(one(100), ({ store }, limit) => store.attempts.sweep(limit)),
  "knownDevices.isKnown": operation(
    fc.record({ userId, device: fc.constantFrom("phone", "laptop") }),
    ({ store }, { userId: each, device: which }) => store.knownDevices.isKnown(each, which),
  ),
  "apiKeys.insert": operation(
    fc.record({ number: one(90, 91), hash: fc.constantFrom("x", "y"), tenantId: fc.oneof(none, tenantId) }),
    ({ store }, { number, ...over }) => store.apiKeys.insert(records.apiKey(number, over)),
  ),
  "apiKeys.update": operation(fc.record({ number: one(90, 91), version }), ({ store }, { number, ...over }) =>
    store.apiKeys.update(records.apiKey(number, { ...over, name: "renamed" })),
  ),
  "webhooks.insert": operation(
    fc.record({ number: webhookNumber, tenantIds: fc.oneof(none, fc.uniqueArray(tenantId)) }),
    ({ store }, { number, ...over }) => store.webhooks.insert(records.webhook(number, over)),
  ),
  "webhooks.update": operation(
    fc.record({ number: webhookNumber, version }),
    ({ store }, { number, ...over }) =>
      store.webhooks.update(records.webhook(number, { ...over, events: ["user.deactivate", "user.delete"] })),
  ),
  "webhooks.delete": operation(webhookNumber, ({ store }, number) => store.webhooks.delete(id(number))),
  "outbox.due": operation(none, ({ store }) => store.outbox.due()),
  "outbox.claim": operation(
    fc.record({ receiver: fc.constantFrom(id(70), id(71), "mail"), limit: one(1, 5) }),
    async (side, { receiver, limit }) => {
      const claimed = await side.store.outbox.claim(receiver, limit, 40);
      side.claimed.push(...claimed);
      return claimed;
    },
  ),
  "outbox.finish": operation(one(0, 1, 2, 3), async ({ store, claimed }, index) => {
    const [delivery] = claimed.splice(index, 1);
    if (delivery !== undefined) await store.outbox.finish(delivery);
  }),
  "outbox.postpone": operation(
    fc.record({ index: one(0, 1, 2), delay: one(0, 20) }),
    async ({ store, claimed }, { index, delay }) => {
      const delivery = claimed[index];
      if (delivery !== undefined) await store.outbox.postpone(delivery, delay);
    },
  ),
  notes: operation(fc.record({ from: key, to: key }), async ({ store }, { from, to }) => [
    await store.replaceNote("n", from, to),
    await store.claim("n", to),
    await store.note("n"),
    await store.setNote("n", from),
  ]),
};

function stepOf<T>(what: string, [values, run]: Operation<T>): fc.Arbitrary<Step> {
  return fc.record({ value: values, pass: one(0, 0, 1, 30, 1_000) }).map(({ value, pass }) => ({
    what: `${what} ${JSON.stringify(value)}`,
    pass,
    run: (side) => run(side, value),
    [fc.toStringMethod]: () => `${what} ${JSON.stringify(value)}`,
  }));
}

const steps = Object.entries(OPERATIONS).map(([what, each]) => stepOf(what, each as Operation<unknown>));

// Numbers of deliveries have gaps where a step was undone; which of several members that are taken is named, is nowhere said.
const answered = async (step: Step, side: Side): Promise<unknown> => {
  try {
    return comparable(await step.run(side));
  } catch {
    return "refused";
  }
};

function comparable(answer: unknown): unknown {
  const text = JSON.stringify({ answer }, (name, value) => {
    if (name === "event") return { ...value, id: "of one store alone" };
    return name === "number" ? undefined : value;
  });
  return JSON.parse(text.replaceAll(/"duplicate [a-z]+"/g, '"duplicate"'));
}

async function everything({ store }: Side): Promise<unknown> {
  const users = await Promise.all([3, 53, 54].map((number) => store.users.find(id(number))));
  return {
    tenants: await store.tenants.list(),
    applications: await store.applications.list({ tenantId: null, active: true }),
    inactive: await store.applications.list({ tenantId: null, active: false }),
    users,
    registrations: await Promise.all([3, 53, 54].map((number) => store.registrations.list(id(number)))),
    tokens: await Promise.all([60, 61, 62, 63, 64, 65].map((number) => store.refreshTokens.find(id(number)))),
    factors: [...(await store.users.importedFactors(id(1)))],
    apiKeys: await store.apiKeys.list(),
    webhooks: await store.webhooks.list(),
    due: await store.outbox.due(),
  };
}

test("SQLite and Postgres answer alike", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...steps), { minLength: 1, maxLength: 60, size: "max" }),
      async (history) => {
        await query(url, `TRUNCATE ${TABLES.join(", ")} RESTART IDENTITY`);
        clock.now = 1_000_000;
        const sqlite = await openStore(":memory:", () => clock.now, told);
        const sides: [Side, Side] = [
          { store: sqlite, claimed: [] },
          { store: onPostgres, claimed: [] },
        ];
        for (const { store } of sides) {
          await records.filled(store);
          await store.webhooks.insert(records.webhook(70));
        }
        for (const [index, step] of history.entries()) {
          clock.now += step.pass;
          const [expected, actual] = [await answered(step, sides[0]), await answered(step, sides[1])];
          // The whole history where they differ.
          const before = isDeepStrictEqual(actual, expected) ? [] : history.slice(0, index + 1);
          expect({ before, answer: actual }).toEqual({ before, answer: expected });
        }
        expect(await everything(sides[1])).toEqual(await everything(sides[0]));
        await sqlite.close();
      },
    ),
    { numRuns: Number(process.env["AGREEMENT_RUNS"] ?? 40) },
  );
}, 120_000);
