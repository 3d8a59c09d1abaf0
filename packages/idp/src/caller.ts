// Who calls: an API key in the Authorization header, raw, or a user's access token. Keys are looked up by their SHA-256, so
// neither the database nor a comparison's time gives one away. OAuth clients are oauth-client.ts's matter.

import { createHash } from "node:crypto";
import { type AccessTokenClaims, verifyAccessToken } from "./access-token.ts";
import type { Call } from "./call.ts";
import { fieldRefusal, generalRefusal, RequestRefusedError } from "./errors.ts";
import { loginPrevented } from "./login-prevented.ts";
import { issuerOf, type Provider } from "./provider.ts";
import { readCookie, uuidOf } from "./request.ts";
import type { ApiKey, Tenant, User } from "./store/records.ts";

/**
 * Who may call a route. "api key": only with a key. "key manager": only with a key that may manage keys. "optional api key":
 * the endpoint decides; a key that is sent must be good. "anyone": no credentials of this kind are looked at.
 */
export type Access = "api key" | "key manager" | "optional api key" | "anyone";

/** What an API key's `permissions.endpoints` name: the path without its ids, and the verb. */
export interface Operation {
  path: string;
  method: string;
}

/** The caller's API key as `access` demands it, or null where none is needed and none was sent; a 401 otherwise. */
export async function authenticate(
  provider: Provider,
  request: Request,
  access: Access,
  operation: Operation,
): Promise<ApiKey | null> {
  if (access === "anyone") return null;
  const presented = presentedKey(request);
  if (access === "optional api key" && presented === null) return null;
  const key = presented === null ? null : await provider.store.apiKeys.findByHash(hashApiKey(presented));
  if (key === null || hasEnded(key, provider.config.now()) || !allows(key, operation))
    throw new RequestRefusedError(401);
  if (access === "key manager" && !key.keyManager) throw new RequestRefusedError(401);
  return key;
}

/** How an API key is stored and looked up. */
export function hashApiKey(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}

/** Which tenant the call is bound to: the key's, or the one named in the header; null if to none. */
export function tenantLimitOf(request: Request, key: ApiKey | null): string | null {
  const named = request.headers.get("x-fusionauth-tenantid");
  if (named === null || named === "") return key?.tenantId ?? null;
  const id = uuidOf(named);
  if (id === null) throw fieldRefusal("couldNotConvert", "tenantId");
  // A key of one tenant must not reach another by naming it (CVE-2026-123800 class).
  if (key !== null && key.tenantId !== null && key.tenantId !== id) throw new RequestRefusedError(401);
  return id;
}

/** The tenant of an operation that no id decides: the one the call is bound to, else the only one; a 400 otherwise. */
export async function requiredTenant({ provider, tenantLimit }: Call): Promise<Tenant> {
  const { tenants } = provider.store;
  if (tenantLimit !== null) {
    const tenant = await tenants.find(tenantLimit);
    if (tenant === null) throw fieldRefusal("invalid", "tenantId");
    return tenant;
  }
  const [only, ...others] = await tenants.list();
  if (only === undefined || others.length > 0) {
    throw generalRefusal(400, "[TenantIdRequired]", "Name the tenant in the header X-FusionAuth-TenantId.");
  }
  return only;
}

/** The claims of the user's access token, from the header or the cookie; null without a good one of this provider. */
export async function userToken({ provider, request, tenantLimit }: Call): Promise<AccessTokenClaims | null> {
  const token = bearerToken(request) ?? readCookie(request, "access_token");
  if (token === null) return null;
  const claims = await verifyAccessToken(provider.signingKeys, token, provider.config.now());
  if (claims === null || (tenantLimit !== null && tenantLimit !== claims.tid)) return null;
  const tenant = await provider.store.tenants.find(claims.tid);
  return tenant !== null && issuerOf(provider, tenant) === claims.iss ? claims : null;
}

/**
 * Whose access token was sent: the user as he is now, and the claims. Null without a good token, for a user who may not sign in,
 * and for a sign-in from before his last change of password, which ended it (ASVS 7.4.3).
 */
export async function tokenOwner(call: Call): Promise<{ user: User; claims: AccessTokenClaims } | null> {
  const claims = await userToken(call);
  const user = claims === null ? null : await call.provider.store.users.find(claims.sub);
  if (claims === null || user === null || loginPrevented(user, call.provider.config.now()) !== null)
    return null;
  // auth_time has whole seconds, so a sign-in counts as later than a change of the same second.
  return claims.auth_time < Math.floor((user.passwordLastUpdateInstant ?? 0) / 1_000)
    ? null
    : { user, claims };
}

function presentedKey(request: Request): string | null {
  const header = request.headers.get("authorization");
  return header === null || header === "" || /^(?:Bearer|JWT|Basic) /i.test(header) ? null : header;
}

function bearerToken(request: Request): string | null {
  return /^(?:Bearer|JWT) +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? null;
}

function hasEnded({ expirationInstant }: ApiKey, now: number): boolean {
  return expirationInstant !== null && expirationInstant <= now;
}

// No map, or an empty one: everything. A path with an empty list of verbs: nothing of that path.
function allows({ permissions }: ApiKey, { path, method }: Operation): boolean {
  const endpoints = permissions.endpoints ?? {};
  if (Object.keys(endpoints).length === 0) return true;
  return Object.hasOwn(endpoints, path) && (endpoints[path] ?? []).includes(method);
}
