// In SQLite whoever writes holds up everybody in the process: what ends a user's thousand refresh tokens does it in portions, between which
// others are answered, and nobody is told of it before all have ended.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { openStore } from "../src/store/open.ts";
import type { RevocationTarget, Store } from "../src/store/store.ts";
import {
  APPLICATION,
  drained,
  filled,
  id,
  password,
  signedIn,
  times,
  typesOf,
  user,
  USER,
  webhook,
} from "../src/store/conformance/records.ts";
import { databaseFile } from "./idp.ts";

const FAMILIES = 1_000;

/** A user of a thousand families and somebody else with one; all that happens is told to one webhook. */
async function crowded(): Promise<{ file: string; store: Store; clock: { now: number } }> {
  const clock = { now: Date.now() };
  const file = databaseFile();
  const store = await opened(file, clock);
  await filled(store);
  await store.users.insert(user(6));
  await signedIn(store, 10, clock.now, { userId: id(6) });
  await times(FAMILIES, (index) => signedIn(store, 1_000 + index, clock.now + (index % 7)));
  await store.webhooks.insert(webhook(9));
  return { file, store, clock };
}

function opened(file: string, clock: { now: number }): Promise<Store> {
  return openStore(file, () => clock.now, { uuid: randomUUID, mails: false });
}

const aliveOf = async (store: Store): Promise<number> => (await store.refreshTokens.list(USER)).length;

/** What is seen of it from outside, turn by turn, until it is done. */
async function watched(store: Store, doing: Promise<unknown>): Promise<{ alive: number; told: boolean }[]> {
  const seen: { alive: number; told: boolean }[] = [];
  const done = doing.then(() => true);
  do {
    const told = (await store.outbox.due()).length > 0;
    seen.push({ told, alive: await aliveOf(store) });
  } while (!(await Promise.race([done, new Promise<boolean>((resolve) => setImmediate(resolve, false))])));
  return seen;
}

const ways: [string, (store: Store) => Promise<unknown>][] = [
  ["is signed out of everything", (store) => store.refreshTokens.revoke({ userId: USER }, "api", null)],
  [
    "gets a new password",
    (store) => store.users.update(user(3), { password: password({ hash: "new" }), revoke: true }),
  ],
  ["is deactivated", (store) => store.users.setActive(USER, false, true)],
  ["is no longer registered", (store) => store.registrations.delete(USER, APPLICATION)],
  ["loses the application", (store) => store.applications.setActive(APPLICATION, false)],
];

test.each(ways)(
  "others are answered while a user of many families %s, and all is told at the end",
  async (_, end) => {
    const { store } = await crowded();
    const seen = await watched(store, end(store));
    expect(seen.filter(({ alive }) => alive > 0 && alive < FAMILIES).length).toBeGreaterThan(0);
    expect(seen.filter(({ alive, told }) => told && alive > 0)).toEqual([]);
    expect(await aliveOf(store)).toBe(0);
    const told = typesOf(await drained(store, id(9)));
    expect(told.filter((type) => type === "jwt.refresh-token.revoke")).toHaveLength(1);
    await store.close();
  },
);

test("what was broken off has told nobody; asked again, it ends the rest and tells once", async () => {
  const { file, store, clock } = await crowded();
  const [refused] = await Promise.allSettled([
    store.refreshTokens.revoke({ userId: USER }, "api", null),
    (async () => {
      while ((await aliveOf(store)) === FAMILIES) await new Promise(setImmediate);
      await store.close();
    })(),
  ]);
  expect(refused).toMatchObject({ status: "rejected", reason: { name: "StoreUnavailableError" } });
  const again = await opened(file, clock);
  const left = await aliveOf(again);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(FAMILIES);
  expect(await again.outbox.due()).toEqual([]);
  expect(await again.refreshTokens.revoke({ userId: USER }, "api", null)).toBe(left);
  expect(await aliveOf(again)).toBe(0);
  expect(typesOf(await drained(again, id(9)))).toEqual(["jwt.refresh-token.revoke"]);
  await again.close();
});

test("a change that somebody else was faster than ends none", async () => {
  const { store } = await crowded();
  const change = { password: password({ hash: "new" }), revoke: true };
  expect(await store.users.update(user(3, { version: 7 }), change)).toBe("conflict");
  expect(await aliveOf(store)).toBe(FAMILIES);
  await store.close();
});

test("nobody else's end, and none in another application or tenant", async () => {
  const { store, clock } = await crowded();
  const others: [RevocationTarget, string | null][] = [
    [{ userId: USER, applicationId: id(5) }, null],
    [{ userId: USER }, id(8)],
    [{ applicationId: APPLICATION }, id(8)],
  ];
  for (const [target, tenant] of others)
    expect(await store.refreshTokens.revoke(target, "api", tenant)).toBe(0);
  expect(await store.refreshTokens.revoke({ userId: USER }, "api", null)).toBe(FAMILIES);
  expect((await store.refreshTokens.find(id(10)))?.token.revokedInstant).toBeNull();
  await signedIn(store, 3_000, clock.now);
  await store.refreshTokens.oweRevocation(USER);
  await Promise.all([store.refreshTokens.revokeOwed(), store.refreshTokens.revokeOwed()]);
  expect(await aliveOf(store)).toBe(0);
  await store.close();
});
