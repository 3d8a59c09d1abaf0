// A refresh token on the wire. The `token` member of FusionAuth's is missing: no token is stored, so none can be shown.

import type { RefreshToken } from "./store/records.ts";

/** The refresh token as callers and receivers of webhooks see it. */
export function refreshTokenWire(token: Omit<RefreshToken, "secret">): Record<string, unknown> {
  const { device, data, scopes } = token.metaData;
  return {
    id: token.id,
    applicationId: token.applicationId,
    userId: token.userId,
    tenantId: token.tenantId,
    insertInstant: token.startInstant,
    startInstant: token.startInstant,
    data: {},
    metaData: {
      data: data ?? {},
      device: {
        ...device,
        lastAccessedAddress: token.lastAccessedAddress ?? undefined,
        lastAccessedInstant: token.lastAccessedInstant,
      },
      scopes: scopes ?? [],
    },
  };
}
