/**
 * Keeps the times of a theft: when the attacker was served, when the provider revoked the sign-in because of it, whether
 * the victim heard of it. The provider is asked with the installation's own API key, as an administrator would.
 */
import { setTimeout } from "node:timers/promises";
import type { Measured } from "./attack.ts";
import { callApi, type Client } from "./client.ts";
import { ada, home, showsVictimsCart } from "./people.ts";
import type { Target } from "./target.ts";

/** A theft that has just happened. */
export interface Theft {
  /** The attacker does something; `true` is a success. */
  attempt(does: () => Promise<boolean>): Promise<boolean>;
  /** The victim does something in between. */
  meanwhile(does: () => Promise<unknown>): Promise<void>;
  /** What came of it. The victim's browser, if given, is asked last whether it is still signed in. */
  measured(victim?: Client | (() => Promise<boolean>)): Promise<Measured>;
}

/** Starts the clock: what is stolen is stolen now. */
export async function theftFrom(target: Target): Promise<Theft> {
  const stolenAt = target.now();
  const stolen = await families(target);
  const toldBefore = await messages(target);
  let firstUse: number | null = null;
  let lastSuccess: number | null = null;
  let revokedAt: number | null = null;
  let stillServed = false;
  let served = 0;

  const seconds = (from: number, to: number) => (to - from) / 1000;

  // A family that ran out while the clock was turned was not revoked by anybody: look right before and right after.
  const watched = async <Value>(does: () => Promise<Value>): Promise<Value> => {
    if (revokedAt !== null || firstUse === null) return does();
    const before = await families(target);
    const value = await does();
    const after = await families(target);
    const isGone = stolen.some((id) => before.includes(id) && !after.includes(id));
    if (isGone) revokedAt = target.now();
    return value;
  };

  return {
    async attempt(does) {
      firstUse ??= target.now();
      stillServed = await watched(does);
      if (!stillServed) return false;
      served += 1;
      lastSuccess = target.now();
      return true;
    },
    async meanwhile(does) {
      await watched(does);
    },
    async measured(victim) {
      const toldNow = await messages(target);
      return {
        served,
        stillServed,
        usableSeconds: lastSuccess === null ? 0 : seconds(stolenAt, lastSuccess),
        secondsToRevocation: revokedAt === null || firstUse === null ? null : seconds(firstUse, revokedAt),
        told: toldBefore === null || toldNow === null ? null : toldNow.slice(toldBefore.length),
        victimSignedOut: !(await isSignedIn(victim)),
      };
    },
  };
}

async function isSignedIn(victim: Client | (() => Promise<boolean>) | undefined): Promise<boolean> {
  if (victim === undefined) return true;
  return typeof victim === "function" ? victim() : showsVictimsCart(await victim.get(home));
}

/** The victim's live refresh tokens, by id. */
export async function families(target: Target): Promise<string[]> {
  const path = `/api/jwt/refresh?userId=${ada.id}`;
  const { status, body } = await callApi(target.origins.idp, "GET", path, {
    authorization: target.secret("apiKey"),
  });
  if (status !== 200) throw new Error(`The provider answered ${status} to ${path}`);
  return (body as { refreshTokens: { id: string }[] }).refreshTokens.map(({ id }) => id);
}

/** The subjects of all messages to the victim, oldest first; `null` where nothing can be sent. */
async function messages(target: Target): Promise<string[] | null> {
  const sent = await target.outbox();
  if (sent === null) return null;
  // A message takes a moment from the deed to the outbox.
  await setTimeout(300);
  const now = (await target.outbox()) ?? [];
  return now
    .filter(({ to }) => to === ada.email)
    .map(({ subject }) => subject)
    .toReversed();
}
