// POST /api/jwt/refresh: a refresh token for a new access token, for callers that have no client secret. FusionAuth answers a
// token that is not good with 400, not 401 (its issue 729), and never says why.

import * as z from "zod";
import { json, withCookies } from "../answer.ts";
import { type Call, visible } from "../call.ts";
import { fieldRefusal } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { findPresented, type PresentedToken, refresh, type Refreshed } from "../refresh.ts";
import { readCookie } from "../request.ts";
import { tokenCookies } from "../token-cookies.ts";
import { bodyOf, line } from "../validation.ts";

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
  const body = await bodyOf(call, refreshRequest);
  const token = readCookie(request, "refresh_token") ?? body.refreshToken ?? "";
  if (token === "") throw fieldRefusal("blank", "refreshToken");
  const presented = await findPresented(provider, token);
  // All that can refuse the request comes before the exchange: a refused call must not use the token up.
  if (presented === null || !allowsRefresh(call, presented)) throw fieldRefusal("invalid", "refreshToken");
  const lifetimeSeconds = body.timeToLiveInSeconds ?? presented.policy.accessTokenSeconds;
  if (lifetimeSeconds > presented.policy.accessTokenSeconds)
    throw fieldRefusal("invalid", "timeToLiveInSeconds");

  const refreshed = await refresh(provider, presented, { lifetimeSeconds }, call.address);
  if (refreshed.outcome === "refused") throw fieldRefusal("invalid", "refreshToken");
  return answer(provider, refreshed);
}

function allowsRefresh(call: Call, { row, application }: PresentedToken): boolean {
  return visible(call, row) !== null && application.settings.loginConfiguration?.allowTokenRefresh === true;
}

function answer(
  { config }: Provider,
  { accessToken, refreshToken, row }: Extract<Refreshed, { outcome: "refreshed" }>,
): Response {
  const { token, expirationInstant } = accessToken;
  const body = { token, tokenExpirationInstant: expirationInstant, refreshToken, refreshTokenId: row.id };
  const lifetimeMs = row.expiresInstant - config.now();
  return withCookies(json(body), tokenCookies(config, token, { value: refreshToken, lifetimeMs }));
}
