/**
 * What the refresh-token cookie holds: the provider's refresh token and what it is bound to, sealed with AES-256-GCM.
 * A thief of the cookie learns nothing from it, can't use it at the provider, at another application, or with any
 * session id but the one it was set with (D3, attack A2).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { KeyRing } from "./key-ring.ts";
import type { NewCookies } from "./policy.ts";
import type { Settings } from "./settings.ts";
import type { SignInRecord } from "./store/store.ts";

/** The sealed contents. Times are epoch milliseconds. */
export interface SealedPair {
  readonly refreshToken: string;
  /** Hash of the session id this was set with. */
  readonly session: string;
  readonly signInId: string;
  readonly userId: string;
  readonly authenticatedAt: number;
  readonly renewedAt: number;
  readonly remembered: boolean;
}

/** A pair that was opened, and the key it was sealed with. */
export interface OpenedPair extends SealedPair {
  readonly keyId: string;
}

const nonceLength = 12;
const tagLength = 16;

/** Seals with the ring's first key: `key id . nonce ciphertext tag`. The key id and `context` are authenticated too. */
export function sealPair(keys: KeyRing, context: string, pair: SealedPair, nonce: Buffer): string {
  const { id, seal } = keys.primary;
  const cipher = createCipheriv("aes-256-gcm", seal, nonce).setAAD(Buffer.from(`${id}\n${context}`));
  const fields = [
    pair.refreshToken,
    pair.session,
    pair.signInId,
    pair.userId,
    pair.authenticatedAt,
    pair.renewedAt,
    pair.remembered ? 1 : 0,
  ];
  const sealed = Buffer.concat([
    nonce,
    cipher.update(JSON.stringify(fields)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return `${id}.${sealed.toString("base64url")}`;
}

/**
 * Opens what `sealPair` made; `null` for anything else. A broken seal is the same as no cookie, never an exception, and
 * so is an unknown key id: another node may know it, so nobody clears the cookie for it.
 */
export function openPair(keys: KeyRing, context: string, cookie: string): OpenedPair | null {
  const dot = cookie.indexOf(".");
  const key = keys.find(cookie.slice(0, Math.max(dot, 0)));
  const sealed = Buffer.from(cookie.slice(dot + 1), "base64url");
  if (key === undefined || sealed.length <= nonceLength + tagLength) return null;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key.seal, sealed.subarray(0, nonceLength))
      .setAAD(Buffer.from(`${key.id}\n${context}`))
      .setAuthTag(sealed.subarray(-tagLength));
    const text = Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()]);
    return readFields(JSON.parse(text.toString()), key.id);
  } catch {
    return null;
  }
}

function readFields(fields: unknown, keyId: string): OpenedPair | null {
  if (!Array.isArray(fields)) return null;
  const [refreshToken, session, signInId, userId, authenticatedAt, renewedAt, remembered] =
    fields as unknown[];
  if (typeof refreshToken !== "string" || typeof session !== "string" || typeof signInId !== "string")
    return null;
  if (typeof userId !== "string" || typeof authenticatedAt !== "number" || typeof renewedAt !== "number")
    return null;
  return {
    refreshToken,
    session,
    signInId,
    userId,
    authenticatedAt,
    renewedAt,
    remembered: remembered === 1,
    keyId,
  };
}

/** The two cookies of a pair: one lifetime, one response, the refresh token sealed to the session id. */
export function pairCookies(
  settings: Settings,
  signIn: SignInRecord,
  sessionId: string,
  refreshToken: string,
): NewCookies {
  const { keys, lifetimes, now, randomBytes, hashOf } = settings;
  const { id: signInId, user, authenticatedAt, renewedAt, remembered, absoluteExpiresAt } = signIn;
  const bound = { refreshToken, session: hashOf(sessionId), signInId, userId: user.id };
  const pair = { ...bound, authenticatedAt, renewedAt, remembered };
  return {
    sessionId,
    refreshToken: sealPair(keys, context(settings), pair, randomBytes(nonceLength)),
    maxAge: remembered ? Math.min(lifetimes.rememberedIdle, absoluteExpiresAt - now()) : null,
  };
}

/** What `pairCookies` sealed; `null` for anything else. */
export function openPresented(settings: Settings, refreshToken: string): OpenedPair | null {
  return openPair(settings.keys, context(settings), refreshToken);
}

/** A cookie of another application, or under another name, does not open. */
function context({ application, cookieWriter }: Settings): string {
  return `${application}\n${cookieWriter.names.refreshToken}`;
}
