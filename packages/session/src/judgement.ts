/**
 * The state machine of renewal (ARCHITECTURE, D7): what a presented pair is, judged against the sign-in's record. A lost
 * answer and concurrent tabs must not look like a theft; a theft must not look like either.
 *
 * | the presented session is | and the current session | it is | do |
 * | --- | --- | --- | --- |
 * | any | the sign-in has ended | ended | sign in again; the provider is not asked |
 * | any | the sign-in is past a limit | expired | sign in again |
 * | current | – | due | renew |
 * | previous | never presented, minted ≤ 30 s ago for this address | concurrent | hand over the current pair |
 * | previous | never presented, minted ≤ 30 s ago for another address | overlapping | serve the page, hand over nothing |
 * | previous | never presented, minted longer ago | lost-answer | replace it with another session id |
 * | previous | first presented ≤ 30 s before it arrived | overlapping | serve the page, hand over nothing |
 * | previous | first presented longer ago | reuse | end the sign-in |
 * | a replaced attempt | never presented, renewed < revalidateAfter ago, for this address | out-of-order | hand over the current pair |
 * | a replaced attempt | never presented, renewed < revalidateAfter ago, for another address | overlapping | serve the page, hand over nothing |
 * | a replaced attempt | never presented, renewed longer ago | due | renew from the attempt |
 * | a replaced attempt | first presented ≤ 30 s ago | out-of-order | hand over the current pair |
 * | a replaced attempt | first presented longer ago | reuse | end the sign-in |
 * | anything else | – | reuse | end the sign-in |
 *
 * What nobody has presented yet goes to the address it was minted for alone: a thief in the owner's shadow asks right after each
 * of the owner's requests, and would be handed every new pair. Who has changed networks loses nothing by it: the page is served,
 * and 30 s later the answer counts as lost.
 */
import type { EndReason, SignInRecord } from "./store/store.ts";

/** What a presented pair is. */
export type Judgement =
  | "ended"
  | "expired"
  | "due"
  | "concurrent"
  | "lost-answer"
  | "overlapping"
  | "out-of-order"
  | "reuse";

/** What is judged, at the instant `now`. */
export interface Presented {
  /** Hash of the presented session id. */
  readonly session: string;
  /** Whether it is an attempt of the last renewal that was replaced by a later one. */
  readonly replacedAttempt: boolean;
  /** The address its request came from, as `addressRange` has it; `null` where none is known. */
  readonly address: string | null;
  /** When its request arrived, as `arrivalThatCounts` has it; `now` by default. */
  readonly arrivedAt?: number;
  readonly now: number;
  /** Milliseconds a sign-in may go without a renewal. */
  readonly signInIdle: number;
  /** Milliseconds the provider's last word on the user is good for. */
  readonly revalidateAfter: number;
}

/**
 * How long after a renewal the replaced pair may still arrive from an honest browser: requests already on their way,
 * tabs opened at once. Simulated: much less signs honest users out, more gives a thief more time.
 */
export const concurrencyWindow = 30_000;

/** How long an upload may take: no longer than Node waits for a whole request (`server.requestTimeout`). */
export const longestUpload = 300_000;

/**
 * When a slow upload arrived; `null` for a request that arrived just now, or so long ago that it counts for nothing. A thief
 * who trickles a body gets this one page of a pair that was good when it was presented, and no cookie.
 */
export function arrivalThatCounts(now: number, arrivedAt: number): number | null {
  const took = now - arrivedAt;
  return took > concurrencyWindow && took <= longestUpload ? arrivedAt : null;
}

/**
 * How often a lost answer is replaced by another session id. Each replacement has to be recognised later, so a browser
 * that loses every answer gets the same one again from here on.
 */
export const mostAttempts = 16;

/** Judges a presented pair by the table above. Pure: reads no clock and no store. */
export function judge(signIn: SignInRecord, presented: Presented): Judgement {
  const { session, replacedAttempt, now, arrivedAt = now, signInIdle, revalidateAfter } = presented;
  const { presentedAt, mintedAt, renewedAt } = signIn;
  if (signIn.ended !== null) return "ended";
  if (now >= signIn.absoluteExpiresAt || now >= renewedAt + signInIdle) return "expired";
  if (session === signIn.current) return "due";

  if (session === signIn.previous) {
    // A browser that has presented the new session holds it: whoever comes with the old one now is served at most.
    if (presentedAt !== null) return arrivedAt - presentedAt <= concurrencyWindow ? "overlapping" : "reuse";
    const justMinted = now - mintedAt <= concurrencyWindow;
    if (justMinted && !isMintedFor(signIn, presented.address)) return "overlapping";
    return justMinted || signIn.attempt >= mostAttempts ? "concurrent" : "lost-answer";
  }
  if (!replacedAttempt) return "reuse";
  if (presentedAt !== null) return now - presentedAt <= concurrencyWindow ? "out-of-order" : "reuse";
  // Handing over asks nobody: a parked attempt must not live on when the provider has disowned the user.
  if (now >= renewedAt + revalidateAfter) return "due";
  return isMintedFor(signIn, presented.address) ? "out-of-order" : "overlapping";
}

/** Whether the current session was minted for that address; one that isn't known, on either side, tells nobody apart. */
export function isMintedFor({ mintedFor }: SignInRecord, address: string | null): boolean {
  // Stores of the first version have no `mintedFor` to read.
  return typeof mintedFor !== "string" || address === null || address === mintedFor;
}

/** The record after a renewal that was due: the session it came from, as a rule the current one, becomes the previous. */
export function renewed(
  signIn: SignInRecord,
  to: string,
  now: number,
  mintedFor: string | null,
  from: string = signIn.current,
): SignInRecord {
  return {
    ...signIn,
    version: signIn.version + 1,
    previous: from,
    current: to,
    attempt: 0,
    renewedAt: now,
    mintedAt: now,
    mintedFor,
    presentedAt: null,
  };
}

/** The record after a lost answer: the session nobody received makes way for another attempt. */
export function replaced(
  signIn: SignInRecord,
  to: string,
  now: number,
  mintedFor: string | null,
): SignInRecord {
  const { version, attempt } = signIn;
  return {
    ...signIn,
    version: version + 1,
    current: to,
    attempt: attempt + 1,
    renewedAt: now,
    mintedAt: now,
    mintedFor,
  };
}

/** The record after the current session was first presented. */
export function presented(signIn: SignInRecord, now: number): SignInRecord {
  return { ...signIn, version: signIn.version + 1, presentedAt: now };
}

/** The record after a late hand-over of a session nobody has presented: its minting clock starts again. */
export function restarted(signIn: SignInRecord, now: number): SignInRecord {
  return { ...signIn, version: signIn.version + 1, mintedAt: now };
}

/** The record after the provider's last word was called in question: a renewal that saw it before has to judge again. */
export function questioned(signIn: SignInRecord): SignInRecord {
  return { ...signIn, version: signIn.version + 1 };
}

/** The tombstone. `owed` says that the identity provider still has to hear of it. */
export function ended(signIn: SignInRecord, reason: EndReason, owed: boolean, now: number): SignInRecord {
  return { ...signIn, version: signIn.version + 1, ended: { at: now, reason }, revocationOwed: owed };
}

/** The tombstone after the identity provider has heard of it. */
export function paid(signIn: SignInRecord): SignInRecord {
  return { ...signIn, version: signIn.version + 1, revocationOwed: false };
}
