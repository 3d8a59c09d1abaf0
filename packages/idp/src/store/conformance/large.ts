// Large data: ten thousand families of one user, a thousand users at once, profiles of 256 KiB, lists of a thousand rows.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import {
  apiKey,
  application,
  DAY,
  drained,
  filled,
  found,
  HOUR,
  id,
  registration,
  signedIn,
  TENANT,
  times,
  typesOf,
  user,
  USER,
  webhook,
} from "./records.ts";

const FAMILIES = 10_000;

/** The cases of large data. */
export const largeCases: Cases = {
  "ten thousand families of one user are listed by the newest thousand, revoked by one call and swept in portions":
    async (place, harness) => {
      const { one, two, clock } = place;
      await filled(one);
      const first = await signedIn(one, 10, clock.now);
      await harness.multiply(first.id, FAMILIES - 1);
      const list = await two.refreshTokens.list(USER);
      assert.equal(list.length, 1_000);
      assert.equal(list[0]?.startInstant, clock.now + FAMILIES - 1);
      assert.equal(list.at(-1)?.startInstant, clock.now + FAMILIES - 1_000);
      await one.webhooks.insert(webhook(9));
      assert.equal(await two.refreshTokens.revoke({ userId: USER }, "api", null), FAMILIES);
      assert.deepEqual(await one.refreshTokens.list(USER), []);
      assert.deepEqual(typesOf(await drained(one, id(9))), ["jwt.refresh-token.revoke"]);
      clock.now += DAY + HOUR;
      const swept = await times(4, (index) => (index % 2 === 0 ? one : two).refreshTokens.sweep(1_000));
      assert.ok(swept.every((count) => count <= 1_000));
      assert.equal(await two.users.delete(USER), true);
      assert.equal(await one.refreshTokens.find(list[0]?.id ?? ""), null);
    },

  "a thousand users come at once, each with a registration, and go with their tenant": async (place) => {
    const { one, two } = place;
    await filled(one);
    const entries = Array.from({ length: 1_000 }, (_, index) => ({
      user: user(10_000 + index),
      registrations: [registration(20_000 + index, { userId: id(10_000 + index) })],
    }));
    assert.deepEqual(await one.users.insertAll(entries), { saved: "saved", index: 1_000 });
    assert.deepEqual(await two.users.findByEmail(TENANT, "user10999@example.com"), user(10_999));
    assert.equal(await two.tenants.delete(TENANT), true);
    assert.equal(await one.users.find(id(10_999)), null);
  },

  "long profiles come back whole": async (place) => {
    const { one, two } = place;
    await filled(one);
    const long = "é🗝x".repeat(32 * 1_024);
    const person = user(5, { profile: { fullName: long, data: { long } } });
    assert.equal(await one.users.insert(person), "saved");
    assert.deepEqual(await two.users.find(person.id), person);
    await one.webhooks.insert(webhook(9));
    await two.users.setActive(person.id, false, true);
    assert.equal((await drained(one, id(9)))[0]?.user?.profile.fullName, long);
  },

  "lists of a thousand are whole and in order": async (place) => {
    const { one, two } = place;
    await filled(one);
    const ids = Array.from({ length: 1_000 }, (_, index) => id(10_000 + index));
    await times(1_000, (index) => one.apiKeys.insert(apiKey(10_000 + index)));
    await times(1_000, (index) => one.applications.insert(application(10_000 + index)));
    assert.deepEqual(
      (await two.apiKeys.list()).map((each) => each.id),
      ids,
    );
    const applications = await two.applications.list({ tenantId: TENANT, active: true });
    assert.deepEqual(applications.map((each) => each.id).slice(1), ids);
    assert.equal(found(applications[0]).roles.length, 1);
  },
};
