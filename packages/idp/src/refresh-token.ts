// The refresh token as text: key id ‖ row id ‖ generation ‖ MAC, in base64url, at most 94 characters (D6).
// The only file that knows the layout. Forging one takes a configured key and the row's secret from the database. It judges
// nothing: whether a genuine token is still good is judgement.ts.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { ResolvedConfig } from "./config.ts";
import { deriveKey } from "./sealing.ts";
import type { RefreshToken } from "./store/records.ts";
import { uuidOfHex } from "./uuid.ts";

/** What a refresh token says, before anyone has checked that it is genuine. */
export interface ClaimedToken {
  keyId: string;
  id: string;
  generation: number;
  mac: Buffer;
}

/** The row a token belongs to, as far as the MAC covers it. */
export type TokenRow = Pick<RefreshToken, "id" | "secret" | "tenantId" | "applicationId">;

/** The highest generation that fits; at one rotation a second it is reached after 136 years. */
export const LAST_GENERATION = 0xffff_ffff;

const MAC_BYTES = 32;
const FIXED_BYTES = 16 + 4 + MAC_BYTES;

/** Makes and recognises refresh tokens. */
export interface RefreshTokenCodec {
  /** The key that writes new generations. */
  readonly keyId: string;
  /** The one text of this row's generation under this key: always the same, so a successor can be handed out again. */
  encode(row: TokenRow, generation: number, keyId: string): string;
  /** False for a token under a key that is not in the ring, or not any more: nobody can tell whether it is genuine. */
  knowsKeyOf(claimed: ClaimedToken): boolean;
  /** True only for a token that this provider issued for this row. Constant time. */
  isGenuine(claimed: ClaimedToken, row: TokenRow): boolean;
}

/** The codec over a key ring; `encode` throws for a key that is not in it. */
export function createRefreshTokenCodec({ keys }: Pick<ResolvedConfig, "keys">): RefreshTokenCodec {
  const ring = new Map(keys.map(({ id, secret }) => [id, deriveKey(secret, "latchkey idp: refresh token")]));

  const mac = (row: TokenRow, generation: number, keyId: string): Buffer | null => {
    const key = ring.get(keyId);
    return key === undefined ? null : createHmac("sha256", key).update(covered(row, generation)).digest();
  };

  return {
    keyId: keys[0]?.id ?? "",

    encode(row, generation, keyId) {
      const code = mac(row, generation, keyId);
      if (code === null) throw new RangeError(`No key ${keyId} in config.keys to write a refresh token with`);
      return layOut({ keyId, id: row.id, generation, mac: code });
    },

    knowsKeyOf: ({ keyId }) => ring.has(keyId),

    isGenuine(claimed, row) {
      const expected = mac(row, claimed.generation, claimed.keyId);
      return claimed.id === row.id && expected !== null && timingSafeEqual(expected, claimed.mac);
    },
  };
}

/** The text of a token. */
export function layOut({ keyId, id, generation, mac }: ClaimedToken): string {
  const bytes = Buffer.alloc(1 + keyId.length + FIXED_BYTES);
  bytes.writeUInt8(keyId.length);
  bytes.write(keyId, 1, "latin1");
  bytes.write(hexOf(id, generation), 1 + keyId.length, "hex");
  bytes.set(mac, bytes.length - MAC_BYTES);
  return bytes.toString("base64url");
}

/** What the text claims; null for any text that `layOut` could not have made. */
export function decodeRefreshToken(token: string): ClaimedToken | null {
  const bytes = Buffer.from(token, "base64url");
  // Base64url can spell one value in several ways; only the one we write is a token (CWE-180).
  if (token.length > 191 || bytes.toString("base64url") !== token) return null;
  const keyIdLength = bytes[0] ?? 0;
  if (keyIdLength === 0 || keyIdLength > 16 || bytes.length !== 1 + keyIdLength + FIXED_BYTES) return null;
  const keyId = bytes.toString("latin1", 1, 1 + keyIdLength);
  if (!/^[A-Za-z0-9_-]+$/.test(keyId)) return null;
  const rest = bytes.subarray(1 + keyIdLength);
  return {
    keyId,
    id: uuidOfHex(rest.toString("hex", 0, 16)),
    generation: rest.readUInt32BE(16),
    mac: rest.subarray(20),
  };
}

// All parts have a fixed length, so that no two different inputs give the same bytes. Tenant and application are covered:
// a row that was moved to another client by whoever can write the database no longer matches its tokens.
function covered(row: TokenRow, generation: number): Buffer {
  const named = hexOf(row.id, generation, row.tenantId, row.applicationId);
  const bytes = Buffer.alloc(row.secret.length + named.length / 2);
  bytes.set(row.secret);
  bytes.write(named, row.secret.length, "hex");
  return bytes;
}

// Ids and a number of 32 bits, one after the other; in one text, since to read hex once costs less than four times.
function hexOf(id: string, generation: number, ...more: readonly string[]): string {
  if (generation > LAST_GENERATION) throw new RangeError("No generation of a refresh token is that high");
  return [id, generation.toString(16).padStart(8, "0"), ...more].join("").replaceAll("-", "");
}
