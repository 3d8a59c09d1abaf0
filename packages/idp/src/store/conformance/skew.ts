// Nodes whose clocks differ by seconds: nothing is admitted, delivered or ended that would not be if they agreed.

import assert from "node:assert/strict";
import type { Cases, Place } from "../conformance.ts";
import type { Store } from "../store.ts";
import { counter } from "./attempts.ts";
import { DAY, filled, found, HOUR, id, signedIn, USER, webhook } from "./records.ts";

const AHEAD = 3_000;

async function nodes({ one, clock, open }: Place): Promise<{ behind: Store; ahead: Store }> {
  await filled(one);
  return { behind: one, ahead: await open(() => clock.now + AHEAD) };
}

/** The cases of nodes whose clocks differ. */
export const skewCases: Cases = {
  "who guesses at one node and the other gets no further than at one": async (place) => {
    const { behind, ahead } = await nodes(place);
    const { clock } = place;
    let admitted = 0;
    for (let index = 0; index < 40; index += 1) {
      const store = index % 2 === 0 ? ahead : behind;
      if ((await store.attempts.reserve([counter("a")])).admitted) admitted += 1;
      clock.now += 25;
    }
    // Within a second: the five that are free, and the one that a clock of three seconds later admits.
    assert.ok(admitted <= 6, `${admitted} were admitted`);
  },

  "a refused attempt hears of its own wait only": async (place) => {
    const { behind, ahead } = await nodes(place);
    const { clock } = place;
    await ahead.attempts.reserve([counter("a")]);
    const { admitted, next } = await behind.attempts.reserve([counter("a"), counter("b")]);
    assert.deepEqual([admitted, next], [true, [clock.now, clock.now]]);
  },

  "a family that was rotated by a node that is ahead is in its grace for one that is behind": async (
    place,
  ) => {
    const { behind, ahead } = await nodes(place);
    const { clock } = place;
    const { id: tokenId } = await signedIn(behind, 10, clock.now);
    const use = {
      generation: 2,
      keyId: "k",
      expiresInstant: clock.now + HOUR,
      endsInstant: clock.now + DAY,
      lastAccessedAddress: null,
    };
    assert.equal(await ahead.refreshTokens.advance(tokenId, 1, use), true);
    const { token, readAt } = found(await behind.refreshTokens.find(tokenId));
    assert.deepEqual([token.rotatedInstant, readAt], [clock.now + AHEAD, clock.now]);
    assert.equal(await behind.refreshTokens.advance(tokenId, 1, use), false);
    assert.equal(await behind.refreshTokens.advance(tokenId, 2, { ...use, generation: 3 }), true);
  },

  "a delivery is claimed by one of them for its lease": async (place) => {
    const { behind, ahead } = await nodes(place);
    const { clock } = place;
    await behind.webhooks.insert(webhook(9));
    await ahead.users.setActive(USER, true, true);
    assert.deepEqual(await behind.outbox.claim(id(9), 10, 60_000), []);
    clock.now += AHEAD;
    const [claimed] = await behind.outbox.claim(id(9), 10, 60_000);
    assert.notEqual(claimed, undefined);
    assert.deepEqual(await ahead.outbox.claim(id(9), 10, 60_000), []);
    await behind.outbox.finish(found(claimed));
    assert.deepEqual(await ahead.outbox.due(), []);
  },

  "nobody waits because of a clock that was wrong by a year": async (place) => {
    const { behind } = await nodes(place);
    const { clock, open } = place;
    const wrong = await open(() => clock.now + 365 * DAY);
    for (let index = 0; index < 10; index += 1) await wrong.attempts.reserve([counter("a")]);
    assert.equal((await behind.attempts.reserve([counter("a")])).admitted, true);
  },
};
