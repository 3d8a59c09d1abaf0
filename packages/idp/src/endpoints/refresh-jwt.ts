// POST /api/jwt/refresh: a refresh token for a new access token, for callers that have no client secret. FusionAuth answers a
// token that is not good with 400, not 401 (its issue 729), and never says why.

import * as z from "zod";
import { issueAccessToken } from "../access-token.ts";
import { json, withCookies } from "../answer.ts";
import { type Call, visible } from "../call.ts";
import { fieldRefusal } from "../errors.ts";
import { issuerOf, type Provider } from "../provider.ts";
import { findPresented, type PresentedToken, refresh, type Refreshed } from "../refresh.ts";
import { readCookie, readJson, withoutNulls } from "../request.ts";
import { tokenCookies } from "../token-cookies.ts";
import { lifetime } from "../token-policy.ts";
import { line, validated } from "../validation.ts";

interface RefreshRequest {
  refreshToken?: string | undefined;
  timeToLiveInSeconds?: number | undefined;
}

const refreshRequest: z.ZodType<RefreshRequest> = z.object({
  refreshToken: line(1_024).optional(),
  timeToLiveInSeconds: z.int().min(1).optional(),
});

/** Exchanges the refresh token of the cookie, else of the body. 200 with `token`, `refreshToken`, `refreshTokenId`; or 400. */
export async function refreshJwt(call: Call): Promise<Response> {
  const { provider, request } = call;
  const body = validated(refreshRequest, withoutNulls(await readJson(request)));
  const token = readCookie(request, "refresh_token") ?? body.refreshToken ?? "";
  if (token === "") throw fieldRefusal("blank", "refreshToken");
  const presented = await findPresented(provider, token);
  // All that can refuse the request comes before the exchange: a refused call must not use the token up.
  if (presented === null || visible(call, presented.row) === null)
    throw fieldRefusal("invalid", "refreshToken");
  if (presented.application.settings.loginConfiguration?.allowTokenRefresh !== true) {
    throw fieldRefusal("invalid", "refreshToken");
  }
  const lifetimeSeconds = body.timeToLiveInSeconds ?? presented.policy.accessTokenSeconds;
  if (lifetimeSeconds > presented.policy.accessTokenSeconds)
    throw fieldRefusal("invalid", "timeToLiveInSeconds");

  const refreshed = await refresh(provider, presented, call.address);
  if (refreshed.outcome === "refused") throw fieldRefusal("invalid", "refreshToken");
  return answer(provider, presented, refreshed, lifetimeSeconds);
}

async function answer(
  provider: Provider,
  { tenant, application, policy }: PresentedToken,
  { refreshToken, row, user, registration }: Extract<Refreshed, { outcome: "refreshed" }>,
  lifetimeSeconds: number,
): Promise<Response> {
  const now = provider.config.now();
  const { token, expirationInstant } = await issueAccessToken(provider.signingKeys, {
    tenant,
    issuer: issuerOf(provider, tenant),
    user,
    application,
    registration,
    authenticationType: "REFRESH_TOKEN",
    authenticatedAt: row.startInstant,
    refreshTokenId: row.id,
    lifetimeSeconds,
    now,
    jti: provider.config.uuid(),
  });
  const body = { token, tokenExpirationInstant: expirationInstant, refreshToken, refreshTokenId: row.id };
  const lifetimeMs = lifetime(policy, row.startInstant, now).expiresInstant - now;
  return withCookies(json(body), tokenCookies(provider.config, token, { value: refreshToken, lifetimeMs }));
}
