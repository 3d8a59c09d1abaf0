/**
 * Records as Redis keeps them: `<number>|<JSON>`, where scripts need only the number (a session's questionedAt, a sign-in's
 * version). A session's idle limit is its key's expiry. Each record names itself, so that an answer to another question is not taken
 * for it. Reads any value, and gives `null` for what is no record: half of one, or somebody else's.
 */
import type { SessionRecord, SignInRecord } from "./store.ts";
import { fromJson, isSessionRecord, isSignInRecord } from "./well-formed.ts";

/** A session without its number. */
export function sessionJson(session: SessionRecord): string {
  const { questionedAt: _, expiresAt: __, ...rest } = session;
  return JSON.stringify(rest);
}

/** A session, whole. */
export function sessionValue(session: SessionRecord): string {
  return `${session.questionedAt}|${sessionJson(session)}`;
}

/** The session that a value and its key's expiry are; `null` if they are none. */
export function readSession(value: unknown, limit: unknown): SessionRecord | null {
  const session = parts(value);
  if (session === null) return null;
  const { number, record } = session;
  const { absoluteExpiresAt } = record;
  const isLimited = typeof limit === "number" && typeof absoluteExpiresAt === "number";
  record["questionedAt"] = number;
  record["expiresAt"] = isLimited ? Math.min(limit, absoluteExpiresAt) : null;
  return isSessionRecord(record) ? record : null;
}

/** A sign-in, whole. */
export function signInValue({ version, ...rest }: SignInRecord): string {
  return `${version}|${JSON.stringify(rest)}`;
}

/** The sign-in that a value is; `null` if it is none. */
export function readSignIn(value: unknown): SignInRecord | null {
  const signIn = parts(value);
  if (signIn === null) return null;
  signIn.record["version"] = signIn.number;
  return isSignInRecord(signIn.record) ? signIn.record : null;
}

interface Parts {
  readonly number: number;
  /** What JSON said, nobody else's yet. */
  readonly record: Record<string, unknown>;
}

/** What a value is made of; `null` where it is no record. */
function parts(value: unknown): Parts | null {
  if (typeof value !== "string") return null;
  const bar = value.indexOf("|");
  const digits = value.slice(0, bar);
  if (!/^\d{1,16}$/.test(digits)) return null;
  const record = fromJson(value.slice(bar + 1));
  if (typeof record !== "object" || record === null || Array.isArray(record)) return null;
  return { number: Number(digits), record: record as Record<string, unknown> };
}
