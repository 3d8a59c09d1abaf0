// API keys and the provider's signing keys.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import { apiKey, DAY, filled, found, id, signingKey, TENANT, times } from "./records.ts";

/** The cases of keys. */
export const keyCases: Cases = {
  "an API key is kept whole, found by its hash, and goes with its tenant": async (place) => {
    const { one, two } = place;
    await filled(one);
    const whole = apiKey(5, { keyManager: true, tenantId: TENANT, expirationInstant: 9_000, sample: true });
    const other = apiKey(6, { name: null, permissions: {}, metaData: {}, insertInstant: 500 });
    for (const each of [whole, other]) assert.equal(await one.apiKeys.insert(each), "saved");
    assert.equal(await two.apiKeys.insert(apiKey(5, { hash: "another" })), "duplicate id");
    assert.equal(await two.apiKeys.insert(apiKey(7, { hash: whole.hash })), "duplicate key");
    assert.deepEqual(await two.apiKeys.findByHash(whole.hash), whole);
    assert.deepEqual(await two.apiKeys.find(other.id), other);
    assert.deepEqual(await two.apiKeys.list(), [other, whole]);
    await two.tenants.delete(TENANT);
    assert.deepEqual(await one.apiKeys.list(), [other]);
  },

  "an API key is changed by one at a time, and deleted once": async (place) => {
    const { one, two } = place;
    const before = apiKey(5);
    await one.apiKeys.insert(before);
    const next = {
      ...before,
      name: "Renamed",
      permissions: {},
      expirationInstant: 7,
      lastUpdateInstant: 3_000,
    };
    assert.equal(await one.apiKeys.update(next), "saved");
    assert.equal(await two.apiKeys.update({ ...before, name: "Lost" }), "conflict");
    assert.deepEqual(await two.apiKeys.find(before.id), { ...next, version: 2 });
    assert.deepEqual(
      [await one.apiKeys.delete(before.id), await two.apiKeys.delete(before.id)],
      [true, false],
    );
    assert.equal(await two.apiKeys.findByHash(before.hash), null);
    assert.equal(await two.apiKeys.find(id(5)), null);
  },

  "a new signing key signs, those before it verify until their time is over": async (place) => {
    const { one, two, clock } = place;
    await one.signingKeys.insert(signingKey(1), clock.now + 10);
    await two.signingKeys.insert(signingKey(2), clock.now + 20);
    await one.signingKeys.insert(signingKey(3, { algorithm: "EdDSA" }), clock.now + 30);
    const kids = async (): Promise<string[]> => (await two.signingKeys.list()).map(({ kid }) => kid);
    assert.deepEqual(await kids(), ["kid-3", "kid-2", "kid-1"]);
    const [newest, second, first] = await one.signingKeys.list();
    assert.deepEqual(newest, signingKey(3, { algorithm: "EdDSA" }));
    assert.deepEqual([second?.verifiesUntil, first?.verifiesUntil], [clock.now + 30, clock.now + 20]);
    clock.now += 20;
    assert.deepEqual(await kids(), ["kid-3", "kid-2"]);
    clock.now += 10;
    assert.deepEqual(await kids(), ["kid-3"]);
  },

  // Without the key that signs, every refresh would be answered 500 until the ring is read again.
  "a signing key that no other has replaced is listed also while the clock moves on": async (place) => {
    const { one, clock } = place;
    await one.signingKeys.insert(signingKey(1), clock.now);
    const restless = await place.open(() => clock.now++);
    assert.deepEqual(await restless.signingKeys.list(), [signingKey(1)]);
  },

  "a signing key is sealed anew, and retired": async (place) => {
    const { one, two, clock } = place;
    await one.signingKeys.insert(signingKey(1), clock.now);
    await one.signingKeys.insert(signingKey(2), clock.now + 10);
    await two.signingKeys.reseal("kid-1", "sealed anew");
    assert.deepEqual(found((await one.signingKeys.list()).at(-1)).sealedPrivateKey, "sealed anew");
    assert.deepEqual(
      [await two.signingKeys.retire("kid-1"), await one.signingKeys.retire("kid-1")],
      [true, false],
    );
    assert.deepEqual(
      (await one.signingKeys.list()).map(({ kid }) => kid),
      ["kid-2"],
    );
  },

  "where the newest signing key is retired, the one before it has no end any more": async (place) => {
    const { one, two, clock } = place;
    for (const number of [1, 2, 3]) await one.signingKeys.insert(signingKey(number), clock.now + number * 10);
    assert.equal(await two.signingKeys.retire("kid-3"), true);
    const ends = (await one.signingKeys.list()).map(({ kid, verifiesUntil }) => [kid, verifiesUntil]);
    assert.deepEqual(ends, [
      ["kid-2", null],
      ["kid-1", clock.now + 20],
    ]);
    assert.equal(await two.signingKeys.retire("kid-1"), true);
    clock.now += DAY * 365;
    assert.deepEqual(await one.signingKeys.list(), [signingKey(2)]);
  },

  "of 50 new signing keys at once one is the newest, and all verify": async (place) => {
    const { one, two, clock } = place;
    await times(50, (index) =>
      (index % 2 === 0 ? one : two).signingKeys.insert(signingKey(index), clock.now + 10),
    );
    const keys = await one.signingKeys.list();
    assert.equal(keys.length, 50);
    assert.equal(keys.filter(({ verifiesUntil }) => verifiesUntil === null).length, 1);
    assert.deepEqual(await two.signingKeys.list(), keys);
  },
};
