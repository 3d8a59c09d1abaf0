// What is not there: reads say so, changes change nothing and say so, and none of them creates.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { Delivery } from "../user-event.ts";
import {
  apiKey,
  application,
  APPLICATION,
  filled,
  id,
  password,
  registration,
  role,
  signInOf,
  tenant,
  TENANT,
  token,
  user,
  USER,
  webhook,
} from "./records.ts";

const nobody = id(99);

/** The cases of what is absent. */
export const absentCases: Cases = {
  "reads answer null or an empty list": async (place) => {
    const { one: store } = place;
    assert.deepEqual(await store.tenants.list(), []);
    await filled(store);
    const reads = [
      store.tenants.find(nobody),
      store.applications.find(nobody),
      store.users.find(nobody),
      store.users.findByEmail(TENANT, "nobody@example.com"),
      store.users.findByEmail(nobody, "user3@example.com"),
      store.users.findByUsername(TENANT, "nobody"),
      store.users.findByUsername(nobody, "User3"),
      store.registrations.find(USER, nobody),
      store.registrations.find(nobody, APPLICATION),
      store.refreshTokens.find(nobody),
      store.refreshTokens.findRefreshable(nobody),
      store.apiKeys.find(nobody),
      store.apiKeys.findByHash("no hash"),
      store.webhooks.find(nobody),
      store.note("none"),
    ];
    for (const read of reads) assert.equal(await read, null);
    const lists = [
      store.applications.list({ tenantId: nobody, active: true }),
      store.applications.list({ tenantId: null, active: false }),
      store.registrations.list(nobody),
      store.refreshTokens.list(nobody),
      store.apiKeys.list(),
      store.signingKeys.list(),
      store.webhooks.list(),
      store.outbox.due(),
      store.outbox.claim("mail", 10, 1_000),
    ];
    for (const list of lists) assert.deepEqual(await list, []);
    assert.deepEqual([...(await store.users.importedFactors(nobody))], []);
    assert.equal(await store.knownDevices.isKnown(nobody, "device"), false);
  },

  "an update never creates": async (place) => {
    const { one: store } = place;
    await filled(store);
    assert.equal(await store.tenants.update(tenant(99)), "conflict");
    assert.equal(await store.applications.update(application(99)), "conflict");
    assert.equal(await store.users.update(user(99), { password: password(), revoke: true }), "conflict");
    assert.equal(await store.registrations.update(registration(99)), "conflict");
    assert.equal(await store.apiKeys.update(apiKey(99)), "conflict");
    assert.equal(await store.webhooks.update(webhook(99)), "conflict");
    assert.equal(await store.replaceNote("none", "a", "b"), false);
    await store.users.rehash(nobody, 1, password());
    await store.signingKeys.reseal("no kid", "sealed");
    for (const read of [store.tenants, store.applications, store.users, store.apiKeys, store.webhooks])
      assert.equal(await read.find(nobody), null);
    assert.equal(await store.note("none"), null);
    assert.deepEqual(await store.signingKeys.list(), []);
  },

  "a change of what is not there says so": async (place) => {
    const { one: store } = place;
    await filled(store);
    assert.equal(await store.tenants.delete(nobody), false);
    assert.equal(await store.applications.setActive(nobody, false), false);
    assert.equal(await store.applications.delete(nobody), false);
    assert.equal(await store.users.setActive(nobody, false, true), false);
    assert.equal(await store.users.delete(nobody), false);
    assert.equal(await store.registrations.delete(USER, nobody), false);
    assert.equal(await store.registrations.delete(nobody, APPLICATION), false);
    assert.equal(await store.apiKeys.delete(nobody), false);
    assert.equal(await store.signingKeys.retire("no kid"), false);
    assert.equal(await store.webhooks.delete(nobody), false);
    assert.equal(await store.clearIf("none", "a"), false);
    assert.notEqual(await store.users.find(USER), null);
  },

  "of tokens, attempts, devices and deliveries that are not there nothing becomes of anything": async (
    place,
  ) => {
    const { one: store, clock } = place;
    const { refreshTokens, attempts, outbox } = store;
    await filled(store);
    const use = { generation: 2, keyId: "k", expiresInstant: 1, endsInstant: 1, lastAccessedAddress: null };
    assert.equal(await refreshTokens.advance(nobody, 1, use), false);
    assert.equal(await refreshTokens.reused(nobody, true), 0);
    for (const target of [{ id: nobody }, { userId: nobody }, { applicationId: nobody }])
      assert.equal(await refreshTokens.revoke(target, "api", null), 0);
    const signIn = signInOf(token(10, clock.now, { userId: nobody }));
    assert.equal(await refreshTokens.signIn(signIn), null);
    assert.equal(await refreshTokens.find(id(10)), null);
    await attempts.settle({ clear: ["none"], takeBack: ["none"] });
    await refreshTokens.oweRevocation(nobody);
    await refreshTokens.revokeOwed();
    const event = { id: id(50), type: "user.delete", createInstant: 0, tenantId: TENANT, info: {} } as const;
    const delivery: Delivery = { number: 99, receiver: "mail", event, writtenInstant: 0, attempts: 1 };
    await outbox.finish(delivery);
    await outbox.postpone(delivery, 1_000);
    assert.deepEqual(await outbox.due(), []);
    for (const sweeping of [refreshTokens, attempts, store.knownDevices])
      assert.equal(await sweeping.sweep(10), 0);
  },

  "what belongs to what is not there is gone before it came": async (place) => {
    const { one: store } = place;
    await filled(store);
    const { tenants: _, ...parts } = store;
    assert.equal(await parts.applications.insert(application(90, { tenantId: nobody })), "gone");
    assert.equal(await parts.applications.insertRole(nobody, role(91)), "gone");
    assert.equal(await parts.users.insert(user(92, { tenantId: nobody })), "gone");
    assert.equal(
      await parts.users.insert(user(93), registration(94, { userId: id(93), applicationId: nobody })),
      "gone",
    );
    assert.equal(await parts.users.find(id(93)), null);
    assert.equal(await parts.registrations.insert(registration(95, { userId: nobody })), "gone");
    assert.equal(await parts.apiKeys.insert(apiKey(96, { tenantId: nobody })), "gone");
    assert.equal(await parts.applications.find(id(90)), null);
    assert.equal(await parts.apiKeys.find(id(96)), null);
  },
};
