// Sweeping: what has ended is forgotten, a bounded number at a time, by several nodes side by side; what goes on stays.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import { counter } from "./attempts.ts";
import { DAY, filled, HOUR, id, signedIn, signInOf, times, token, user } from "./records.ts";

/** The cases of sweeping. */
export const sweepCases: Cases = {
  "a token is forgotten when it ends, revoked or not, and not a moment before": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    await signedIn(one, 11, clock.now);
    await one.refreshTokens.revoke({ id: id(11) }, "api", null);
    clock.now += DAY - 1;
    assert.equal(await two.refreshTokens.sweep(10), 0);
    assert.equal((await two.refreshTokens.find(id(11)))?.token.revokedReason, "api");
    clock.now += 1;
    assert.equal(await two.refreshTokens.sweep(10), 2);
    assert.equal(await one.refreshTokens.find(id(11)), null);
  },

  "a token that is used goes on, one whose life was shortened does not": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const at = clock.now;
    await times(20, (index) => signedIn(one, 100 + index, at));
    const use = { generation: 2, keyId: "k", expiresInstant: at + 2 * DAY, lastAccessedAddress: null };
    await times(10, (index) =>
      one.refreshTokens.advance(id(100 + index), 1, { ...use, endsInstant: at + 3 * DAY }),
    );
    assert.equal(await one.refreshTokens.advance(id(110), 1, { ...use, endsInstant: at + HOUR }), true);
    clock.now = at + HOUR;
    assert.equal(await two.refreshTokens.sweep(100), 1);
    clock.now = at + DAY;
    assert.equal(await two.refreshTokens.sweep(3), 3);
    assert.equal(await two.refreshTokens.sweep(100), 6);
    assert.equal(await two.refreshTokens.sweep(100), 0);
    assert.notEqual(await one.refreshTokens.find(id(100)), null);
    clock.now = at + 3 * DAY;
    assert.equal(await two.refreshTokens.sweep(100), 10);
  },

  "several nodes that sweep side by side forget each thing once": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await times(60, (index) => signedIn(one, 100 + index, clock.now));
    await times(60, (index) => one.attempts.reserve([counter(`key ${index}`)]));
    // Told nothing by mail, which would be counted like attempts.
    for (const number of [5, 6]) await one.users.insert(user(number, { email: null }));
    for (let index = 0; index < 40; index += 1) {
      const from = signInOf(token(500 + index, clock.now), { device: `device ${index}`, refreshToken: null });
      await one.refreshTokens.signIn({ ...from, userId: id(5 + (index % 2)) });
    }
    clock.now += 401 * DAY;
    for (const [part, count] of [
      ["refreshTokens", 60],
      ["attempts", 60],
      ["knownDevices", 40],
    ] as const) {
      assert.ok((await one[part].sweep(7)) <= 7);
      const swept = await times(20, (index) => (index % 2 === 0 ? one : two)[part].sweep(7));
      const rest = await two[part].sweep(1_000);
      const sum = swept.reduce((before, each) => before + each, 0) + rest;
      assert.ok(swept.every((each) => each <= 7));
      assert.equal(sum, count - 7, part);
    }
  },

  "what still counts is not swept": async (place) => {
    const { one, two, clock } = place;
    await one.attempts.reserve([counter("a")]);
    clock.now += HOUR - 1;
    assert.equal(await two.attempts.sweep(10), 0);
    clock.now += 1;
    assert.equal(await two.attempts.sweep(10), 1);
  },
};
