// Fifty at once on two nodes of everything that happens once: one is told that it did, the others that they came too late.

import assert from "node:assert/strict";
import type { Cases, Place } from "../conformance.ts";
import type { Store } from "../store.ts";
import {
  apiKey,
  application,
  APPLICATION,
  filled,
  id,
  registration,
  role,
  tally,
  tenant,
  TENANT,
  times,
  user,
  USER,
  webhook,
} from "./records.ts";

type Attempt = (store: Store, index: number) => Promise<unknown>;

// For each the answer of the 49 others. Ids are other ones where it is not the id that is taken.
const INSERTS: Readonly<Record<string, [Attempt, string]>> = {
  "a tenant of one id": [
    (store, index) => store.tenants.insert(tenant(50, { name: `T${index}` })),
    "duplicate id",
  ],
  "a tenant of one name": [
    (store, index) => store.tenants.insert(tenant(100 + index, { name: "Taken" })),
    "duplicate name",
  ],
  "an application of one id": [
    (store, index) => store.applications.insert(application(51, { name: `A${index}` })),
    "duplicate id",
  ],
  "an application of one name": [
    (store, index) => store.applications.insert(application(200 + index, { name: "Taken" })),
    "duplicate name",
  ],
  "a role of one id": [
    (store, index) => store.applications.insertRole(APPLICATION, role(52, { name: `r${index}` })),
    "duplicate id",
  ],
  "a role of one name": [
    (store, index) => store.applications.insertRole(APPLICATION, role(300 + index, { name: "taken" })),
    "duplicate name",
  ],
  "a user of one id": [
    (store, index) => store.users.insert(user(53, { email: `u${index}@example.com`, username: `u${index}` })),
    "duplicate id",
  ],
  "a user of one e-mail": [
    (store, index) => store.users.insert(user(400 + index, { email: "taken@example.com" })),
    "duplicate email",
  ],
  "a user of one username": [
    (store, index) =>
      store.users.insert(user(500 + index, { username: index % 2 === 0 ? "TAKEN" : "taken" })),
    "duplicate username",
  ],
  "users who come together": [
    async (store, index) =>
      (
        await store.users.insertAll([
          { user: user(600 + index, { email: null }), registrations: [] },
          { user: user(700 + index, { email: "both@example.com" }), registrations: [] },
        ])
      ).saved,
    "duplicate email",
  ],
  "a registration for one application": [
    (store, index) => store.registrations.insert(registration(800 + index, { applicationId: id(60) })),
    "duplicate key",
  ],
  "an API key of one hash": [
    (store, index) => store.apiKeys.insert(apiKey(900 + index, { hash: "taken" })),
    "duplicate key",
  ],
  "an API key of one id": [
    (store, index) => store.apiKeys.insert(apiKey(54, { hash: `h${index}` })),
    "duplicate id",
  ],
  "a webhook of one id": [(store) => store.webhooks.insert(webhook(55)), "duplicate id"],
};

const UPDATES: Readonly<Record<string, Attempt>> = {
  "a tenant": (store, index) => store.tenants.update(tenant(1, { name: `T${index}` })),
  "an application": (store, index) => store.applications.update(application(2, { name: `A${index}` })),
  "a user": (store, index) => store.users.update(user(3, { profile: { firstName: `u${index}` } })),
  "a registration": (store, index) => store.registrations.update(registration(4, { roles: [`r${index}`] })),
  "an API key": (store, index) => store.apiKeys.update(apiKey(61, { name: `k${index}` })),
  "a webhook": (store, index) => store.webhooks.update(webhook(62, { description: `w${index}` })),
};

const DELETIONS: Readonly<Record<string, Attempt>> = {
  "an API key": (store) => store.apiKeys.delete(id(61)),
  "a webhook": (store) => store.webhooks.delete(id(62)),
  "a registration": (store) => store.registrations.delete(USER, APPLICATION),
  "a user": (store) => store.users.delete(USER),
  "an application": (store) => store.applications.delete(APPLICATION),
  "a tenant": (store) => store.tenants.delete(TENANT),
};

function atOnce({ one, two }: Place, attempt: Attempt): Promise<unknown[]> {
  return times(50, (index) => attempt(index % 2 === 0 ? one : two, index));
}

async function prepared({ one }: Place): Promise<void> {
  await filled(one);
  await one.applications.insert(application(60));
  await one.apiKeys.insert(apiKey(61));
  await one.webhooks.insert(webhook(62));
}

/** The cases of what happens once. */
export const onceCases: Cases = {
  "inserting what is unique": async (place) => {
    await prepared(place);
    for (const [what, [attempt, others]] of Object.entries(INSERTS))
      assert.deepEqual(tally(await atOnce(place, attempt)), { saved: 1, [others]: 49 }, what);
  },

  "updating one version": async (place) => {
    await prepared(place);
    for (const [what, attempt] of Object.entries(UPDATES))
      assert.deepEqual(tally(await atOnce(place, attempt)), { saved: 1, conflict: 49 }, what);
    const { one, two } = place;
    assert.equal((await one.users.find(USER))?.version, 2);
    assert.deepEqual(await two.users.find(USER), await one.users.find(USER));
  },

  deleting: async (place) => {
    await prepared(place);
    for (const [what, attempt] of Object.entries(DELETIONS))
      assert.deepEqual(tally(await atOnce(place, attempt)), { true: 1, false: 49 }, what);
  },

  "deactivating and activating, every time": async (place) => {
    await prepared(place);
    assert.deepEqual(
      tally(await atOnce(place, (store, index) => store.users.setActive(USER, index % 3 === 0, true))),
      { true: 50 },
    );
    assert.deepEqual(
      tally(
        await atOnce(place, (store, index) => store.applications.setActive(APPLICATION, index % 3 === 0)),
      ),
      { true: 50 },
    );
    const { one } = place;
    assert.deepEqual(
      [(await one.users.find(USER))?.version, (await one.applications.find(APPLICATION))?.version],
      [51, 51],
    );
  },

  "users and what they belong to, while it is deleted: none is left behind": async (place) => {
    const { one, two } = place;
    await filled(one);
    for (let number = 0; number < 10; number += 1) {
      const base = 1_000 + number * 20;
      const tenantId = id(base);
      await one.tenants.insert(tenant(base));
      const answers = await times<unknown>(10, (index) =>
        index === number
          ? two.tenants.delete(tenantId)
          : (index % 2 === 0 ? one : two).users.insert(user(base + 1 + index, { tenantId })),
      );
      assert.equal(await one.tenants.find(tenantId), null);
      for (const [index, answer] of answers.entries()) {
        if (index !== number) assert.match(String(answer), /^(?:saved|gone)$/);
        assert.equal(await two.users.find(id(base + 1 + index)), null);
      }
    }
  },
};
