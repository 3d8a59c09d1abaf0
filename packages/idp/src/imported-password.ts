// Verifies the password schemes FusionAuth can import, so that users can move here with the password they have. Nothing is
// ever stored anew in one of these: a sign-in replaces it by argon2id. bcrypt and phpass are missing: they need a
// dependency or a cipher of our own (ASVS 11.2.1), and an import that names them is refused.

import { createHmac, hash as digestOf, pbkdf2, timingSafeEqual } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";

const derive = promisify(pbkdf2);

type Scheme = (password: string, salt: Buffer, factor: number) => Promise<Buffer>;

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["salted-md5", (password, salt, factor) => iterated("md5", password, salt, factor)],
  ["salted-sha256", (password, salt, factor) => iterated("sha256", password, salt, factor)],
  ["salted-hmac-sha256", async (password, salt) => createHmac("sha256", salt).update(password).digest()],
  ["salted-pbkdf2-hmac-sha256", (password, salt, factor) => derive(password, salt, factor, 32, "sha256")],
  ["salted-pbkdf2-hmac-sha256-512", (password, salt, factor) => derive(password, salt, factor, 64, "sha256")],
  ["salted-pbkdf2-hmac-sha512-512", (password, salt, factor) => derive(password, salt, factor, 64, "sha512")],
]);

/** The `encryptionScheme` values an import may name. */
export const IMPORTED_SCHEMES: readonly string[] = [...SCHEMES.keys()];

/** More rounds than this would let an import decide how long a sign-in keeps the machine busy. */
export const HIGHEST_FACTOR = 2_000_000;

/** True if `password` gives `hash` (base64) with `salt` (base64) and `factor`; false for an unknown scheme. */
export async function verifyImported(
  scheme: string,
  password: string,
  stored: { hash: string; salt: string; factor: number },
): Promise<boolean> {
  const expected = Buffer.from(stored.hash, "base64");
  const actual = await SCHEMES.get(scheme)?.(password, Buffer.from(stored.salt, "base64"), stored.factor);
  return actual !== undefined && actual.length === expected.length && timingSafeEqual(actual, expected);
}

// There is no off-thread form of these; a pause now and then lets other requests through.
async function iterated(algorithm: string, password: string, salt: Buffer, factor: number): Promise<Buffer> {
  let result: Buffer = Buffer.concat([Buffer.from(password), salt]);
  for (let round = 1; round <= factor; round += 1) {
    result = digestOf(algorithm, result, "buffer");
    if (round % 2_000 === 0) await nextTurn();
  }
  return result;
}
