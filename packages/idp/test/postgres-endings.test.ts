// What ends all sign-ins of an application on Postgres: however many there are, and while others sign in without a pause.
import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test, vi } from "vitest";
import { query } from "../../../test/servers/postgres.ts";
import { newDatabase } from "../../../test/servers/running.ts";
import {
  APPLICATION,
  filled,
  HOUR,
  id,
  signInOf,
  TENANT,
  token,
  USER,
  user,
} from "../src/store/conformance/records.ts";
import { openStore } from "../src/store/open.ts";
import type { Store } from "../src/store/store.ts";

const told = { uuid: randomUUID, mails: false };

async function opened(url: string): Promise<Store> {
  const store = await openStore(url, null, told);
  onTestFinished(() => store.close());
  return store;
}

/** A store whose statements may take no longer than a tenth of a second, with more sign-ins than end in that time. */
async function crowded(): Promise<{ store: Store; living: () => Promise<unknown> }> {
  const url = await newDatabase();
  await filled(await opened(url));
  const store = await opened(`${url}?statement_timeout=100`);
  const now = store.now();
  const ends = now + HOUR;
  await query(
    url,
    `INSERT INTO refresh_tokens (id, tenant_id, application_id, user_id, secret, key_id, generation, started, rotated,
       expires, ends, sweep_at, meta_data, accessed)
     SELECT gen_random_uuid()::text, '${TENANT}', '${APPLICATION}', '${USER}', '\\x00', 'k', 1, ${now}, ${now},
       ${ends}, ${ends}, ${ends}, '{}', ${now} FROM generate_series(1, 15000)`,
  );
  const living = async (): Promise<unknown> =>
    (await query(url, "SELECT count(*)::int AS count FROM refresh_tokens WHERE revoked IS NULL"))[0];
  return { store, living };
}

test("all sign-ins of an application end, however many there are: revoked, deactivated, deleted, with the tenant", async () => {
  const endings: ((store: Store) => Promise<unknown>)[] = [
    ({ refreshTokens }) => refreshTokens.revoke({ applicationId: APPLICATION }, "restored", null),
    ({ applications }) => applications.setActive(APPLICATION, false),
    ({ applications }) => applications.delete(APPLICATION),
    ({ tenants }) => tenants.delete(TENANT),
  ];
  for (const end of endings) {
    const { store, living } = await crowded();
    expect([15_000, true]).toContain(await end(store));
    expect(await living()).toEqual({ count: 0 });
  }
}, 120_000);

test("an application to which people sign in without a pause is changed and deactivated at once, and nobody signs in after", async () => {
  const url = await newDatabase();
  const stores = await Promise.all(Array.from({ length: 3 }, () => opened(url)));
  const [store] = stores;
  if (store === undefined) throw new Error("There is no store");
  await filled(store);
  const people = Array.from({ length: 27 }, (_, index) => id(1_000 + index));
  await Promise.all(people.map((_, index) => store.users.insert(user(1_000 + index))));
  let number = 10_000;
  const over = new AbortController();
  const signIns = people.map(async (userId, index) => {
    const { refreshTokens } = stores[index % stores.length] ?? store;
    while (!over.signal.aborted) {
      number += 1;
      const signIn = signInOf(token(number, store.now(), { userId }));
      if ((await refreshTokens.signIn(signIn)) === null) return;
    }
  });
  await vi.waitUntil(() => number > 10_200, 20_000);
  const administrator = await opened(url);
  try {
    const application = await administrator.applications.find(APPLICATION);
    if (application === null) throw new Error("There is no application");
    expect(await administrator.applications.update({ ...application, sealedSecret: "another" })).toBe(
      "saved",
    );
    expect(await administrator.applications.setActive(APPLICATION, false)).toBe(true);
    await Promise.all(signIns);
    for (const userId of people) expect(await store.refreshTokens.list(userId)).toEqual([]);
  } finally {
    over.abort();
    await Promise.allSettled(signIns);
  }
}, 60_000);
