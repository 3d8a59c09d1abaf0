/**
 * Records as Redis keeps them: `<number>|<JSON>`, where scripts need only the number (a session's questionedAt, a sign-in's
 * version). A session's idle limit is its key's expiry. Each record names itself, so that an answer to another question is not taken
 * for it. Reads any value, and gives `null` for what is no record: half of one, or somebody else's.
 */
import type { SessionRecord, SignInRecord } from "./store.ts";
import { fromJson, isSessionRecord, isSignInRecord } from "./well-formed.ts";

const form = /^(\d{1,16})\|(.*)$/s;

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
  const { number: questionedAt, rest } = parts(value);
  const { absoluteExpiresAt } = rest;
  const isLimited = typeof limit === "number" && typeof absoluteExpiresAt === "number";
  const expiresAt = isLimited ? Math.min(limit, absoluteExpiresAt) : null;
  const session = { ...rest, questionedAt, expiresAt };
  return isSessionRecord(session) ? session : null;
}

/** A sign-in, whole. */
export function signInValue({ version, ...rest }: SignInRecord): string {
  return `${version}|${JSON.stringify(rest)}`;
}

/** The sign-in that a value is; `null` if it is none. */
export function readSignIn(value: unknown): SignInRecord | null {
  const { number: version, rest } = parts(value);
  const signIn = { ...rest, version };
  return isSignInRecord(signIn) ? signIn : null;
}

interface Parts {
  readonly number: number | null;
  readonly rest: Readonly<Record<string, unknown>>;
}

/** What a value is made of; no part of it where it is no record. */
function parts(value: unknown): Parts {
  const [, digits, json] = (typeof value === "string" ? form.exec(value) : null) ?? [];
  const rest = fromJson(json);
  if (digits === undefined || typeof rest !== "object" || rest === null) return { number: null, rest: {} };
  return { number: Number(digits), rest: { ...rest } };
}
