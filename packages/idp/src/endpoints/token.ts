// POST /oauth2/token: the refresh grant (RFC 6749 §6) with client authentication. No other grant exists here; the password
// grant is answered unsupported_grant_type whatever an application enables (RFC 9700 §2.4).
// A refresh token is bound to its application: to any other client it is unknown, and nothing is revoked by showing it.

import { json } from "../answer.ts";
import { enabledGrants } from "../application-shape.ts";
import type { Call } from "../call.ts";
import { authenticateClient } from "../oauth-client.ts";
import {
  type LookedUpToken,
  lookUp,
  type PresentedToken,
  proved,
  refresh,
  type Refreshed,
} from "../refresh.ts";
import { type Form, forwardedAddress, readForm } from "../request.ts";
import type { Client } from "../store/records.ts";

// The texts are fixed: RFC 6749 §5.2 limits their characters, and nothing the caller sent is repeated.
const DESCRIPTIONS: Record<string, string> = {
  invalid_request: "The request is missing a parameter, repeats one or has an invalid one.",
  invalid_client: "The client could not be verified.",
  invalid_grant: "The refresh_token is invalid.",
  unauthorized_client: "The client may not use this grant.",
  unsupported_grant_type: "This grant_type is not supported.",
  invalid_scope: "The scope was not granted.",
};

/** Answers a token request: 200 with tokens, 400 or 401 with an OAuth error. */
export async function token(call: Call): Promise<Response> {
  const { form, repeated } = await readForm(call.request);
  if (repeated !== null) return error("invalid_request", "invalid_request");
  const grant = form.get("grant_type");
  if (grant === undefined) return error("invalid_request", "missing_grant_type");
  const value = grant === "refresh_token" ? form.get("refresh_token") : undefined;
  // With the token comes its application, which is who calls where all is well. Nobody hears of the token before he has proved that.
  const lookedUp = value === undefined ? null : await lookUp(call.provider, value);
  const authenticated = await authenticateClient(call, form, lookedUp?.found?.application);
  if ("error" in authenticated) return clientError(authenticated);
  if (grant !== "refresh_token") return error("unsupported_grant_type", "invalid_grant_type");
  if (!enabledGrants(authenticated.client).includes(grant))
    return error("unauthorized_client", "grant_type_disabled");
  return lookedUp === null
    ? error("invalid_request", "missing_refresh_token")
    : refreshGrant(call, form, authenticated, lookedUp);
}

async function refreshGrant(
  call: Call,
  form: Form,
  { client, isProved }: { client: Client; isProved: boolean },
  lookedUp: LookedUpToken,
): Promise<Response> {
  const presented = proved(call.provider, lookedUp);
  if (presented === null || presented.row.applicationId !== client.id) return notFound();
  // All that can refuse the request comes before the exchange: a refused call must not use the token up.
  const lifetimeSeconds = requestedLifetime(form, presented);
  if (lifetimeSeconds === null) return error("invalid_request", "invalid_expires_in");
  if (!isGranted(form.get("scope"), presented)) return error("invalid_scope", "unknown_scope");
  const wish = { lifetimeSeconds, grants: ["refresh_token"] };
  // Who has shown the secret is an application: its own address is nobody's device, and it says for whom it calls.
  const address = isProved ? forwardedAddress(call.request) : call.address;
  const refreshed = await refresh(call.provider, presented, wish, address);
  return refreshed.outcome === "refused" ? refusedGrant(refreshed.reason) : answer(presented, refreshed);
}

function requestedLifetime(form: Form, { policy }: PresentedToken): number | null {
  const requested = form.get("expires_in");
  if (requested === undefined) return policy.accessTokenSeconds;
  const seconds = /^[1-9]\d{0,8}$/.test(requested) ? Number(requested) : Number.POSITIVE_INFINITY;
  return seconds <= policy.accessTokenSeconds ? seconds : null;
}

// RFC 6749 §6: a subset of what was granted, or nothing said.
function isGranted(scope: string | undefined, { row }: PresentedToken): boolean {
  const granted = new Set(row.metaData.scopes);
  return scope === undefined || scope.split(" ").every((one) => granted.has(one));
}

function answer(
  { policy }: PresentedToken,
  { accessToken, refreshToken, row, userId }: Extract<Refreshed, { outcome: "refreshed" }>,
): Response {
  const successor = { refresh_token: refreshToken, refresh_token_id: row.id };
  return json({
    access_token: accessToken.token,
    expires_in: accessToken.lifetimeSeconds,
    token_type: "Bearer",
    userId,
    // FusionAuth sends none where the token stays the same.
    ...(policy.usage === "OneTimeUse" ? successor : {}),
  });
}

function refusedGrant(reason: Extract<Refreshed, { outcome: "refused" }>["reason"]): Response {
  if (reason === "user-locked") return error("invalid_grant", "user_locked");
  return reason === "user-expired" ? error("invalid_grant", "user_expired") : notFound();
}

function notFound(): Response {
  return error("invalid_grant", "refresh_token_not_found");
}

function clientError({
  error: name,
  reason,
  basic,
}: {
  error: string;
  reason: string;
  basic: boolean;
}): Response {
  if (name !== "invalid_client") return error(name, reason);
  return error(name, reason, 401, basic ? { "www-authenticate": 'Basic realm="oauth2"' } : {});
}

function error(name: string, reason: string, status = 400, headers: Record<string, string> = {}): Response {
  return json({ error: name, error_description: DESCRIPTIONS[name], error_reason: reason }, status, headers);
}
