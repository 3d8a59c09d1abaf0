// Failed attempts: of any number at once no more are admitted than the rules allow (CWE-307), and what is settled counts no more.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import type { Counter, Reserved, Store } from "../store.ts";
import type { Rule } from "../../throttle.ts";
import { tally, times } from "./records.ts";

const MINUTE = 60_000;

/** Five at once, then one a second, two seconds …; forgets one an hour. */
const RULE: Rule = {
  free: 5,
  firstWaitMs: 1_000,
  longestWaitMs: MINUTE,
  forgets: { oneEveryMs: 60 * MINUTE },
};

const LOCKOUT: Rule = {
  free: 3,
  firstWaitMs: 10 * MINUTE,
  longestWaitMs: 10 * MINUTE,
  forgets: { allAfterMs: MINUTE },
};

/** A counter of RULE. */
export function counter(key: string, over: Partial<Counter> = {}): Counter {
  return { key, rule: RULE, countsFrom: 0, ...over };
}

/** So many attempts at once on these nodes, and how many of them were admitted. */
export async function admitted(
  stores: readonly Store[],
  count: number,
  counters: readonly Counter[],
): Promise<number> {
  const answers = await times(count, (index) => attempt(stores[index % stores.length], counters));
  return answers.filter((answer) => answer.admitted).length;
}

function attempt(store: Store | undefined, counters: readonly Counter[]): Promise<Reserved> {
  assert.ok(store !== undefined);
  return store.attempts.reserve(counters);
}

/** The cases of failed attempts. */
export const attemptCases: Cases = {
  "an attempt is admitted until the rule demands a wait, and told when the next is": async (place) => {
    const { one, two, clock } = place;
    const at = clock.now;
    for (let failures = 1; failures < 5; failures += 1)
      assert.deepEqual(await one.attempts.reserve([counter("a")]), { admitted: true, next: [at] });
    assert.deepEqual(await two.attempts.reserve([counter("a")]), { admitted: true, next: [at + 1_000] });
    assert.deepEqual(await one.attempts.reserve([counter("a")]), { admitted: false, next: [at + 1_000] });
    clock.now += 1_000;
    assert.deepEqual(await two.attempts.reserve([counter("a")]), { admitted: true, next: [at + 3_000] });
    assert.deepEqual(await one.attempts.reserve([counter("b")]), { admitted: true, next: [at + 1_000] });
    assert.deepEqual(await one.attempts.reserve([]), { admitted: true, next: [] });
  },

  "where one counter demands a wait none counts": async (place) => {
    const { one, two, clock } = place;
    assert.equal(await admitted([one, two], 5, [counter("a")]), 5);
    const both = await one.attempts.reserve([counter("b"), counter("a")]);
    assert.deepEqual(both, { admitted: false, next: [clock.now, clock.now + 1_000] });
    assert.equal(await admitted([one], 10, [counter("b")]), 5);
    // Nor is anything left of it that would have to be swept.
    await one.attempts.reserve([counter("c"), counter("a")]);
    clock.now += 100 * 60 * MINUTE;
    assert.equal(await two.attempts.sweep(100), 2);
  },

  "of 50 at once no more are admitted than in turn, time and again": async (place) => {
    const { one, two, clock } = place;
    assert.equal(await admitted([one, two], 50, [counter("a")]), 5);
    for (let wait = 1_000; wait <= MINUTE; wait *= 2) {
      clock.now += wait - 1;
      assert.equal(await admitted([two, one], 10, [counter("a")]), 0);
      clock.now += 1;
      assert.equal(await admitted([one, two], 50, [counter("a")]), 1);
    }
  },

  "of 50 at once that count in several, in any order, none gets round one of them": async (place) => {
    const { one, two } = place;
    const answers = await times(50, (index) => {
      const own = counter(`own ${index % 4}`);
      const shared = counter("shared", { rule: { ...RULE, free: 8 } });
      return (index % 2 === 0 ? one : two).attempts.reserve(index % 3 === 0 ? [own, shared] : [shared, own]);
    });
    assert.equal(answers.filter((answer) => answer.admitted).length, 8);
  },

  "a lockout holds for its time and forgets all at once": async (place) => {
    const { one, two, clock } = place;
    const lockout = [counter("a", { rule: LOCKOUT })];
    assert.equal(await admitted([one, two], 50, lockout), 3);
    clock.now += 10 * MINUTE - 1;
    assert.equal(await admitted([one, two], 50, lockout), 0);
    clock.now += 1;
    assert.equal(await admitted([one, two], 50, lockout), 3);
  },

  "failures until an instant count no more": async (place) => {
    const { one, two, clock } = place;
    assert.equal(await admitted([one], 9, [counter("a")]), 5);
    assert.equal(await admitted([two], 9, [counter("a", { countsFrom: clock.now - 1 })]), 0);
    assert.equal(await admitted([two], 1, [counter("a", { countsFrom: clock.now })]), 1);
    clock.now += 1;
    assert.equal(await admitted([one, two], 50, [counter("a", { countsFrom: clock.now - 1 })]), 5);
  },

  "what is settled counts no more: cleared, or one failure taken back": async (place) => {
    const { one, two, clock } = place;
    const counters = [counter("a"), counter("b"), counter("c")];
    assert.equal(await admitted([one, two], 5, counters), 5);
    await one.attempts.settle({ clear: ["a"], takeBack: ["b", "none"] });
    assert.equal(await admitted([one, two], 50, [counter("a")]), 5);
    assert.equal(await admitted([one, two], 50, [counter("b")]), 1);
    assert.equal(await admitted([one, two], 50, [counter("c")]), 0);
    await two.attempts.settle({ clear: [], takeBack: [] });
    // An attempt that was none leaves nothing.
    await one.attempts.reserve([counter("d")]);
    await two.attempts.settle({ clear: [], takeBack: ["d"] });
    clock.now += 100 * 60 * MINUTE;
    assert.equal(await one.attempts.sweep(100), 3);
  },

  "50 that are taken back at once are each taken back once": async (place) => {
    const { one, two } = place;
    const wide: Rule = { ...RULE, free: 60 };
    assert.equal(await admitted([one, two], 55, [counter("a", { rule: wide })]), 55);
    await times(50, (index) => (index % 2 === 0 ? one : two).attempts.settle({ clear: [], takeBack: ["a"] }));
    assert.equal(await admitted([one, two], 100, [counter("a", { rule: wide })]), 55);
  },

  "50 that are admitted, hashed and taken back at once leave nothing behind": async (place) => {
    const { one, two, clock } = place;
    const wide = [
      counter("a", { rule: { ...RULE, free: 60 } }),
      counter("b", { rule: { ...RULE, free: 60 } }),
    ];
    const answers = await times(50, async (index) => {
      const store = index % 2 === 0 ? one : two;
      const { admitted: isAdmitted } = await store.attempts.reserve(
        index % 3 === 0 ? wide : wide.toReversed(),
      );
      await store.attempts.settle({ clear: [], takeBack: ["a", "b"] });
      return isAdmitted;
    });
    assert.deepEqual(tally(answers), { true: 50 });
    clock.now += 100 * 60 * MINUTE;
    assert.equal(await one.attempts.sweep(100), 0);
  },
};
