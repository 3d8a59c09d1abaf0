// Notes, and what is decided by them: who may fill an empty store, and who may empty it again.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { Store } from "../store.ts";
import {
  apiKey,
  application,
  APPLICATION,
  filled,
  signedIn,
  tally,
  tenant,
  times,
  user,
  USER,
  webhook,
} from "./records.ts";

/** The cases of notes. */
export const noteCases: Cases = {
  "a note is kept, and replaced by who knows what it says": async (place) => {
    const { one, two } = place;
    await one.setNote("a", "1");
    assert.deepEqual([await two.note("a"), await two.note("b")], ["1", null]);
    await two.setNote("a", "2");
    assert.equal(await one.replaceNote("a", "1", "3"), false);
    assert.equal(await one.replaceNote("a", "2", "3"), true);
    assert.equal(await two.note("a"), "3");
  },

  "an empty store is claimed; one in which anything was created is not": async (place) => {
    const { one, two } = place;
    const creations: ((store: Store) => Promise<unknown>)[] = [
      (store) => store.setNote("b", "1"),
      (store) => store.apiKeys.insert(apiKey(5)),
      (store) => store.applications.insert(application(2)),
      (store) => store.users.insert(user(3)),
    ];
    for (const create of creations) {
      assert.equal(await one.claim("a", "mine"), true);
      assert.equal(await two.claim("a", "theirs"), false);
      assert.equal(await two.note("a"), "mine");
      assert.equal(await two.clearIf("a", "mine"), true);
      await one.tenants.insert(tenant(1));
      await create(one);
      assert.equal(await two.claim("a", "theirs"), false);
      await one.setNote("c", "1");
      assert.equal(await two.clearIf("c", "1"), true);
    }
  },

  "of 50 at once one claims, one replaces, one clears": async (place) => {
    const { one, two } = place;
    const of = (index: number): Store => (index % 2 === 0 ? one : two);
    assert.deepEqual(tally(await times(50, (index) => of(index).claim("a", String(index)))), {
      true: 1,
      false: 49,
    });
    const claimed = (await two.note("a")) ?? "";
    const replaced = await times(50, (index) => of(index).replaceNote("a", claimed, `by ${index}`));
    assert.deepEqual(tally(replaced), { true: 1, false: 49 });
    assert.equal(await one.note("a"), `by ${replaced.indexOf(true)}`);
    await one.setNote("a", "x");
    assert.deepEqual(tally(await times(50, (index) => of(index).clearIf("a", "x"))), { true: 1, false: 49 });
    assert.equal(await two.note("a"), null);
    await times(50, (index) => of(index).setNote("a", String(index)));
    assert.match((await one.note("a")) ?? "", /^\d+$/);
  },

  "what is cleared is empty, and works": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    await one.webhooks.insert(webhook(11));
    await one.users.setActive(USER, false, true);
    await one.setNote("a", "1");
    assert.equal(await two.clearIf("a", "2"), false);
    assert.notEqual(await one.users.find(USER), null);
    assert.equal(await two.clearIf("a", "1"), true);
    const lists = [
      one.tenants.list(),
      one.applications.list({ tenantId: null, active: true }),
      one.webhooks.list(),
      one.outbox.due(),
    ];
    for (const list of lists) assert.deepEqual(await list, []);
    await filled(two);
    assert.notEqual(await one.applications.find(APPLICATION), null);
  },
};
