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

/** What the store knows a session by. */
export function sessionHash(sessionId: string): string {
  return hash("sha256", sessionId, "base64url");
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
 * same id without a lock (D7, step 4); nobody without the key can compute it.
 */
export function successorSessionId(key: PurposeKeys, { previous, refreshToken, attempt }: Renewal): string {
  return createHmac("sha256", key.successor)
    .update(`${previous}\n${attempt}\n${refreshToken}`)
    .digest("base64url");
}

/**
 * Whether a presented session is an earlier attempt of the sign-in's last renewal, whose answer was taken for lost and
 * replaced. Recognised by deriving it, under any key of the ring, so that no list of attempts has to be stored.
 */
export function isReplacedAttempt(
  keys: KeyRing,
  presented: string,
  signIn: { readonly previous: string | null; readonly attempt: number },
  refreshToken: string,
): boolean {
  const { previous } = signIn;
  if (previous === null) return false;
  const attempts = Array.from({ length: signIn.attempt }, (_, attempt) => attempt);
  return attempts.some((attempt) =>
    keys.all.some(
      (key) => sessionHash(successorSessionId(key, { previous, refreshToken, attempt })) === presented,
    ),
  );
}
