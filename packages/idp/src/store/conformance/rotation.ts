// The compare-and-set that every rotation goes through, and reading a family.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { TokenUse } from "../store.ts";
import {
  APPLICATION,
  DAY,
  filled,
  found,
  HOUR,
  id,
  signedIn,
  tally,
  TENANT,
  times,
  USER,
} from "./records.ts";

const useAt = (now: number, over: Partial<TokenUse> = {}): TokenUse => ({
  generation: 2,
  keyId: "k2",
  expiresInstant: now + HOUR,
  endsInstant: now + 2 * DAY,
  lastAccessedAddress: "192.0.2.2",
  ...over,
});

/** The cases of rotation. */
export const rotationCases: Cases = {
  "a use is written as it is, and stamped by the store's clock": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const before = await signedIn(one, 10, clock.now);
    clock.now += 10;
    const use = useAt(clock.now);
    assert.equal(await one.refreshTokens.advance(before.id, 1, use), true);
    const expected = { ...before, ...use, rotatedInstant: clock.now, lastAccessedInstant: clock.now };
    assert.deepEqual(await two.refreshTokens.find(before.id), { token: expected, readAt: clock.now });
  },

  "the grace's instant moves with the generation only": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const before = await signedIn(one, 10, clock.now);
    clock.now += 10;
    assert.equal(await two.refreshTokens.advance(before.id, 1, useAt(clock.now, { generation: 1 })), true);
    const same = found(await one.refreshTokens.find(before.id)).token;
    assert.deepEqual([same.rotatedInstant, same.lastAccessedInstant], [clock.now - 10, clock.now]);
    // Also where the database is behind, as after a restore.
    assert.equal(await two.refreshTokens.advance(before.id, 1, useAt(clock.now, { generation: 7 })), true);
    const forward = found(await one.refreshTokens.find(before.id)).token;
    assert.deepEqual([forward.generation, forward.rotatedInstant], [7, clock.now]);
  },

  "from another generation nothing is changed, nor of a revoked family": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const before = await signedIn(one, 10, clock.now);
    for (const from of [0, 2, 3])
      assert.equal(await one.refreshTokens.advance(before.id, from, useAt(clock.now)), false);
    assert.deepEqual(found(await two.refreshTokens.find(before.id)).token, before);
    assert.equal(await two.refreshTokens.revoke({ id: before.id }, "reuse", null), 1);
    assert.equal(await one.refreshTokens.advance(before.id, 1, useAt(clock.now)), false);
    assert.equal(found(await two.refreshTokens.find(before.id)).token.generation, 1);
  },

  "of 50 at once from one generation one wins, again and again": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const { id: tokenId } = await signedIn(one, 10, clock.now);
    for (let generation = 1; generation <= 10; generation += 1) {
      const answers = await times(50, (index) =>
        (index % 2 === 0 ? one : two).refreshTokens.advance(
          tokenId,
          generation,
          useAt(clock.now, { generation: generation + 1, keyId: `by ${index}` }),
        ),
      );
      assert.deepEqual(tally(answers), { true: 1, false: 49 });
      const { token } = found(await two.refreshTokens.find(tokenId));
      assert.deepEqual([token.generation, token.keyId], [generation + 1, `by ${answers.indexOf(true)}`]);
    }
  },

  "of a rotation and a revocation at once the family is revoked either way": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    for (let number = 0; number < 20; number += 1) {
      const { id: tokenId } = await signedIn(one, 100 + number, clock.now);
      const rotate = (): Promise<boolean> => one.refreshTokens.advance(tokenId, 1, useAt(clock.now));
      const revoke = (): Promise<number> => two.refreshTokens.revoke({ id: tokenId }, "api", null);
      const [, revoked] =
        number % 2 === 0
          ? await Promise.all([rotate(), revoke()])
          : (await Promise.all([revoke(), rotate()])).toReversed();
      assert.equal(Number(revoked), 1);
      assert.equal(found(await one.refreshTokens.find(tokenId)).token.revokedReason, "api");
    }
  },

  "what decides on an exchange comes with the token, as it is that moment": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const kept = await signedIn(one, 10, clock.now);
    const refreshable = async () => found(await two.refreshTokens.findRefreshable(kept.id));
    const [tenant, application, user, registration] = [
      found(await one.tenants.find(TENANT)),
      found(await one.applications.find(APPLICATION)),
      found(await one.users.find(USER)),
      found(await one.registrations.find(USER, APPLICATION)),
    ];
    const { id: userId, email, username, active, verified, expiry } = user;
    assert.deepEqual(await refreshable(), {
      token: kept,
      readAt: clock.now,
      tenant: { id: tenant.id, settings: tenant.settings },
      application: {
        id: application.id,
        tenantId: application.tenantId,
        active: application.active,
        settings: application.settings,
        sealedSecret: application.sealedSecret,
      },
      user: { id: userId, email, username, active, verified, expiry },
      registration: { applicationId: APPLICATION, roles: registration.roles },
    });

    const settings = { data: { changed: true } };
    await one.tenants.update({ ...tenant, settings });
    await one.applications.update({ ...application, settings, sealedSecret: "other" });
    await one.users.update({ ...user, email: "other@example.com", expiry: 7 });
    await one.registrations.update({ ...registration, roles: ["other"] });
    const changed = await refreshable();
    assert.deepEqual(
      [changed.tenant.settings, changed.application.settings, changed.application.sealedSecret],
      [settings, settings, "other"],
    );
    assert.deepEqual([changed.user.email, changed.user.expiry], ["other@example.com", 7]);
    assert.deepEqual(changed.registration?.roles, ["other"]);

    await one.users.setActive(USER, false, false);
    assert.equal((await refreshable()).user.active, false);
    await one.registrations.delete(USER, APPLICATION);
    const [deregistered, revoked] = [await refreshable(), "registration-deleted"];
    assert.deepEqual([deregistered.registration, deregistered.token.revokedReason], [null, revoked]);
    await one.applications.setActive(APPLICATION, false);
    assert.equal((await refreshable()).application.active, false);
    await one.users.delete(USER);
    assert.equal(await two.refreshTokens.findRefreshable(kept.id), null);
  },

  "settings that come with a token are nobody's to change": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const { id: tokenId } = await signedIn(one, 10, clock.now);
    const seen = found(await one.refreshTokens.findRefreshable(tokenId));
    for (const { settings } of [seen.tenant, seen.application])
      assert.throws(() => Object.assign(settings, { data: { theirs: true } }), TypeError);
    assert.deepEqual(found(await two.refreshTokens.findRefreshable(tokenId)), seen);
  },

  "a list shows what lives, newest first": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const at = clock.now;
    const oldest = await signedIn(one, 10, at - 30);
    await signedIn(one, 11, at - 20, { expiresInstant: at });
    const second = await signedIn(one, 13, at - 10);
    const third = await signedIn(one, 12, at - 10);
    await signedIn(one, 14, at);
    await one.refreshTokens.revoke({ id: id(14) }, "api", null);
    assert.deepEqual(await two.refreshTokens.list(USER), [third, second, oldest]);
    clock.now += HOUR;
    assert.deepEqual(await two.refreshTokens.list(USER), []);
  },
};
