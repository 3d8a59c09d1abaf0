/** Records and keys that tests of the pure parts and of the stores start from. Nothing here decides anything. */
import { randomBytes } from "node:crypto";
import { type CookieKey, type KeyRing, keyRing } from "../src/key-ring.ts";
import type { SessionRecord, SignInRecord } from "../src/store/store.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** An instant to start from; a real one, so that nothing works only near zero. */
export const start: number = Date.UTC(2100, 4, 1, 9);

/** A sign-in at `start`, whose session "s0" was minted then and not presented yet. */
export function signInRecord(changed: Partial<SignInRecord> = {}): SignInRecord {
  return {
    id: "sign-in-1",
    version: 0,
    application: "store",
    user: { id: "user-1", email: "ada@example.com", roles: ["customer"] },
    device: { name: "Firefox on Linux", address: "192.0.2.1" },
    authenticatedAt: start,
    absoluteExpiresAt: start + day,
    remembered: false,
    current: "s0",
    previous: null,
    attempt: 0,
    renewedAt: start,
    mintedAt: start,
    mintedFor: null,
    presentedAt: null,
    ended: null,
    revocationOwed: false,
    ...changed,
  };
}

/** A session minted at `start`, idle after half an hour. */
export function sessionRecord(changed: Partial<SessionRecord> = {}): SessionRecord {
  return {
    hash: "hash-1",
    signInId: "sign-in-1",
    user: { id: "user-1", email: "ada@example.com", roles: ["customer"] },
    authenticatedAt: start,
    vouchedAt: start,
    questionedAt: 0,
    expiresAt: start + 30 * minute,
    absoluteExpiresAt: start + day,
    presented: false,
    ...changed,
  };
}

/** A new cookie key. */
export function cookieKey(id: string): CookieKey {
  return { id, secret: randomBytes(32).toString("base64url") };
}

/** A key ring with new keys of these ids. */
export function newRing(...ids: string[]): KeyRing {
  return keyRing(ids.map(cookieKey), "store");
}
