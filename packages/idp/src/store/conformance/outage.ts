// A store that can't answer: every method says so in time, nothing was changed, and it works again when the store does.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import { StoreUnavailableError } from "../../errors.ts";
import type { Store } from "../store.ts";
import { counter } from "./attempts.ts";
import { EVERY_METHOD } from "./every-method.ts";
import {
  APPLICATION,
  drained,
  filled,
  found,
  id,
  signedIn,
  signInOf,
  times,
  token,
  USER,
  webhook,
} from "./records.ts";

const stateOf = async (store: Store): Promise<object> => ({
  tenants: await store.tenants.list(),
  applications: await store.applications.list({ tenantId: null, active: true }),
  user: await store.users.find(USER),
  registrations: await store.registrations.list(USER),
  tokens: await store.refreshTokens.list(USER),
  keys: await store.signingKeys.list(),
  apiKeys: await store.apiKeys.list(),
  webhooks: await store.webhooks.list(),
  note: await store.note("note"),
});

/** The cases of an outage. */
export const outageCases: Cases = {
  "down: every method rejects, nothing is changed, and afterwards all of it works": async (
    place,
    harness,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    await one.webhooks.insert(webhook(9));
    await one.setNote("note", "value");
    const before = await stateOf(two);
    const { end } = await harness.outage([one, two]);
    const answers = await Promise.allSettled(EVERY_METHOD.map(([, call]) => call(one)));
    one.outbox.tellLater({ type: "user.login.failed", userId: USER });
    const again = await end();
    for (const [index, answer] of answers.entries()) {
      const [name] = found(EVERY_METHOD[index]);
      assert.ok(answer.status === "rejected" && answer.reason instanceof StoreUnavailableError, name);
    }
    for (const store of again) {
      assert.deepEqual(await stateOf(store), before);
      await store.check();
    }
    const store = found(again[0]);
    assert.equal(await store.refreshTokens.revoke({ userId: USER }, "api", null), 1);
    assert.deepEqual(await stateOf(found(again.at(-1))), { ...before, tokens: [] });
    await Promise.all(again.map((each) => each.close()));
  },

  "slow: a change that somebody else's lock holds up gives up in time, and is not made afterwards": async (
    place,
    harness,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    const held = await harness.hold();
    const began = performance.now();
    const change = one.refreshTokens.signIn(signInOf(token(10, clock.now)));
    await assert.rejects(change, StoreUnavailableError);
    const took = performance.now() - began;
    await held.release();
    assert.ok(took < harness.deadline, `${took} ms`);
    assert.equal(await two.refreshTokens.find(id(10)), null);
    assert.equal(found(await two.users.find(USER)).lastLoginInstant, null);
    await signedIn(one, 10, clock.now);
  },

  "slow: what was to be told meanwhile is told afterwards, once": async (place, harness) => {
    const { one, two } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    const held = await harness.hold();
    one.outbox.tellLater({ type: "user.login.failed", userId: USER });
    await assert.rejects(one.outbox.due(), StoreUnavailableError);
    await held.release();
    await one.outbox.due();
    const types = (await drained(two, id(9))).map(({ type }) => type);
    assert.deepEqual(types, ["user.login.failed"]);
  },

  "closed: what was begun is done, every later call rejects, and closing twice is no error": async (
    place,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    const other = one === two ? await place.open(() => clock.now + 0) : two;
    const begun = times(10, (index) => one.refreshTokens.signIn(signInOf(token(100 + index, clock.now))));
    one.outbox.tellLater({ type: "user.login.failed", userId: USER });
    await Promise.all([one.close(), begun]);
    assert.equal((await begun).filter((answer) => answer !== null).length, 10);
    for (const [name, call] of EVERY_METHOD) await assert.rejects(call(one), StoreUnavailableError, name);
    await one.close();
    assert.equal((await other.refreshTokens.list(USER)).length, 10);
    const types = (await drained(other, id(9))).map(({ type }) => type);
    assert.equal(types.filter((type) => type === "user.login.failed").length, 1);
  },

  "while one node is closed in the midst of work, what it acknowledged is there and the other goes on":
    async (place) => {
      const { one, two, clock } = place;
      await filled(one);
      const other = one === two ? await place.open(() => clock.now + 0) : two;
      const work = times(60, async (index) => {
        const signIn = await one.refreshTokens.signIn(signInOf(token(100 + index, clock.now)));
        const { admitted } = await one.attempts.reserve([counter(`key ${index}`)]);
        return { index, done: signIn !== null && admitted };
      });
      const settled = Promise.allSettled([work]);
      await one.refreshTokens.find(id(100));
      await one.close();
      await settled;
      assert.notEqual(await other.applications.find(APPLICATION), null);
      for (let index = 0; index < 60; index += 1) {
        const row = await other.refreshTokens.find(id(100 + index));
        if (row !== null) assert.deepEqual(row.token, token(100 + index, clock.now));
      }
      await signedIn(other, 200, clock.now);
    },
};
