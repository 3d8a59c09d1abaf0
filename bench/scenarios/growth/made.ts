// The sessions, sign-ins and people of the growth scenario: each follows from its number, so that whoever knows the number knows the cookie.
// Five sign-ins a person, spread over half a day; ids are as scattered as drawn ones.
import { hash } from "node:crypto";
import { sessionHash } from "../../../packages/session/src/session-id.ts";
import type { SessionRecord, SignInRecord, User } from "../../../packages/session/src/store/store.ts";

/** The application whose sessions they are. */
export const application = "growth";

/** Sign-ins of one person. */
export const each = 5;

const minute = 60_000;
const halfADay = 720 * minute;

/** How many there are, and when they were made, epoch milliseconds. */
export interface Made {
  readonly size: number;
  readonly at: number;
}

/** What the browser of that session holds. */
export function sessionIdOf(index: number): string {
  return hash("sha256", `session ${index}`, "base64url");
}

/** The Cookie header of that browser. The refresh token beside it is not opened while the session lives: any of its length will do. */
export function cookieOf(index: number): string {
  return `__Host-session=${sessionIdOf(index)}; __Host-refresh-token=1.${"A".repeat(330)}`;
}

/** What the store knows it by. */
export function hashOf(index: number): string {
  return sessionHash(application, sessionIdOf(index));
}

/** The id of the sign-in, user, … of that number. */
export function uuidOf(kind: string, index: number): string {
  const hex = hash("sha256", `${kind} ${index}`, "hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Whose session that is. */
export function personOf(index: number, { size }: Pick<Made, "size">): number {
  return index % peopleOf(size);
}

/** How many people so many sessions are of. */
export function peopleOf(size: number): number {
  return size / each;
}

/** A person as sessions keep them. */
export function userOf(person: number): User {
  const id = uuidOf("user", person);
  return { id, email: `${id.slice(0, 8)}@example.com`, fullName: "Ada Lovelace", roles: ["customer"] };
}

/** The session of that number: last used between no and twenty minutes ago, and so over in ten to thirty. */
export function sessionOf(index: number, made: Made): SessionRecord {
  const authenticatedAt = authenticated(index, made);
  return {
    hash: hashOf(index),
    signInId: uuidOf("sign-in", index),
    user: userOf(personOf(index, made)),
    authenticatedAt,
    vouchedAt: made.at,
    questionedAt: 0,
    expiresAt: made.at + 10 * minute + ((index * 7_919) % 1_200) * 1_000,
    absoluteExpiresAt: authenticatedAt + 2 * halfADay,
    presented: true,
  };
}

/** The sign-in of that number. */
export function signInOf(index: number, made: Made): SignInRecord {
  const authenticatedAt = authenticated(index, made);
  return {
    id: uuidOf("sign-in", index),
    version: 1,
    application,
    user: userOf(personOf(index, made)),
    device: { name: "Firefox on Linux", address: "192.0.2.1" },
    authenticatedAt,
    absoluteExpiresAt: authenticatedAt + 2 * halfADay,
    remembered: false,
    current: hashOf(index),
    previous: null,
    attempt: 0,
    renewedAt: made.at,
    mintedAt: made.at,
    mintedFor: null,
    presentedAt: made.at,
    ended: null,
    revocationOwed: false,
  };
}

function authenticated(index: number, { size, at }: Made): number {
  return at - halfADay + Math.floor((halfADay * index) / size);
}
