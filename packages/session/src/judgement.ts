/**
 * The state machine of renewal (D7, step 2): what a presented pair is, judged against the sign-in's record. A lost
 * answer and concurrent tabs must not look like a theft; a theft must not look like either.
 *
 * | the presented session is | and the current session | it is | do |
 * | --- | --- | --- | --- |
 * | any | the sign-in has ended | – | sign in again; the provider is not asked |
 * | any | the sign-in is past a limit | – | sign in again |
 * | current | – | a renewal that is due | renew |
 * | previous | never presented, minted ≤ 30 s ago | concurrent tabs | hand over the current pair |
 * | previous | never presented, minted longer ago | a lost answer | replace it with another session id |
 * | previous | first presented ≤ 30 s ago | concurrent tabs | hand over the current pair |
 * | previous | first presented longer ago | reuse | end the sign-in |
 * | a replaced attempt | never presented, or first presented ≤ 30 s ago | answers out of order | hand over |
 * | a replaced attempt | first presented longer ago | reuse | end the sign-in |
 * | anything else | – | reuse | end the sign-in |
 */
import type { SignInRecord } from "./store/store.ts";

/** What a presented pair is. */
export type Judgement = "ended" | "expired" | "due" | "concurrent" | "lost-answer" | "out-of-order" | "reuse";

/** What is judged, at the instant `now`. */
export interface Presented {
  /** Hash of the presented session id. */
  readonly session: string;
  /** Whether it is an attempt of the last renewal that was replaced by a later one. */
  readonly replacedAttempt: boolean;
  readonly now: number;
  /** Milliseconds a sign-in may go without a renewal. */
  readonly signInIdle: number;
}

/**
 * How long after a renewal the replaced pair may still arrive from an honest browser: requests already on their way,
 * tabs opened at once. Simulated: much less signs honest users out, more gives a thief more time.
 */
export const concurrencyWindow = 30_000;

/** Judges a presented pair by the table above. Pure: reads no clock and no store. */
export function judge(
  signIn: SignInRecord,
  { session, replacedAttempt, now, signInIdle }: Presented,
): Judgement {
  if (signIn.ended !== null) return "ended";
  if (now >= signIn.absoluteExpiresAt || now >= signIn.mintedAt + signInIdle) return "expired";
  if (session === signIn.current) return "due";

  const { presentedAt, mintedAt } = signIn;
  const justPresented = presentedAt !== null && now - presentedAt <= concurrencyWindow;
  if (session === signIn.previous) {
    if (presentedAt === null) return now - mintedAt <= concurrencyWindow ? "concurrent" : "lost-answer";
    return justPresented ? "concurrent" : "reuse";
  }
  if (replacedAttempt && (presentedAt === null || justPresented)) return "out-of-order";
  return "reuse";
}

/** The record after a renewal that was due: the presented session becomes the previous one. */
export function renewed(signIn: SignInRecord, session: string, now: number): SignInRecord {
  return {
    ...signIn,
    version: signIn.version + 1,
    previous: signIn.current,
    current: session,
    attempt: 0,
    mintedAt: now,
    presentedAt: null,
  };
}

/** The record after a lost answer: the session nobody received makes way for another attempt. */
export function replaced(signIn: SignInRecord, session: string, now: number): SignInRecord {
  return {
    ...signIn,
    version: signIn.version + 1,
    current: session,
    attempt: signIn.attempt + 1,
    mintedAt: now,
  };
}

/** The record after the current session was first presented, or handed over late (`restarted`). */
export function presented(signIn: SignInRecord, now: number): SignInRecord {
  return { ...signIn, version: signIn.version + 1, presentedAt: now };
}

/** The record after a late hand-over of a session nobody has presented: its minting clock starts again. */
export function restarted(signIn: SignInRecord, now: number): SignInRecord {
  return { ...signIn, version: signIn.version + 1, mintedAt: now };
}

/** The tombstone. `owed` says that the identity provider still has to hear of it. */
export function ended(
  signIn: SignInRecord,
  reason: NonNullable<SignInRecord["ended"]>["reason"],
  owed: boolean,
  now: number,
): SignInRecord {
  return { ...signIn, version: signIn.version + 1, ended: { at: now, reason }, revocationOwed: owed };
}

/** The tombstone after the identity provider has heard of it. */
export function paid(signIn: SignInRecord): SignInRecord {
  return { ...signIn, version: signIn.version + 1, revocationOwed: false };
}
