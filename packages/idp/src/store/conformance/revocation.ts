// What is revoked, why, and how often; what is owed because of a lockout; reuse.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { RevocationTarget, Store } from "../store.ts";
import {
  application,
  APPLICATION,
  drained,
  filled,
  found,
  id,
  registration,
  signedIn,
  tenant,
  TENANT,
  times,
  typesOf,
  user,
  USER,
  webhook,
} from "./records.ts";

async function fill(store: Store, at: number): Promise<void> {
  await filled(store);
  await store.applications.insert(application(5));
  await store.users.insert(user(6), registration(7, { userId: id(6) }));
  await signedIn(store, 10, at);
  await signedIn(store, 11, at);
  await signedIn(store, 12, at, { applicationId: id(5) });
  await signedIn(store, 13, at, { userId: id(6) });
}

async function revoked(store: Store): Promise<number[]> {
  const rows = await Promise.all(
    [10, 11, 12, 13].map(async (number) => ({ number, row: await store.refreshTokens.find(id(number)) })),
  );
  return rows.filter(({ row }) => found(row).token.revokedInstant !== null).map(({ number }) => number);
}

/** The cases of revocation. */
export const revocationCases: Cases = {
  "one token, a user's, a user's in an application, an application's: that many and no others": async (
    place,
  ) => {
    const targets: [RevocationTarget, number[]][] = [
      [{ id: id(10) }, [10]],
      [{ userId: USER, applicationId: id(5) }, [10, 12]],
      [{ userId: USER }, [10, 11, 12]],
      [{ applicationId: APPLICATION }, [10, 11, 12, 13]],
    ];
    const { one, two, clock } = place;
    await fill(one, clock.now);
    let before = 0;
    for (const [target, expected] of targets) {
      clock.now += 1;
      assert.equal(await one.refreshTokens.revoke(target, "api", null), expected.length - before);
      assert.deepEqual(await revoked(two), expected);
      before = expected.length;
    }
    const first = found(await two.refreshTokens.find(id(10))).token;
    assert.deepEqual([first.revokedInstant, first.revokedReason], [clock.now - 3, "api"]);
  },

  "in another tenant nothing is revoked": async (place) => {
    const { one, two, clock } = place;
    await fill(one, clock.now);
    await one.tenants.insert(tenant(8));
    const targets = [
      { id: id(10) },
      { userId: USER },
      { userId: USER, applicationId: APPLICATION },
      { applicationId: APPLICATION },
    ];
    for (const target of targets) assert.equal(await one.refreshTokens.revoke(target, "api", id(8)), 0);
    assert.deepEqual(await revoked(two), []);
    assert.equal(await two.refreshTokens.revoke({ userId: USER }, "api", TENANT), 3);
  },

  "of 50 at once each token is revoked once, and told once where it is told of one": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    await times(20, (index) => signedIn(one, 100 + index, clock.now));
    const counts = await times(50, (index) => {
      const target =
        index % 3 === 0
          ? { userId: USER }
          : index % 3 === 1
            ? { applicationId: APPLICATION }
            : { id: id(100 + (index % 20)) };
      return (index % 2 === 0 ? one : two).refreshTokens.revoke(target, "api", null);
    });
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      20,
    );
    assert.deepEqual(await two.refreshTokens.list(USER), []);
    const single = (await drained(one, id(9))).filter(
      ({ type, refreshToken }) => type === "jwt.refresh-token.revoke" && refreshToken !== undefined,
    );
    const ofOne = counts.filter((count, index) => index % 3 === 2 && count === 1).length;
    assert.equal(single.length, ofOne);
    assert.equal(new Set(single.map(({ refreshToken }) => refreshToken?.id)).size, ofOne);
  },

  "reuse ends a family once, and the user is told once": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    await signedIn(one, 10, clock.now);
    const counts = await times(50, (index) =>
      (index % 2 === 0 ? one : two).refreshTokens.reused(id(10), true, { ipAddress: "192.0.2.9" }),
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      1,
    );
    const { token } = found(await two.refreshTokens.find(id(10)));
    assert.deepEqual([token.revokedReason, token.revokedInstant], ["reuse", clock.now]);
    const events = await drained(two, id(9));
    assert.deepEqual(typesOf(events).toSorted(), ["jwt.refresh-token.reuse", "jwt.refresh-token.revoke"]);
    const reuse = found(events.find(({ type }) => type === "jwt.refresh-token.reuse"));
    assert.deepEqual(
      [reuse.info.ipAddress, reuse.reason, reuse.refreshToken?.revokedReason],
      ["192.0.2.9", "reuse", "reuse"],
    );
    assert.equal((await drained(two, "mail")).length, 1);
  },

  "reuse that is to end nothing is told once, and may end the family later": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    await signedIn(one, 10, clock.now);
    assert.equal(await one.refreshTokens.reused(id(10), false), 0);
    assert.equal(found(await two.refreshTokens.find(id(10))).token.revokedInstant, null);
    assert.equal(await two.refreshTokens.reused(id(10), true), 1);
    assert.deepEqual(typesOf(await drained(one, id(9))), [
      "jwt.refresh-token.reuse",
      "jwt.refresh-token.revoke",
    ]);
  },

  "what is owed ends once, whoever pays, and only whom it was owed for": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.users.insert(user(6));
    await one.webhooks.insert(webhook(9));
    await times(20, (index) =>
      signedIn(one, 100 + index, clock.now, { userId: index % 2 === 0 ? USER : id(6) }),
    );
    await times(10, (index) => (index % 2 === 0 ? one : two).refreshTokens.oweRevocation(USER));
    await one.refreshTokens.oweRevocation(id(99));
    await times(50, (index) => (index % 2 === 0 ? one : two).refreshTokens.revokeOwed());
    assert.equal((await two.refreshTokens.list(id(6))).length, 10);
    assert.deepEqual(await two.refreshTokens.list(USER), []);
    assert.equal(found(await two.refreshTokens.find(id(100))).token.revokedReason, "login-prevented");
    assert.deepEqual(typesOf(await drained(one, id(9))), ["jwt.refresh-token.revoke"]);
    clock.now += 1;
    await signedIn(one, 200, clock.now);
    await two.refreshTokens.revokeOwed();
    assert.equal(found(await two.refreshTokens.find(id(200))).token.revokedInstant, null);
  },

  "what is owed is paid by the store itself, soon after": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    const began = performance.now();
    await one.refreshTokens.oweRevocation(USER);
    while ((await two.refreshTokens.list(USER)).length > 0) {
      assert.ok(performance.now() - began < 8_000, "it is paid");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },
};
