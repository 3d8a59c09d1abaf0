/** Records the conformance cases start from, and ways to do many things at once. The clock starts in 2100, so that no store drops them. */
import { setTimeout as delay } from "node:timers/promises";
import type { EndReason, SessionRecord, SignInRecord } from "../store.ts";

/** Milliseconds. */
export const minute = 60_000;

/** Milliseconds. */
export const hour: number = 60 * minute;

/** Milliseconds after which a session that is not used is over. */
export const idle: number = 30 * minute;

/** An instant to start from. */
export const start: number = Date.UTC(2100, 4, 1, 9);

/** A session minted at `start`, idle after half an hour, over after a day. */
export function session(changed: Partial<SessionRecord> = {}): SessionRecord {
  return {
    hash: "hash-1",
    signInId: "sign-in-1",
    user: { id: "user-1", email: "ada@example.com", roles: ["customer"] },
    authenticatedAt: start,
    vouchedAt: start,
    questionedAt: 0,
    expiresAt: start + idle,
    absoluteExpiresAt: start + 24 * hour,
    presented: false,
    ...changed,
  };
}

/** A sign-in at `start` that nothing has happened to yet. */
export function signIn(changed: Partial<SignInRecord> = {}): SignInRecord {
  return {
    id: "sign-in-1",
    version: 0,
    application: "store",
    user: { id: "user-1", email: "ada@example.com", roles: ["customer"] },
    device: { name: "Firefox on Linux", address: "192.0.2.1" },
    authenticatedAt: start,
    absoluteExpiresAt: start + 24 * hour,
    remembered: false,
    current: "s0",
    previous: null,
    attempt: 0,
    renewedAt: start,
    mintedAt: start,
    mintedFor: null,
    presentedAt: null,
    ended: null,
    revocationOwed: false,
    ...changed,
  };
}

/** The next version of a sign-in, ended at `start`. */
export function ended(before: SignInRecord, reason: EndReason = "signed-out", owed = false): SignInRecord {
  return { ...before, version: before.version + 1, ended: { at: start, reason }, revocationOwed: owed };
}

/** All at once. */
export function times<Result>(count: number, each: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => each(index)));
}

/** How many of these say that it was they who did it. */
export function wins(results: readonly boolean[]): number {
  return results.filter(Boolean).length;
}

/** Waits until that is so; throws after `patience` milliseconds. A rejection counts as not yet. */
export async function until(condition: () => Promise<boolean>, patience = 5_000): Promise<void> {
  const since = performance.now();
  while (!(await condition().catch(() => false))) {
    if (performance.now() - since > patience) throw new Error(`It did not come about within ${patience} ms.`);
    await delay(5);
  }
}
