// Verifies the password schemes FusionAuth can import, so that users can move here with the password they have. Nothing is
// ever stored anew in one of these: a sign-in replaces it by argon2id. bcrypt and phpass are missing: they need a
// dependency or a cipher of our own (ASVS 11.2.1), and an import that names them is refused.

import { createHmac, hash as digestOf, pbkdf2, timingSafeEqual } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import type { PasswordHash } from "./store/records.ts";

const derive = promisify(pbkdf2);

interface Scheme {
  readonly work: (password: string, salt: Buffer, factor: number) => Promise<Buffer>;
  readonly highestFactor: number;
}

// More rounds would let an import decide how long a sign-in keeps the machine busy (CWE-400): PBKDF2 runs beside the event
// loop, the iterated digests on it.
const BESIDE = 1_000_000;
const ON_THE_LOOP = 100_000;

const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["salted-md5", iterated("md5")],
  ["salted-sha256", iterated("sha256")],
  ["salted-hmac-sha256", { work: hmac, highestFactor: BESIDE }],
  ["salted-pbkdf2-hmac-sha256", derived("sha256", 32)],
  ["salted-pbkdf2-hmac-sha256-512", derived("sha256", 64)],
  ["salted-pbkdf2-hmac-sha512-512", derived("sha512", 64)],
]);

/** The `encryptionScheme` values an import may name. */
export const IMPORTED_SCHEMES: readonly string[] = [...SCHEMES.keys()];

/** The most rounds an import may bring for a scheme; 0 for an unknown one. */
export function highestFactor(scheme: string): number {
  return SCHEMES.get(scheme)?.highestFactor ?? 0;
}

/** The highest factor of each imported scheme that is still in use. */
export type ImportedFactors = ReadonlyMap<string, number>;

/** Hears of the rounds of a scheme that were done. */
export type CountRounds = (scheme: string, rounds: number) => void;

/** True if `password` gives the stored hash (base64) with its salt (base64) and factor; false for an unknown scheme. */
export async function verifyImported(
  password: string,
  stored: PasswordHash,
  count: CountRounds,
): Promise<boolean> {
  const expected = Buffer.from(stored.hash, "base64");
  const salt = Buffer.from(stored.salt ?? "", "base64");
  const actual = await rounds(stored.scheme, { password, salt, factor: stored.factor ?? 1 }, count);
  return actual !== undefined && actual.length === expected.length && timingSafeEqual(actual, expected);
}

/**
 * Does what `stored` lacks to the dearest password of each scheme in `present`. After it, checking any password cost the
 * same number of rounds of each, so that time does not tell an imported user from an unknown one (CWE-208).
 */
export async function makeUpFor(
  present: ImportedFactors,
  stored: PasswordHash | null,
  count: CountRounds,
): Promise<void> {
  for (const [scheme, highest] of present) {
    const done = stored?.scheme === scheme ? (stored.factor ?? 1) : 0;
    const factor = highest - done;
    if (factor > 0) await rounds(scheme, { password: "", salt: Buffer.alloc(16), factor }, count);
  }
}

async function rounds(
  scheme: string,
  { password, salt, factor }: { password: string; salt: Buffer; factor: number },
  count: CountRounds,
): Promise<Buffer | undefined> {
  count(scheme, factor);
  return SCHEMES.get(scheme)?.work(password, salt, factor);
}

function derived(digest: string, bytes: number): Scheme {
  return {
    work: (password, salt, factor) => derive(password, salt, factor, bytes, digest),
    highestFactor: BESIDE,
  };
}

async function hmac(password: string, salt: Buffer): Promise<Buffer> {
  return createHmac("sha256", salt).update(password).digest();
}

// There is no off-thread form of these; a pause every few milliseconds lets other requests through.
function iterated(algorithm: string): Scheme {
  return {
    async work(password, salt, factor) {
      let result: Buffer = Buffer.concat([Buffer.from(password), salt]);
      for (let round = 1; round <= factor; round += 1) {
        result = digestOf(algorithm, result, "buffer");
        if (round % 1_000 === 0) await nextTurn();
      }
      return result;
    },
    highestFactor: ON_THE_LOOP,
  };
}
