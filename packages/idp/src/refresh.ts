// Issues refresh tokens and exchanges them (D6): finds the row, asks judgement.ts, asks whether the user may still sign in,
// and moves the generation by compare-and-set. The wire forms are the endpoints' matter.

import { type IssuedAccessToken, issueAccessToken } from "./access-token.ts";
import { eventMembers, type RefreshTokenRefusal } from "./events.ts";
import { type Verdict, judge } from "./judgement.ts";
import { loginPrevented } from "./login-prevented.ts";
import type { Provider } from "./provider.ts";
import { type ClaimedToken, decodeRefreshToken } from "./refresh-token.ts";
import { familyReused, revokeTokens } from "./revocation.ts";
import type { Refreshable, RefreshToken, TokenMetaData } from "./store/records.ts";
import { lifetime, type TokenPolicy, tokenPolicy } from "./token-policy.ts";

/** What a text claims to be, and what there is of that name; nothing of it is proved. */
export interface LookedUpToken {
  claimed: ClaimedToken | null;
  found: Refreshable | null;
}

/** A genuine refresh token and what it belongs to; whether it is still good is not said. */
export interface PresentedToken extends Omit<Refreshable, "token"> {
  claimed: ClaimedToken;
  row: RefreshToken;
  policy: TokenPolicy;
}

/** How a refresh ended. A caller hears no more of `reason` than that the token is not good, or the user may not sign in. */
export type Refreshed =
  | {
      outcome: "refreshed";
      accessToken: IssuedAccessToken;
      refreshToken: string;
      /** The row as it is now. */
      row: RefreshToken;
      userId: string;
    }
  | Refused;

/** The access token that is asked for. */
export interface AccessTokenWish {
  lifetimeSeconds: number;
  /** For a token of the OAuth token endpoint. */
  grants?: readonly string[];
}

type Refused = { outcome: "refused"; reason: RefreshTokenRefusal | "reuse" };
type Successor = { refreshToken: string; row: RefreshToken };
type Person = { user: Refreshable["user"]; registration: NonNullable<Refreshable["registration"]> };

// Each lost race means that another request won it, and after that one the answer is "repeat" or a refusal. More rounds
// than these mean that the store does not do what its contract says.
const ROUNDS = 10;

/** A new row for a sign-in at `now`; nothing is stored. */
export function newRefreshToken(
  { config, refreshTokens }: Provider,
  policy: TokenPolicy,
  owner: Pick<RefreshToken, "tenantId" | "applicationId" | "userId">,
  seen: { metaData: TokenMetaData; address: string | null; now: number },
): RefreshToken {
  return {
    ...owner,
    ...lifetime(policy, seen.now, seen.now),
    id: config.uuid(),
    secret: config.randomBytes(32),
    keyId: refreshTokens.keyId,
    generation: 1,
    startInstant: seen.now,
    rotatedInstant: seen.now,
    revokedInstant: null,
    revokedReason: null,
    metaData: seen.metaData,
    lastAccessedAddress: seen.address,
    lastAccessedInstant: seen.now,
  };
}

/** The token behind a text; null, with an event, if this provider did not issue it or no longer knows it. */
export async function findPresented(provider: Provider, token: string): Promise<PresentedToken | null> {
  return proved(provider, await lookUp(provider, token));
}

/** Reads what is there of a text, and judges nothing. */
export async function lookUp({ store }: Pick<Provider, "store">, token: string): Promise<LookedUpToken> {
  const claimed = decodeRefreshToken(token);
  const found = claimed === null ? null : await store.refreshTokens.findRefreshable(claimed.id);
  return { claimed, found };
}

/** The token that was looked up; null, with an event, as `findPresented`. */
export function proved(provider: Provider, { claimed, found }: LookedUpToken): PresentedToken | null {
  const { refreshTokens } = provider;
  if (claimed === null) return refused(provider, "malformed", null);
  if (found === null) return refused(provider, "unknown", null);
  // Not "forged": it may be a good one that outlived a key which left the ring too early, and an operator should see that.
  if (!refreshTokens.knowsKeyOf(claimed)) return refused(provider, "unknown-key", claimed.id);
  if (!refreshTokens.isGenuine(claimed, found.token)) return refused(provider, "forged", claimed.id);
  const { token: row, ...belongings } = found;
  if (!belongings.application.active) {
    refusal(provider, "application-inactive", row);
    return null;
  }
  return { ...belongings, claimed, row, policy: tokenPolicy(belongings.tenant, belongings.application) };
}

/**
 * Exchanges a genuine token for its successor and an access token. Of any number of parallel calls with one token exactly one
 * rotates; the others get the same successor while the grace lasts.
 */
export async function refresh(
  provider: Provider,
  presented: PresentedToken,
  wish: AccessTokenWish,
  address: string | null,
): Promise<Refreshed> {
  const next = await successor(provider, presented, address);
  if ("outcome" in next) return next;
  const { refreshToken, row, user, registration } = next;
  const { tenant, application } = presented;
  const accessToken = await issueAccessToken(provider, {
    tenant,
    user,
    application,
    registration,
    authenticationType: "REFRESH_TOKEN",
    refreshToken: row,
    ...wish,
  });
  return { outcome: "refreshed", accessToken, refreshToken, row, userId: user.id };
}

async function successor(
  provider: Provider,
  presented: PresentedToken,
  address: string | null,
): Promise<(Successor & Person) | Refused> {
  let current = presented;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { row, claimed, policy, readAt } = current;
    const verdict = judge(row, claimed.generation, policy, readAt);
    if (verdict === "expired" || verdict === "revoked") return refusal(provider, verdict, row);
    if (verdict === "reuse") return endFamily(provider, current);
    const person = await stillAllowed(provider, current);
    if ("refused" in person) return refusal(provider, person.refused, row);
    const exchanged = await exchange(provider, current, verdict, address);
    if (exchanged !== null) return { ...exchanged, ...person };
    const again = await provider.store.refreshTokens.findRefreshable(row.id);
    if (again === null) return refusal(provider, "unknown", row);
    const { token, user, registration } = again;
    current = { ...current, row: token, readAt: again.readAt, user, registration };
  }
  throw new Error("A refresh token kept changing while it was exchanged");
}

// Null: somebody else was faster; judge again.
async function exchange(
  { store, refreshTokens, forwards, publish }: Provider,
  { claimed, row, readAt, policy }: PresentedToken,
  verdict: Exclude<Verdict, "expired" | "revoked" | "reuse">,
  address: string | null,
): Promise<Successor | null> {
  if (verdict === "repeat") {
    publish({ type: "refresh-token-repeated", generation: row.generation, ...eventMembers(row) });
    return { refreshToken: refreshTokens.encode(row, row.generation, row.keyId), row };
  }
  const rotates = policy.usage === "OneTimeUse";
  const generation = rotates ? claimed.generation + 1 : claimed.generation;
  // A new generation is written with the newest key, so that an old key can retire; a reusable token stays what it is.
  const keyId = rotates ? refreshTokens.keyId : claimed.keyId;
  const use = {
    generation,
    keyId,
    lastAccessedAddress: address ?? row.lastAccessedAddress,
    ...lifetime(policy, row.startInstant, readAt),
  };
  const used = { ...row, ...use };
  if (!(await store.refreshTokens.advance(row.id, row.generation, use))) return null;
  if (verdict === "forward") {
    forwards.noticed();
    publish({
      type: "refresh-token-went-forward",
      from: row.generation,
      to: claimed.generation,
      ...eventMembers(used),
    });
  }
  publish({
    type: rotates ? "refresh-token-rotated" : "refresh-token-used",
    generation,
    ...eventMembers(used),
  });
  return { refreshToken: refreshTokens.encode(row, generation, keyId), row: used };
}

// RFC 9700 §4.14.2: the provider cannot tell thief from owner, so the family ends.
async function endFamily(provider: Provider, { row, claimed, policy }: PresentedToken): Promise<Refused> {
  await familyReused(provider, row, { presented: claimed.generation, revoke: policy.revokeOnReuse });
  return { outcome: "refused", reason: "reuse" };
}

async function stillAllowed(
  provider: Provider,
  { policy, user, registration }: PresentedToken,
): Promise<Person | { refused: RefreshTokenRefusal }> {
  if (registration === null) return { refused: "not-registered" };
  const prevented = loginPrevented(user, provider.config.now());
  if (prevented === null) return { user, registration };
  if (policy.revokeOnLoginPrevented) {
    await revokeTokens(provider, { userId: user.id }, "login-prevented", null);
  }
  return { refused: prevented };
}

function refusal(provider: Provider, reason: RefreshTokenRefusal, row: RefreshToken): Refused {
  provider.publish({ type: "refresh-token-refused", reason, ...eventMembers(row) });
  return { outcome: "refused", reason };
}

function refused({ publish }: Provider, reason: RefreshTokenRefusal, refreshTokenId: string | null): null {
  publish({ type: "refresh-token-refused", reason, refreshTokenId });
  return null;
}
