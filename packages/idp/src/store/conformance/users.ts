// Users: found by what they sign in with, changed by one at a time, and their passwords.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { User } from "../records.ts";
import {
  APPLICATION,
  filled,
  found,
  id,
  password,
  registration,
  signedIn,
  tenant,
  TENANT,
  user,
  USER,
} from "./records.ts";

/** The cases of users. */
export const userCases: Cases = {
  "a user is kept whole and found by id, e-mail and username in any case, in his tenant alone": async (
    place,
  ) => {
    const { one, two } = place;
    await filled(one);
    await one.tenants.insert(tenant(7));
    const whole = user(5, {
      expiry: 5_000,
      active: false,
      verified: false,
      lastLoginInstant: 3_000,
      username: "Ünïcode",
    });
    const bare = user(6, {
      email: null,
      username: null,
      password: null,
      passwordLastUpdateInstant: null,
      profile: {},
    });
    for (const each of [whole, bare]) assert.equal(await one.users.insert(each), "saved");
    assert.deepEqual(await two.users.find(whole.id), whole);
    assert.deepEqual(await two.users.find(bare.id), bare);
    assert.deepEqual(await two.users.findByEmail(TENANT, "USER5@Example.com"), whole);
    assert.deepEqual(await two.users.findByUsername(TENANT, "üNÏCODE"), whole);
    assert.equal(await two.users.findByEmail(id(7), "user5@example.com"), null);
  },

  "e-mail and username are unique in a tenant, whatever their case": async (place) => {
    const { one: store } = place;
    await filled(store);
    await store.tenants.insert(tenant(7));
    assert.equal(await store.users.insert(user(3, { email: null, username: null })), "duplicate id");
    assert.equal(await store.users.insert(user(5, { email: "user3@example.com" })), "duplicate email");
    assert.equal(await store.users.insert(user(5, { username: "uSER3" })), "duplicate username");
    assert.equal(
      await store.users.insert(user(5, { email: "user3@example.com", username: "User3", tenantId: id(7) })),
      "saved",
    );
    assert.equal(await store.users.insert(user(6)), "saved");
    assert.equal(await store.users.update(user(6, { email: "user3@example.com" })), "duplicate email");
    assert.equal(await store.users.update(user(6, { username: "user3" })), "duplicate username");
    assert.equal(await store.users.update(user(6, { username: "USER6" })), "saved");
    assert.equal(found(await store.users.findByUsername(TENANT, "user6")).username, "USER6");
  },

  "a user comes with a registration or not at all, and many come all or none": async (place) => {
    const { one, two } = place;
    await filled(one);
    const taken = registration(4, { userId: id(5) });
    assert.equal(await one.users.insert(user(5), taken), "duplicate id");
    assert.equal(await two.users.find(id(5)), null);
    const entry = (number: number, over: Partial<User> = {}) => ({
      user: user(number, over),
      registrations: [registration(number + 100, { userId: id(number) })],
    });
    const entries = [entry(50), entry(51), entry(52, { email: "user3@example.com" }), entry(53)];
    assert.deepEqual(await one.users.insertAll(entries), { saved: "duplicate email", index: 2 });
    for (const { user: each } of entries) assert.equal(await two.users.find(each.id), null);
    assert.equal((await one.users.insertAll([entry(50), entry(51)])).saved, "saved");
    assert.notEqual(await two.registrations.find(id(51), APPLICATION), null);
    assert.equal((await one.users.insertAll([])).saved, "saved");
  },

  "an update on an old version is a conflict, and leaves alone what it does not write": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    const before = found(await two.users.find(USER));
    assert.equal(before.lastLoginInstant, clock.now);
    const more = {
      active: false,
      credentialVersion: 9,
      lastLoginInstant: 1,
      password: password({ hash: "other" }),
    };
    const next = { ...before, ...more, email: "new@example.com", profile: {}, expiry: 9, verified: false };
    assert.equal(await one.users.update(next), "saved");
    assert.equal(await two.users.update({ ...before, email: "lost@example.com" }), "conflict");
    const expected = {
      ...before,
      email: "new@example.com",
      profile: {},
      expiry: 9,
      verified: false,
      version: 2,
    };
    assert.deepEqual(await two.users.find(USER), expected);
    assert.equal(await two.users.findByEmail(TENANT, "user3@example.com"), null);
  },

  "a new password replaces the old one, and ends the sign-ins if it is to": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    clock.now += 5;
    const first = password({ scheme: "salted-sha256", hash: "h", salt: "s", factor: 20_000 });
    assert.equal(await one.users.update(user(3), { password: first, revoke: false }), "saved");
    const changed = found(await two.users.find(USER));
    assert.deepEqual(
      [changed.password, changed.credentialVersion, changed.passwordLastUpdateInstant],
      [first, 2, clock.now],
    );
    assert.equal((await two.refreshTokens.list(USER)).length, 1);
    assert.equal(await two.users.update(user(3), { password: password(), revoke: true }), "conflict");
    assert.equal((await one.refreshTokens.list(USER)).length, 1);
    assert.equal(await two.users.update(changed, { password: password(), revoke: true }), "saved");
    const ended = found(await one.refreshTokens.find(id(10))).token;
    assert.deepEqual([ended.revokedReason, ended.revokedInstant], ["password-changed", clock.now]);
  },

  "another form of the same password takes the place of that password only": async (place) => {
    const { one, two } = place;
    await filled(one);
    await one.users.update(user(3), { password: password({ hash: "second" }), revoke: false });
    await two.users.rehash(USER, 1, password({ hash: "of the first" }));
    assert.equal(found(await one.users.find(USER)).password?.hash, "second");
    await two.users.rehash(USER, 2, password({ hash: "again" }));
    const after = found(await one.users.find(USER));
    assert.deepEqual([after.password?.hash, after.credentialVersion, after.version], ["again", 2, 2]);
  },

  "of imported passwords the highest factor of each scheme of the tenant is known": async (place) => {
    const { one, two } = place;
    await filled(one);
    await one.tenants.insert(tenant(7));
    const kept = [
      ["bcrypt", 10],
      ["bcrypt", 12],
      ["salted-pbkdf2-hmac-sha256", 24_000],
      ["bcrypt", 11],
    ] as const;
    for (const [index, [scheme, factor]] of kept.entries())
      await one.users.insert(user(60 + index, { password: password({ scheme, factor }) }));
    await one.users.insert(
      user(70, { tenantId: id(7), password: password({ scheme: "bcrypt", factor: 15 }) }),
    );
    const factors = await two.users.importedFactors(TENANT);
    assert.deepEqual(Object.fromEntries(factors), { bcrypt: 12, "salted-pbkdf2-hmac-sha256": 24_000 });
  },

  "who is deactivated is, and his sign-ins end if they are to": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    assert.equal(await one.users.setActive(USER, false, false), true);
    const after = found(await two.users.find(USER));
    assert.deepEqual([after.active, after.version, after.lastUpdateInstant], [false, 2, clock.now]);
    assert.equal((await two.refreshTokens.list(USER)).length, 1);
    assert.equal(await two.users.setActive(USER, true, true), true);
    assert.equal((await one.refreshTokens.list(USER)).length, 1);
    assert.equal(await two.users.setActive(USER, false, true), true);
    assert.equal(found(await one.refreshTokens.find(id(10))).token.revokedReason, "login-prevented");
  },

  "who is deleted leaves nothing, and his e-mail is free": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    assert.equal(await one.users.delete(USER), true);
    assert.equal(await two.users.delete(USER), false);
    assert.deepEqual([await two.refreshTokens.find(id(10)), await two.registrations.list(USER)], [null, []]);
    assert.equal(await two.users.insert(user(5, { email: "user3@example.com" })), "saved");
  },
};
