// Revokes refresh tokens and says so in an event. What revokes along with another change (a password, a deactivation) does it
// inside the store, in one step with that change, and only the event is made here.

import type { RevocationReason } from "./events.ts";
import type { Provider } from "./provider.ts";
import type { RevocationTarget } from "./store/store.ts";

/** Revokes what `target` names, only in tenant `tenantLimit` unless null; answers how many tokens were alive. */
export async function revokeTokens(
  { store, publish }: Provider,
  target: RevocationTarget,
  reason: RevocationReason,
  tenantLimit: string | null,
): Promise<number> {
  const count = await store.refreshTokens.revoke(target, reason, tenantLimit);
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
