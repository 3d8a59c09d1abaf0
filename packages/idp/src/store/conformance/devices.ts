// The devices a user has signed in from: known from then on, the 50 last used, for 400 days, until the password changes.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { Store } from "../store.ts";
import { DAY, filled, found, id, password, signInOf, tally, times, token, user, USER } from "./records.ts";

async function signInFrom(store: Store, device: string, over: object = {}): Promise<boolean> {
  const signIn = signInOf(token(10, 0), { device, refreshToken: null, ...over });
  return found(await store.refreshTokens.signIn(signIn)).newDevice;
}

/** The cases of devices. */
export const deviceCases: Cases = {
  "a device is known once it has signed in, to its user alone; it is new where he has others": async (
    place,
  ) => {
    const { one, two } = place;
    await filled(one);
    await one.users.insert(user(5));
    assert.equal(await signInFrom(one, "first"), false);
    assert.equal(await signInFrom(two, "first"), false);
    assert.equal(await signInFrom(one, "second"), true);
    assert.equal(await signInFrom(two, "second"), false);
    assert.deepEqual(
      [await two.knownDevices.isKnown(USER, "first"), await one.knownDevices.isKnown(USER, "third")],
      [true, false],
    );
    assert.equal(await one.knownDevices.isKnown(id(5), "first"), false);
    assert.equal(await signInFrom(one, "first", { userId: id(5) }), false);
  },

  "of 50 sign-ins at once from a device it is new to one": async (place) => {
    const { one, two } = place;
    await filled(one);
    await signInFrom(one, "first");
    const answers = await times(50, (index) => signInFrom(index % 2 === 0 ? one : two, "second"));
    assert.deepEqual(tally(answers), { true: 1, false: 49 });
  },

  "of 60 devices the 50 last used are known": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    for (let index = 0; index < 60; index += 1) {
      clock.now += 1;
      await signInFrom(index % 2 === 0 ? one : two, `device ${index}`);
      // The very first one is in use all the time.
      await signInFrom(one, "device 0");
    }
    const known = await times(60, (index) => two.knownDevices.isKnown(USER, `device ${index}`));
    assert.deepEqual(
      known.flatMap((isKnown, index) => (isKnown ? [] : [index])),
      Array.from({ length: 10 }, (_, index) => index + 1),
    );
  },

  "a device that was not used for 400 days is not known, nor is it another one": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signInFrom(one, "first");
    clock.now += 400 * DAY - 1;
    assert.equal(await two.knownDevices.isKnown(USER, "first"), true);
    assert.equal(await one.knownDevices.sweep(10), 0);
    clock.now += 1;
    assert.equal(await two.knownDevices.isKnown(USER, "first"), false);
    assert.equal(await signInFrom(two, "second"), false);
    assert.equal(await one.knownDevices.sweep(10), 1);
    assert.equal(await two.knownDevices.isKnown(USER, "second"), true);
  },

  "a new password forgets all but the one on which it was chosen": async (place) => {
    const { one, two } = place;
    await filled(one);
    for (const device of ["first", "second"]) await signInFrom(one, device);
    const change = { password: password(), revoke: false };
    assert.equal(await two.users.update(user(3), { ...change, device: "second" }), "saved");
    assert.deepEqual(
      [await one.knownDevices.isKnown(USER, "first"), await one.knownDevices.isKnown(USER, "second")],
      [false, true],
    );
    assert.equal(await one.users.update(user(3, { version: 2 }), change), "saved");
    assert.equal(await two.knownDevices.isKnown(USER, "second"), false);
  },
};
