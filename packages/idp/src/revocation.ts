// Revokes refresh tokens and says so in an event. What revokes along with another change (a password, a deactivation) does it
// inside the store, in one step with that change, and only the event is made here. Applications and users are told by the
// store, in that same step.

import { eventMembers, type RevocationReason } from "./events.ts";
import type { Provider } from "./provider.ts";
import type { RefreshToken } from "./store/records.ts";
import type { RevocationTarget } from "./store/store.ts";
import type { EventInfo } from "./store/user-event.ts";

/** Revokes what `target` names, only in tenant `tenantLimit` unless null; answers how many tokens were alive. */
export async function revokeTokens(
  { store, publish }: Provider,
  target: RevocationTarget,
  reason: RevocationReason,
  tenantLimit: string | null,
  info?: EventInfo,
): Promise<number> {
  const count = await store.refreshTokens.revoke(target, reason, tenantLimit, info);
  const { id, ...others } = { id: undefined, ...target };
  publish({
    type: "refresh-tokens-revoked",
    reason,
    count,
    ...(id === undefined ? others : { refreshTokenId: id }),
  });
  return count;
}

/** Says that the store revoked the target's tokens along with another change. */
export function tokensRevoked(
  { publish }: Provider,
  target: { userId: string; applicationId?: string } | { applicationId: string },
  reason: RevocationReason,
): void {
  publish({ type: "refresh-tokens-revoked", reason, ...target });
}

/**
 * Notes that two parties hold this family (RFC 9700 §4.14.2), `presented` being the generation that gave it away or null where the
 * application found out; with `revoke` the family ends. The user is told once, however often it is noticed.
 */
export async function familyReused(
  { store, publish }: Provider,
  row: RefreshToken,
  { presented, revoke, info }: { presented: number | null; revoke: boolean; info?: EventInfo },
): Promise<void> {
  const count = await store.refreshTokens.reused(row.id, revoke, info);
  if (revoke) publish({ type: "refresh-tokens-revoked", reason: "reuse", count, refreshTokenId: row.id });
  publish({
    type: "refresh-token-reused",
    presented,
    current: row.generation,
    familyRevoked: revoke,
    ...eventMembers(row),
  });
}
