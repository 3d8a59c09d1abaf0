// GET /api/jwt/refresh: a user's sign-ins, for device pages. Callers go by `id`, which is the `sid` of the access tokens.

import { json } from "../answer.ts";
import { type Call, found, requiredPathId } from "../call.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { refreshTokenWire } from "../refresh-token-wire.ts";
import type { RefreshToken } from "../store/records.ts";
import { hasExpired, tokenPolicy } from "../token-policy.ts";

/** `?userId=`: 200 with `refreshTokens`, newest first, at most 1,000, only live ones; 400; 404 for an unknown user. */
export async function retrieveRefreshTokens(call: Call): Promise<Response> {
  const { store } = call.provider;
  const userId = call.query.id("userId");
  if (userId === null) throw fieldRefusal("missing", "userId");
  found(call, await store.users.find(userId));
  const tokens = await store.refreshTokens.list(userId);
  const alive = await Promise.all(tokens.map((token) => isAlive(call.provider, token)));
  return json({ refreshTokens: tokens.filter((_, index) => alive[index]).map(refreshTokenWire) });
}

/** One by id: 200 with `refreshToken`; 404 if unknown, revoked or expired. */
export async function retrieveRefreshToken(call: Call): Promise<Response> {
  const row = await call.provider.store.refreshTokens.find(requiredPathId(call, "tokenId"));
  const token = found(call, row?.token ?? null);
  if (token.revokedInstant !== null || !(await isAlive(call.provider, token)))
    throw new RequestRefusedError(404);
  return json({ refreshToken: refreshTokenWire(token) });
}

async function isAlive({ store, config }: Provider, token: RefreshToken): Promise<boolean> {
  const tenant = await store.tenants.find(token.tenantId);
  const application = await store.applications.find(token.applicationId);
  return tenant !== null && !hasExpired(tokenPolicy(tenant, application), token, config.now());
}
