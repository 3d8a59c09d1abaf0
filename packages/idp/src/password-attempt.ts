// One attempt to prove who one is by a password: signing in, and saying the current password to change it. Nothing else looks at
// a password (ASVS 6.3.4). Who guesses is counted before the password is hashed and the count taken back afterwards, so that
// guesses at once get no further than guesses one by one (CWE-307). What is counted says nothing of whether the user exists.

import { addressRange } from "./address-range.ts";
import { empty, json } from "./answer.ts";
import type { Call } from "./call.ts";
import { HashingBusyError } from "./errors.ts";
import { lockoutActions, lockoutCountsFrom, lockoutRevokes, lockoutRule } from "./lockout.ts";
import { foldCase } from "./login-id.ts";
import type { Provider } from "./provider.ts";
import { forwardedAddress, ipAddressOf } from "./request.ts";
import { tokensRevoked } from "./revocation.ts";
import type { Tenant, User } from "./store/records.ts";
import type { Counter, Reserved, Store } from "./store/store.ts";
import { keyOf, PER_ACCOUNT, PER_ADDRESS } from "./throttle.ts";

/** Who says to be whom. */
export interface PasswordAttempt {
  tenant: Tenant;
  /** As it was typed. */
  loginId: string;
  /** Whom it names; null for nobody. */
  user: User | null;
  password: string;
  /** The guesser's address as far as anybody who can be believed has said it. */
  address: string | null;
  /** SHA-256 of the device's id. */
  device: string | null;
  /** The sign-in of this user whose access token came with the attempt: as good as a known device. */
  signInId?: string | undefined;
}

/** How it ended. Only after "proved", which is never said of nobody, may anything be told of the user. */
export type Proof =
  | { outcome: "proved" }
  | { outcome: "wrong" }
  | { outcome: "throttled"; retryAfterSeconds: number }
  | { outcome: "locked-out"; until: number };

interface Counters {
  /** A success forgets them. */
  own: readonly Counter[];
  /** Not by one's own success: it would forgive the guesses at all other accounts. */
  address: readonly Counter[];
  lockout: readonly Counter[];
}

/** Checks the password unless too many failed before it. Throws HashingBusyError when too many are at it; then it did not count. */
export async function attemptPassword(provider: Provider, attempt: PasswordAttempt): Promise<Proof> {
  const { store, config } = provider;
  const counters = await countersOf(store, attempt);
  const reserved = await store.attempts.reserve([...counters.lockout, ...counters.own, ...counters.address]);
  if (!reserved.admitted) return refusal(counters, reserved, config.now());
  if (await isRight(provider, attempt, counters)) {
    const clear = keysOf([...counters.lockout, ...counters.own]);
    await store.attempts.settle({ clear, takeBack: keysOf(counters.address) });
    return { outcome: "proved" };
  }
  const until = counters.lockout.length > 0 ? (reserved.next[0] ?? 0) : 0;
  if (until > config.now()) await lockoutBegan(provider, attempt, until);
  return { outcome: "wrong" };
}

// Who comes from a known device is judged by what failed there, and by nothing else: neither guesses at his account from
// elsewhere nor those of his neighbours keep him out (Mailu issue 2880).
async function countersOf(store: Store, attempt: PasswordAttempt): Promise<Counters> {
  const { tenant, user, loginId, address } = attempt;
  const known = await knownOrigin(store, attempt);
  const whom = known === null ? ["account", tenant.id, foldCase(loginId)] : [...known, user?.id];
  const rule = lockoutRule(tenant);
  const countsFrom = lockoutCountsFrom(tenant, user);
  const range = known === null ? addressRange(address) : null;
  return {
    lockout: rule === null ? [] : [{ key: keyOf("lockout", ...whom), rule, countsFrom }],
    own: [{ key: keyOf(...whom), rule: PER_ACCOUNT, countsFrom: 0 }],
    address:
      range === null ? [] : [{ key: keyOf("address", tenant.id, range), rule: PER_ADDRESS, countsFrom: 0 }],
  };
}

async function knownOrigin(
  store: Store,
  { user, device, signInId }: PasswordAttempt,
): Promise<string[] | null> {
  if (signInId !== undefined) return ["sign-in", signInId];
  // Asked for nobody too, so that it takes as long (CWE-208).
  const isKnown = device !== null && (await store.knownDevices.isKnown(user?.id ?? "", device));
  return isKnown ? ["device", device] : null;
}

function keysOf(counters: readonly Counter[]): string[] {
  return counters.map(({ key }) => key);
}

function refusal({ lockout }: Counters, { next }: Reserved, now: number): Proof {
  const lockedUntil = lockout.length > 0 ? (next[0] ?? 0) : 0;
  if (lockedUntil > now) return { outcome: "locked-out", until: lockedUntil };
  const waitMs = Math.max(...next) - now;
  return { outcome: "throttled", retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)) };
}

async function isRight(
  { store, passwords }: Provider,
  { tenant, user, password, address }: PasswordAttempt,
  { lockout, own, address: ofAddress }: Counters,
): Promise<boolean> {
  const imported = await store.users.importedFactors(tenant.id);
  try {
    return await passwords.verify(user, password, { imported, range: addressRange(address) });
  } catch (error) {
    // Nobody has looked at the password, so it was no guess.
    if (error instanceof HashingBusyError)
      await store.attempts.settle({ clear: [], takeBack: keysOf([...lockout, ...own, ...ofAddress]) });
    throw error;
  }
}

async function lockoutBegan(
  provider: Provider,
  { tenant, user }: PasswordAttempt,
  until: number,
): Promise<void> {
  const { publish, store, config } = provider;
  publish({ type: "lockout-started", tenantId: tenant.id, userId: user?.id ?? null, until });
  if (!lockoutRevokes(tenant)) return;
  // Owed for nobody, too, so that it takes as long (CWE-208).
  await store.refreshTokens.oweRevocation(user?.id ?? config.uuid());
  if (user !== null) tokensRevoked(provider, { userId: user.id }, "login-prevented");
}

/** The answer to an attempt that was not admitted: 429 with Retry-After, or FusionAuth's 409. */
export function attemptRefused(
  tenant: Tenant,
  proof: Exclude<Proof, { outcome: "proved" | "wrong" }>,
): Response {
  if (proof.outcome === "locked-out") return json(lockoutActions(tenant, proof.until), 409);
  return empty(429, { "retry-after": String(proof.retryAfterSeconds) });
}

/**
 * For whom the caller guesses. A caller with a key is an application, whose own address says nothing of the end user: only what it
 * says counts. Of anyone else it is the other end of the connection, whatever he writes into headers.
 */
export function guesserAddress(call: Call, ipAddress: string | undefined): string | null {
  if (call.apiKey === null) return call.address;
  return ipAddressOf(ipAddress ?? "") ?? forwardedAddress(call.request);
}
