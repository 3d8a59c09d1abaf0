// Whether an attempt is admitted, and what is counted then: the same for every store. Keeps nothing; what the tallies are, and that nobody
// changes them meanwhile, is the store's matter.

import { forgottenAt, nextAttempt, type Tally, withFailure } from "../throttle.ts";
import type { Counter, Reserved } from "./store.ts";

/** What a counter is to hold once the attempt counts. */
export interface Counted {
  key: string;
  tally: Tally;
  /** From when on it says nothing any more. */
  forgotten: number;
}

// Nodes go by one clock as far as they can measure it.
const CLOCKS_DIFFER_MS = 60_000;

/** How asking at `now` ends, given the tallies by their keys; `counted` is what is to be kept if it is admitted. */
export function judged(
  counters: readonly Counter[],
  tallies: ReadonlyMap<string, Tally>,
  now: number,
): { reserved: Reserved; counted: Counted[] } {
  const at = notBefore(tallies.values(), now);
  // By the asker's own clock, so that "no wait" never lies ahead of it.
  const saidBy = (next: number): number => (next <= at ? Math.min(next, now) : next);
  const found = counters.map((counter) => ({ counter, tally: counting(counter, tallies) }));
  const waits = found.map(({ counter, tally }) => nextAttempt(counter.rule, tally, at));
  if (waits.some((next) => next > at))
    return { reserved: { admitted: false, next: waits.map(saidBy) }, counted: [] };
  const counted = found.map(({ counter: { key, rule }, tally: before }) => {
    const tally = withFailure(rule, before, at);
    return { key, rule, tally, forgotten: forgottenAt(rule, tally) };
  });
  const next = counted.map(({ rule, tally }) => saidBy(nextAttempt(rule, tally, at)));
  return { reserved: { admitted: true, next }, counted };
}

// A node whose clock is behind that of the one that counted last would see failures that are still to come, for which nobody waits.
function notBefore(tallies: Iterable<Tally>, now: number): number {
  const ahead = [...tallies].map(({ last }) => last).filter((last) => last - now <= CLOCKS_DIFFER_MS);
  return Math.max(now, ...ahead);
}

function counting({ key, countsFrom }: Counter, tallies: ReadonlyMap<string, Tally>): Tally | null {
  const tally = tallies.get(key) ?? null;
  return tally === null || tally.last <= countsFrom ? null : tally;
}
