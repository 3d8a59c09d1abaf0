// Hashing and checking passwords: argon2id, off the event loop, within bounds (D12; ASVS 11.4.2). A password is taken exactly
// as received after Unicode NFC (NIST SP 800-63B-4 §3.1.1.2): no trimming, no cutting off, no folding of case.
// What makes a password acceptable is password-rules.ts.

import { hash as argon2, parseOptions, verify as verifyArgon2 } from "@node-rs/argon2";
import type { ResolvedConfig } from "./config.ts";
import type { Publish } from "./events.ts";
import { createHashingQueue } from "./hashing-queue.ts";
import { verifyImported } from "./imported-password.ts";
import type { PasswordHash, User } from "./store/records.ts";

/** Hashes and checks passwords. Every method throws HashingBusyError when too many are at it. */
export interface Passwords {
  /** The form in which a new password is stored. */
  hash(password: string): Promise<PasswordHash>;
  /**
   * True if it is this user's password. For no user, or one without a password, the same work is done and the answer is
   * false, so that time does not tell who exists (CWE-208).
   */
  verify(user: User | null, password: string): Promise<boolean>;
  /** True if the stored form should be replaced at the next sign-in: another scheme or other parameters than today's. */
  isOutdated(stored: PasswordHash): boolean;
  /** Settles when nothing is being hashed. */
  idle(): Promise<void>;
}

// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The passwords of one provider. */
export async function createPasswords(
  { hashing, randomBytes }: Pick<ResolvedConfig, "hashing" | "randomBytes">,
  publish: Publish,
): Promise<Passwords> {
  const queue = createHashingQueue(hashing, publish);
  const hashNow = (password: string): Promise<string> =>
    argon2(password.normalize("NFC"), { ...PARAMETERS, salt: randomBytes(16) });
  const nobodys = await hashNow(randomBytes(24).toString("base64url"));

  return {
    async hash(password) {
      return { scheme: "argon2id", hash: await queue.run(() => hashNow(password)), salt: null, factor: null };
    },

    verify(user, password) {
      const stored = user?.password ?? null;
      return queue.run(async () => {
        publish({ type: "password-checked", userId: user?.id ?? null, scheme: stored?.scheme ?? "none" });
        return isPassword(password.normalize("NFC"), stored, nobodys);
      });
    },

    isOutdated: (stored) => stored.scheme !== "argon2id" || !hasTodaysParameters(stored.hash),
    idle: () => queue.idle(),
  };
}

async function isPassword(password: string, stored: PasswordHash | null, nobodys: string): Promise<boolean> {
  if (stored?.scheme === "argon2id") return verifyArgon2(stored.hash, password);
  if (stored !== null && (await verifyImported(stored.scheme, password, saltedOf(stored)))) return true;
  // An imported scheme may be faster than argon2id; its wrong passwords must not answer sooner than unknown users.
  await verifyArgon2(nobodys, password);
  return false;
}

function saltedOf({ hash, salt, factor }: PasswordHash): { hash: string; salt: string; factor: number } {
  return { hash, salt: salt ?? "", factor: factor ?? 1 };
}

function hasTodaysParameters(hash: string): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(hash);
  return (
    memoryCost === PARAMETERS.memoryCost &&
    timeCost === PARAMETERS.timeCost &&
    parallelism === PARAMETERS.parallelism
  );
}
