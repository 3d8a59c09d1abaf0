// How long a guesser has to wait: from the failures so far and the last one to the earliest next attempt. Pure; what is counted
// and for whom is password-attempt.ts. A wait grows with every failure and never becomes a ban: a ban would hand everybody the
// power to shut an account (WSTG-ATHN-03, CWE-645). The numbers below are the ones of packages/idp/README.md (ASVS 6.1.1).
// Messages to a mailbox are counted by the same rules (store/user-event.ts).

import { createHash } from "node:crypto";

/** When to refuse an attempt. Spans in milliseconds. */
export interface Rule {
  /** So many failures cost no wait. */
  readonly free: number;
  /** The wait after one more; each further failure doubles it. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Failures are forgotten one by one, or all at once after a time without any and when the wait they brought is over. */
  readonly forgets: { readonly oneEveryMs: number } | { readonly allAfterMs: number };
}

/** What is kept of the failures: how many, less those forgotten until `last`, and when the last one was (epoch ms). */
export interface Tally {
  readonly failures: number;
  readonly last: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** For one login id, from wherever: at most about 110 guesses in a day, and about 100 in each after it. */
export const PER_ACCOUNT: Rule = {
  free: 5,
  firstWaitMs: SECOND,
  longestWaitMs: 15 * MINUTE,
  forgets: { oneEveryMs: HOUR },
};

/** For one address, whatever accounts it tries: mild, because an office has one address, too. About 500 guesses a day. */
export const PER_ADDRESS: Rule = {
  free: 20,
  firstWaitMs: SECOND,
  longestWaitMs: 5 * MINUTE,
  forgets: { oneEveryMs: 3 * MINUTE },
};

/** What a tally is kept under. A copy of the database names nobody by it, nor what was typed into the wrong field. */
export function keyOf(...parts: readonly (string | undefined)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

/** The earliest instant of the next attempt; not after `now` if it may be made now. */
export function nextAttempt(rule: Rule, tally: Tally | null, now: number): number {
  // A last failure that is still to come was counted by a clock that was wrong: nobody waits for a year because of it.
  return tally === null || tally.last > now ? now : tally.last + waitMs(rule, tally.failures);
}

/** The tally after one more failure at `now`. */
export function withFailure(rule: Rule, tally: Tally | null, now: number): Tally {
  const failures = tally === null ? 0 : remembered(rule, tally, now);
  return { failures: Math.min(failures + 1, mostFailures(rule)), last: now };
}

/** The instant from which the tally says no more than none would. */
export function forgottenAt(rule: Rule, { failures, last }: Tally): number {
  const waited = last + waitMs(rule, failures);
  if ("oneEveryMs" in rule.forgets) return Math.max(waited, last + failures * rule.forgets.oneEveryMs);
  return failures >= rule.free ? waited : last + rule.forgets.allAfterMs;
}

function remembered(rule: Rule, tally: Tally, now: number): number {
  if (now >= forgottenAt(rule, tally)) return 0;
  if (!("oneEveryMs" in rule.forgets)) return tally.failures;
  return tally.failures - Math.max(0, now - tally.last) / rule.forgets.oneEveryMs;
}

function waitMs({ free, firstWaitMs, longestWaitMs }: Rule, failures: number): number {
  const over = Math.ceil(failures) - free;
  return over < 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** over);
}

// No more are kept than bring the longest wait, so that what was counted in an attack of weeks is forgotten within hours of it.
function mostFailures({ free, firstWaitMs, longestWaitMs }: Rule): number {
  return free + Math.max(0, Math.ceil(Math.log2(longestWaitMs / firstWaitMs)));
}
