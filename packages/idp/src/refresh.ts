// Issues refresh tokens and exchanges them (D6): finds the row, asks judgement.ts, asks whether the user may still sign in,
// and moves the generation by compare-and-set. The wire forms are the endpoints' matter.

import type { TokenOf } from "./events.ts";
import { type Verdict, judge } from "./judgement.ts";
import { loginPrevented } from "./login-prevented.ts";
import type { Provider } from "./provider.ts";
import { type ClaimedToken, decodeRefreshToken } from "./refresh-token.ts";
import { revokeTokens } from "./revocation.ts";
import type {
  Application,
  RefreshToken,
  Registration,
  Tenant,
  TokenMetaData,
  User,
} from "./store/records.ts";
import { lifetime, type TokenPolicy, tokenPolicy } from "./token-policy.ts";

/** A genuine refresh token and what it belongs to; whether it is still good is not said. */
export interface PresentedToken {
  claimed: ClaimedToken;
  row: RefreshToken;
  /** The store's clock when `row` was read. */
  readAt: number;
  tenant: Tenant;
  application: Application;
  policy: TokenPolicy;
}

/** How an exchange ended. `reason` is for events only; a caller hears that the token is not good. */
export type Refreshed =
  | { outcome: "refreshed"; refreshToken: string; row: RefreshToken; user: User; registration: Registration }
  | { outcome: "refused"; reason: string };

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
  const { store, refreshTokens } = provider;
  const claimed = decodeRefreshToken(token);
  if (claimed === null) return refused(provider, "malformed", null);
  const found = await store.refreshTokens.find(claimed.id);
  if (found === null) return refused(provider, "unknown", null);
  if (!refreshTokens.isGenuine(claimed, found.token)) return refused(provider, "forged", claimed.id);
  const tenant = await store.tenants.find(found.token.tenantId);
  const application = await store.applications.find(found.token.applicationId);
  if (tenant === null || application?.active !== true)
    return refused(provider, "application-inactive", claimed.id);
  const policy = tokenPolicy(tenant, application);
  return { claimed, row: found.token, readAt: found.readAt, tenant, application, policy };
}

/**
 * Exchanges a genuine token. Of any number of parallel calls with one token exactly one rotates; the others get the same
 * successor while the grace lasts.
 */
export async function refresh(
  provider: Provider,
  presented: PresentedToken,
  address: string | null,
): Promise<Refreshed> {
  let { row, readAt } = presented;
  for (let round = 0; round < ROUNDS; round += 1) {
    const verdict = judge(row, presented.claimed.generation, presented.policy, readAt);
    if (verdict === "expired" || verdict === "revoked") return refusal(provider, verdict, row);
    if (verdict === "reuse") return endFamily(provider, presented, row);
    const person = await whoMayGoOn(provider, presented, row);
    if ("refused" in person) return refusal(provider, person.refused, row);
    const refreshToken = await exchange(provider, { ...presented, row, readAt }, verdict, address);
    if (refreshToken !== null) return { outcome: "refreshed", refreshToken, row, ...person };
    const again = await provider.store.refreshTokens.find(row.id);
    if (again === null) return refusal(provider, "unknown", row);
    row = again.token;
    readAt = again.readAt;
  }
  throw new Error("A refresh token kept changing while it was exchanged");
}

/** The members of an event about this token. */
export function tokenOf({ id, tenantId, userId, applicationId }: RefreshToken): TokenOf {
  return { refreshTokenId: id, tenantId, userId, applicationId };
}

// Null: somebody else was faster; judge again.
async function exchange(
  { store, refreshTokens, publish }: Provider,
  { claimed, row, readAt, policy }: PresentedToken,
  verdict: Exclude<Verdict, "expired" | "revoked" | "reuse">,
  address: string | null,
): Promise<string | null> {
  if (verdict === "repeat") {
    publish({ type: "refresh-token-repeated", generation: row.generation, ...tokenOf(row) });
    return refreshTokens.encode(row, row.generation, row.keyId);
  }
  const rotates = policy.usage === "OneTimeUse";
  const generation = rotates ? claimed.generation + 1 : claimed.generation;
  // A new generation is written with the newest key, so that an old key can retire; a reusable token stays what it is.
  const keyId = rotates ? refreshTokens.keyId : claimed.keyId;
  const use = {
    generation,
    keyId,
    lastAccessedAddress: address,
    ...lifetime(policy, row.startInstant, readAt),
  };
  if (!(await store.refreshTokens.advance(row.id, row.generation, use))) return null;
  if (verdict === "forward") {
    publish({
      type: "refresh-token-went-forward",
      from: row.generation,
      to: claimed.generation,
      ...tokenOf(row),
    });
  }
  if (rotates) publish({ type: "refresh-token-rotated", generation, ...tokenOf(row) });
  return refreshTokens.encode(row, generation, keyId);
}

// RFC 9700 §4.14.2: the provider cannot tell thief from owner, so the family ends.
async function endFamily(
  provider: Provider,
  { claimed, policy }: PresentedToken,
  row: RefreshToken,
): Promise<Refreshed> {
  if (policy.revokeOnReuse) await revokeTokens(provider, { id: row.id }, "reuse", null);
  provider.publish({
    type: "refresh-token-reused",
    presented: claimed.generation,
    current: row.generation,
    familyRevoked: policy.revokeOnReuse,
    ...tokenOf(row),
  });
  return { outcome: "refused", reason: "reuse" };
}

async function whoMayGoOn(
  provider: Provider,
  { policy }: PresentedToken,
  row: RefreshToken,
): Promise<{ user: User; registration: Registration } | { refused: string }> {
  const { store, config } = provider;
  const user = await store.users.find(row.userId);
  const registration = await store.registrations.find(row.userId, row.applicationId);
  if (user === null || registration === null) return { refused: "not-registered" };
  const prevented = loginPrevented(user, config.now());
  if (prevented === null) return { user, registration };
  if (policy.revokeOnLoginPrevented) {
    await revokeTokens(provider, { userId: user.id }, "login-prevented", null);
  }
  return { refused: prevented };
}

function refusal(provider: Provider, reason: string, row: RefreshToken): Refreshed {
  refused(provider, reason, row.id);
  return { outcome: "refused", reason };
}

function refused({ publish }: Provider, reason: string, refreshTokenId: string | null): null {
  publish({ type: "refresh-token-refused", reason, refreshTokenId });
  return null;
}
