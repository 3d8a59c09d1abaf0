/**
 * The application's cookie keys. The first one writes, all of them read, so that keys are rolled without signing
 * anybody out: distribute a new key as the last → promote it to the first → retire the old one after the longest
 * lifetime. Each purpose gets a key of its own from HKDF (RFC 5869), so that no value of one purpose serves another.
 */
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";

/** A key of the ring. `id` stands in the clear in cookies; `secret` is at least 32 bytes, written in base64url. */
export interface CookieKey {
  readonly id: string;
  readonly secret: string;
}

/** What a key of the ring is used for; made once, because Node makes a key of a buffer anew at each use. */
export interface PurposeKeys {
  readonly id: string;
  /** Seals the refresh-token cookie (AES-256-GCM). */
  readonly seal: KeyObject;
  /** Derives the next session id (HMAC-SHA-256). */
  readonly successor: KeyObject;
  /** Authenticates form tokens (HMAC-SHA-256). */
  readonly form: KeyObject;
}

/** All keys; `primary` is the one that writes. */
export interface KeyRing {
  readonly primary: PurposeKeys;
  readonly all: readonly PurposeKeys[];
  find(id: string): PurposeKeys | undefined;
}

/** Checks the keys and derives one per purpose; throws a TypeError that names the option, never the secret. */
export function keyRing(keys: readonly CookieKey[], application: string): KeyRing {
  const all = keys.map((key, index) => purposeKeys(key, index, application));
  const [primary] = all;
  if (primary === undefined) throw new TypeError('"cookieKeys" must hold at least one key');
  if (new Set(all.map((key) => key.id)).size !== all.length) {
    throw new TypeError('"cookieKeys" must not hold two keys of one id');
  }
  return { primary, all, find: (id) => all.find((key) => key.id === id) };
}

function purposeKeys(key: CookieKey, index: number, application: string): PurposeKeys {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(key.id)) {
    throw new TypeError(`"cookieKeys[${index}].id" must be 1 to 16 of A–Z a–z 0–9 _ -`);
  }
  // An environment variable that is not set arrives here as undefined: that must be refused by name too.
  const secret = Buffer.from(key.secret ?? "", "base64url");
  if (secret.length < 32) {
    throw new TypeError(`"cookieKeys[${index}].secret" must be at least 32 random bytes, in base64url`);
  }
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", `latchkey/${application}/${purpose}`, 32)));
  return { id: key.id, seal: derive("seal"), successor: derive("successor"), form: derive("form") };
}
