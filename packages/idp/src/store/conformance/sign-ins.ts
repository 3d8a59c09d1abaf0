// Signing in: what is stored of it, and that nothing is where what it rests on has changed since the password was checked (CWE-367).

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { SignIn } from "../store.ts";
import {
  application,
  APPLICATION,
  filled,
  found,
  id,
  password,
  registration,
  REGISTRATION,
  signInOf,
  tally,
  times,
  token,
  user,
  USER,
} from "./records.ts";

/** The cases of signing in. */
export const signInCases: Cases = {
  "a sign-in is recorded with the user, the registration and the token, which is kept whole": async (
    place,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    clock.now += 7;
    const whole = token(10, clock.now, {
      secret: Buffer.from([...Array(32).keys()]),
      metaData: { scopes: ["a"], data: { b: [null] } },
    });
    assert.deepEqual(await one.refreshTokens.signIn(signInOf(whole, { registrationId: REGISTRATION })), {
      newDevice: false,
    });
    assert.deepEqual(await two.refreshTokens.find(whole.id), { token: whole, readAt: clock.now });
    const person = found(await two.users.find(USER));
    assert.deepEqual([person.lastLoginInstant, person.version], [clock.now, 1]);
    const registered = found(await two.registrations.find(USER, APPLICATION));
    assert.deepEqual([registered.lastLoginInstant, registered.version], [clock.now, 1]);
  },

  "a sign-in without a token, a registration or an application is one, too": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const bare = signInOf(token(10, clock.now), { refreshToken: null, applicationId: null });
    assert.deepEqual(await one.refreshTokens.signIn(bare), { newDevice: false });
    assert.deepEqual(await one.refreshTokens.signIn({ ...bare, saidNew: true }), { newDevice: true });
    assert.equal(found(await two.users.find(USER)).lastLoginInstant, clock.now);
    assert.deepEqual(await two.refreshTokens.list(USER), []);
    const nothing = token(11, clock.now, { lastAccessedAddress: null, metaData: {} });
    assert.notEqual(await one.refreshTokens.signIn(signInOf(nothing)), null);
    assert.deepEqual(found(await two.refreshTokens.find(id(11))).token, nothing);
  },

  "nothing is stored where anything it rests on has changed": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.applications.insert(application(5));
    await one.applications.setActive(id(5), false);
    await one.users.insert(user(6), registration(7, { userId: id(6) }));
    await one.users.insert(user(8, { active: false }));
    await one.users.insert(user(9, { expiry: clock.now }));
    const refused: Partial<SignIn>[] = [
      { credentialVersion: 2 },
      { credentialVersion: 0 },
      { userId: id(8) },
      { userId: id(9) },
      { userId: id(99) },
      { applicationId: id(5) },
      { applicationId: id(99) },
      { registrationId: id(99) },
      { registrationId: id(7) },
    ];
    for (const over of refused) {
      const signIn = signInOf(token(10, clock.now), { device: "device", ...over });
      assert.equal(await one.refreshTokens.signIn(signIn), null, JSON.stringify(over));
    }
    assert.equal(await two.refreshTokens.find(id(10)), null);
    assert.equal(await two.knownDevices.isKnown(USER, "device"), false);
    for (const each of [USER, id(6), id(8), id(9)])
      assert.equal(found(await two.users.find(each)).lastLoginInstant, null);
    await one.users.insert(user(12, { expiry: clock.now + 1 }));
    const still = signInOf(token(13, clock.now, { userId: id(12) }));
    assert.notEqual(await one.refreshTokens.signIn(still), null);
  },

  "a token that is there already stays as it is": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const first = token(10, clock.now);
    await one.refreshTokens.signIn(signInOf(first));
    const again = signInOf(token(10, clock.now, { generation: 5, keyId: "other" }));
    await assert.rejects(two.refreshTokens.signIn(again));
    assert.deepEqual(found(await two.refreshTokens.find(id(10))).token, first);
  },

  "50 sign-ins of a user at once are 50 families": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const answers = await times(50, (index) =>
      (index % 2 === 0 ? one : two).refreshTokens.signIn(
        signInOf(token(100 + index, clock.now), { registrationId: REGISTRATION }),
      ),
    );
    assert.equal(answers.filter((answer) => answer !== null).length, 50);
    assert.equal((await two.refreshTokens.list(USER)).length, 50);
  },

  "of 50 sign-ins and 50 changes of the password at once, each sign-in is refused or ended": async (
    place,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    const change = { password: password({ hash: "new" }), revoke: true };
    const [changes, signIns] = await Promise.all([
      times(50, (index) => (index % 2 === 0 ? two : one).users.update(user(3), change)),
      times(50, (index) =>
        (index % 2 === 0 ? one : two).refreshTokens.signIn(signInOf(token(100 + index, clock.now))),
      ),
    ]);
    assert.deepEqual(tally(changes), { saved: 1, conflict: 49 });
    for (const [index, signIn] of signIns.entries()) {
      const row = await one.refreshTokens.find(id(100 + index));
      assert.equal(row === null, signIn === null);
      if (row !== null) assert.equal(row.token.revokedReason, "password-changed");
    }
  },
};
