// Hashing and checking passwords: argon2id, off the event loop, within bounds (D12; ASVS 11.4.2). A password is taken exactly
// as received after Unicode NFC (NIST SP 800-63B-4 §3.1.1.2): no trimming, no cutting off, no folding of case.
// What makes a password acceptable is password-rules.ts.

import { hash as argon2, parseOptions, verify as verifyArgon2 } from "@node-rs/argon2";
import type { ResolvedConfig } from "./config.ts";
import type { Publish } from "./events.ts";
import { createHashingQueue } from "./hashing-queue.ts";
import { type CountRounds, type ImportedFactors, makeUpFor, verifyImported } from "./imported-password.ts";
import type { PasswordHash, User } from "./store/records.ts";

/** Hashes and checks passwords. Every method throws HashingBusyError when too many are at it. */
export interface Passwords {
  /** The form in which a new password is stored. `range` is the address it comes from, where a user himself chose it. */
  hash(password: string, range?: string | null): Promise<PasswordHash>;
  /**
   * True if it is this user's password. Whenever the answer is false the same work was done – argon2id, and the dearest
   * password of each imported scheme that is in use – for no user too, so that time does not tell who exists (CWE-208).
   * `range` is the address that guesses, as address-range.ts has it; null if it is not known.
   */
  verify(
    user: User | null,
    password: string,
    by: { imported: ImportedFactors; range: string | null },
  ): Promise<boolean>;
  /** Throws HashingBusyError where no password would be taken now: a flood costs little more than reading that it came. */
  requirePlace(): void;
  /** True if the stored form should be replaced at the next sign-in: another scheme or other parameters than today's. */
  isOutdated(stored: PasswordHash): boolean;
  /** Settles when nothing is being hashed. */
  idle(): Promise<void>;
}

// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The passwords of one provider. */
export async function createPasswords(
  { hashing, randomBytes, now }: Pick<ResolvedConfig, "hashing" | "randomBytes" | "now">,
  publish: Publish,
): Promise<Passwords> {
  const queue = createHashingQueue(hashing, publish, now);
  const hashNow = (password: string): Promise<string> =>
    argon2(password.normalize("NFC"), { ...PARAMETERS, salt: randomBytes(16) });
  const nobodys = await hashNow(randomBytes(24).toString("base64url"));

  return {
    async hash(password, range = null) {
      return {
        scheme: "argon2id",
        hash: await queue.run(range, () => hashNow(password)),
        salt: null,
        factor: null,
      };
    },

    verify(user, password, { imported, range }) {
      const stored = user?.password ?? null;
      return queue.run(range, async () => {
        const rounds: Record<string, number> = {};
        const count: CountRounds = (scheme, done) => {
          rounds[scheme] = (rounds[scheme] ?? 0) + done;
        };
        const isRight = await isPassword({ password: password.normalize("NFC"), stored, nobodys }, count);
        if (!isRight) await makeUpFor(imported, stored, count);
        publish({ type: "password-checked", userId: user?.id ?? null, isRight, rounds });
        return isRight;
      });
    },

    requirePlace: () => queue.requirePlace(),
    isOutdated: (stored) => stored.scheme !== "argon2id" || !hasTodaysParameters(stored.hash),
    idle: () => queue.idle(),
  };
}

async function isPassword(
  { password, stored, nobodys }: { password: string; stored: PasswordHash | null; nobodys: string },
  count: CountRounds,
): Promise<boolean> {
  const isImported = stored !== null && stored.scheme !== "argon2id";
  if (isImported && (await verifyImported(password, stored, count))) return true;
  count("argon2id", 1);
  if (isImported || stored === null) {
    await verifyArgon2(nobodys, password);
    return false;
  }
  return verifyArgon2(stored.hash, password);
}

function hasTodaysParameters(hash: string): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(hash);
  return (
    memoryCost === PARAMETERS.memoryCost &&
    timeCost === PARAMETERS.timeCost &&
    parallelism === PARAMETERS.parallelism
  );
}
