/**
 * Session ids: 256 bits, 43 characters of base64url. The browser holds the id, the store only its SHA-256 (ASVS 7.2.3),
 * so that a dump of the store opens nothing.
 */
import { createHmac, hash } from "node:crypto";
import type { KeyRing, PurposeKeys } from "./key-ring.ts";

/** Whether a cookie's value can be a session id at all; what can't is not looked up. */
export function isSessionId(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value);
}

/**
 * What the store knows a session by. The application is part of it, so that a cookie of one application opens nothing
 * at another that shares the store.
 */
export function sessionHash(application: string, sessionId: string): string {
  return hash("sha256", `${application}\n${sessionId}`, "base64url");
}

/** The renewal that a session id comes from. */
export interface Renewal {
  /** Hash of the session that was renewed. */
  readonly previous: string;
  /** The refresh token the provider answered with. */
  readonly refreshToken: string;
  readonly attempt: number;
}

/**
 * The session id a renewal leads to. A keyed function of what every node sees alike, so that all nodes arrive at the
 * same id without a lock (D7); nobody without the key can compute it.
 */
export function successorSessionId(key: PurposeKeys, { previous, refreshToken, attempt }: Renewal): string {
  return createHmac("sha256", key.successor)
    .update(`${previous}\n${attempt}\n${refreshToken}`)
    .digest("base64url");
}

/** The session ids a renewal leads to under each key of the ring: a node may write with another key than this one. */
export function possibleSuccessors(keys: KeyRing, renewal: Renewal): string[] {
  return keys.all.map((key) => successorSessionId(key, renewal));
}

/**
 * Whether a presented session is an earlier attempt of the sign-in's last renewal, whose answer was taken for lost and
 * replaced. Recognised by deriving it, so that no list of attempts has to be stored.
 */
export function isReplacedAttempt(
  keys: KeyRing,
  hashOf: (sessionId: string) => string,
  presented: { readonly session: string; readonly refreshToken: string },
  { previous, attempt }: { readonly previous: string | null; readonly attempt: number },
): boolean {
  if (previous === null) return false;
  const { session, refreshToken } = presented;
  const earlierAttempts = Array.from({ length: attempt }, (_, earlier) => earlier);
  return earlierAttempts.some((earlier) =>
    possibleSuccessors(keys, { previous, refreshToken, attempt: earlier }).some(
      (id) => hashOf(id) === session,
    ),
  );
}
