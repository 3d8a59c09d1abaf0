/**
 * Records as Redis keeps them: `<number>|<JSON>`, where scripts need only the number (a session's questionedAt, a sign-in's
 * version). A session's idle limit is its key's expiry. Each record names itself, so that an answer to another question is not taken
 * for it. Reads any value, and gives `null` for what is no record: half of one, or somebody else's.
 */
import type { Device, EndReason, SessionRecord, SignInRecord, User } from "./store.ts";

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
  return parsed(value, (questionedAt, raw) => {
    const absoluteExpiresAt = number(raw["absoluteExpiresAt"]);
    return {
      hash: text(raw["hash"]),
      signInId: text(raw["signInId"]),
      user: user(raw["user"]),
      authenticatedAt: number(raw["authenticatedAt"]),
      vouchedAt: number(raw["vouchedAt"]),
      questionedAt,
      expiresAt: Math.min(number(limit), absoluteExpiresAt),
      absoluteExpiresAt,
      presented: flag(raw["presented"]),
    };
  });
}

/** A sign-in, whole. */
export function signInValue({ version, ...rest }: SignInRecord): string {
  return `${version}|${JSON.stringify(rest)}`;
}

/** The sign-in that a value is; `null` if it is none. */
export function readSignIn(value: unknown): SignInRecord | null {
  return parsed(value, (version, raw) => ({
    id: text(raw["id"]),
    version,
    application: text(raw["application"]),
    user: user(raw["user"]),
    device: device(raw["device"]),
    authenticatedAt: number(raw["authenticatedAt"]),
    absoluteExpiresAt: number(raw["absoluteExpiresAt"]),
    remembered: flag(raw["remembered"]),
    current: text(raw["current"]),
    previous: orNull(raw["previous"], text),
    attempt: number(raw["attempt"]),
    renewedAt: number(raw["renewedAt"]),
    mintedAt: number(raw["mintedAt"]),
    mintedFor: orNull(raw["mintedFor"], text),
    presentedAt: orNull(raw["presentedAt"], number),
    ended: orNull(raw["ended"], end),
    revocationOwed: flag(raw["revocationOwed"]),
  }));
}

function parsed<Record>(value: unknown, read: (number: number, raw: Raw) => Record): Record | null {
  const [, digits, json] = (typeof value === "string" ? form.exec(value) : null) ?? [];
  if (digits === undefined || json === undefined) return null;
  try {
    return read(number(Number(digits)), object(JSON.parse(json)));
  } catch {
    return null;
  }
}

type Raw = Readonly<Record<string, unknown>>;

const profile = ["email", "username", "firstName", "lastName", "fullName", "imageUrl"] as const;

function user(value: unknown): User {
  const raw = object(value);
  const { id, roles } = raw;
  if (!Array.isArray(roles)) unexpected();
  return { id: text(id), ...optional(raw, profile), roles: roles.map(text) };
}

function device(value: unknown): Device {
  const raw = object(value);
  return { name: text(raw["name"]), ...optional(raw, ["address"]) };
}

function end(value: unknown): NonNullable<SignInRecord["ended"]> {
  const raw = object(value);
  // A reason only a newer release knows is an end all the same: it must not read as absent.
  return { at: number(raw["at"]), reason: text(raw["reason"]) as EndReason };
}

function optional<Name extends string>(raw: Raw, names: readonly Name[]): { [name in Name]?: string } {
  const found: { [name in Name]?: string } = {};
  for (const name of names) if (raw[name] !== undefined) found[name] = text(raw[name]);
  return found;
}

function orNull<Value>(value: unknown, read: (value: unknown) => Value): Value | null {
  return value === null ? null : read(value);
}

function object(value: unknown): Raw {
  if (typeof value !== "object" || value === null || Array.isArray(value)) unexpected();
  return { ...value };
}

function text(value: unknown): string {
  if (typeof value !== "string") unexpected();
  return value;
}

function number(value: unknown): number {
  if (!Number.isSafeInteger(value)) unexpected();
  return Number(value);
}

function flag(value: unknown): boolean {
  if (typeof value !== "boolean") unexpected();
  return value;
}

function unexpected(): never {
  throw new TypeError("not a record");
}
