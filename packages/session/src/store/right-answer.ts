/**
 * Whether a store's answer can be the answer to what it was asked: whole records, of the id, the user, the application that were asked
 * for. Anything else counts as an outage (D9): half a record would read as a sign-in without limits, somebody else's as somebody else.
 */
import type { LiveSignIns, SessionRecord, SignInRecord } from "./store.ts";
import { isSessionRecord, isSignInRecord } from "./well-formed.ts";

/** The session of that hash, or that there is none. */
export function isSessionOrNull(answer: SessionRecord | null, hash: string): boolean {
  return answer === null || (isSessionRecord(answer) && answer.hash === hash);
}

/** The sign-in of that id, or that there is none. */
export function isSignInOrNull(answer: SignInRecord | null, id: string): boolean {
  return answer === null || (isSignInRecord(answer) && answer.id === id);
}

/** Sign-ins that are among those that were asked for (CWE-639). */
export function areLiveSignIns(
  answer: readonly SignInRecord[],
  { application, userId }: LiveSignIns,
): boolean {
  return (
    areSignIns(answer) &&
    answer.every((each) => each.application === application && (userId === null || each.user.id === userId))
  );
}

/** A list of sign-ins. */
export function areSignIns(answer: readonly SignInRecord[]): boolean {
  return Array.isArray(answer) && answer.every(isSignInRecord);
}

/** Yes or no. */
export function isBoolean(answer: boolean): boolean {
  return typeof answer === "boolean";
}
