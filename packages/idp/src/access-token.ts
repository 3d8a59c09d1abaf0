// Access tokens: signed JWTs as FusionAuth issues them. Signing is synchronous node:crypto, so that it never queues behind
// password hashing (D13). Verifying takes the algorithm from our own key, never from the token (CVE-2026-22817 class).

import { sign, verify } from "node:crypto";
import * as z from "zod";
import type { ResolvedConfig, SigningAlgorithm } from "./config.ts";
import { issuerOf, type Provider } from "./provider.ts";
import { joseSignature } from "./jose-signature.ts";
import type { SigningKeys, UsableKey } from "./signing-keys.ts";
import type { Application, RefreshToken, Registration, Tenant, User } from "./store/records.ts";

/** The claims of an access token; times in seconds. */
export interface AccessTokenClaims {
  iss: string;
  sub: string;
  /** The application; absent after a sign-in without one. */
  aud?: string | undefined;
  exp: number;
  iat: number;
  jti: string;
  /** The tenant. */
  tid: string;
  authenticationType: string;
  auth_time: number;
  /** Id of the refresh token, constant over rotation. */
  sid?: string | undefined;
  applicationId?: string | undefined;
  roles?: string[] | undefined;
  email?: string | undefined;
  email_verified?: boolean | undefined;
  preferred_username?: string | undefined;
}

/** For whom and for how long a token is issued. */
export interface AccessTokenRequest {
  tenant: Pick<Tenant, "id" | "settings">;
  user: Pick<User, "id" | "email" | "username" | "verified">;
  application: Pick<Application, "id"> | null;
  registration: Pick<Registration, "applicationId" | "roles"> | null;
  authenticationType: "PASSWORD" | "REFRESH_TOKEN";
  /** The refresh token it is issued along with, as it is now; null if there is none. */
  refreshToken: Pick<RefreshToken, "id" | "startInstant" | "endsInstant"> | null;
  /** Grants, for a token of the OAuth token endpoint. */
  grants?: readonly string[] | undefined;
  lifetimeSeconds: number;
}

/** The signed token, when it dies in epoch milliseconds, and how long that is from now. */
export interface IssuedAccessToken {
  token: string;
  expirationInstant: number;
  lifetimeSeconds: number;
}

/** Signs an access token with the current key. It never outlives the refresh token it is issued along with. */
export async function issueAccessToken(
  provider: Pick<Provider, "config" | "signingKeys">,
  request: AccessTokenRequest,
): Promise<IssuedAccessToken> {
  const key = await provider.signingKeys.current();
  const claims = claimsOf(provider.config, request);
  const { exp, iat } = claims;
  const token = signedJwt(key, claims, { gty: request.grants });
  return { token, expirationInstant: exp * 1_000, lifetimeSeconds: exp - iat };
}

/** A JWT of these claims under this key. It is an access token only if it has every claim of one (RFC 8725 §3.12). */
export function signedJwt(key: UsableKey, claims: object, header: object = {}): string {
  const content = `${encoded({ alg: key.algorithm, typ: "JWT", kid: key.kid, ...header })}.${encoded(claims)}`;
  return `${content}.${signatureOf(key, content).toString("base64url")}`;
}

function claimsOf(config: ResolvedConfig, request: AccessTokenRequest): AccessTokenClaims {
  const { tenant, user, application, registration, refreshToken } = request;
  const now = config.now();
  const iat = seconds(now);
  return {
    aud: application?.id,
    exp: Math.min(iat + request.lifetimeSeconds, seconds(refreshToken?.endsInstant ?? Infinity)),
    iat,
    iss: issuerOf({ config }, tenant),
    sub: user.id,
    jti: config.uuid(),
    authenticationType: request.authenticationType,
    email: user.email ?? undefined,
    email_verified: user.email === null ? undefined : user.verified,
    preferred_username: user.username ?? undefined,
    applicationId: registration?.applicationId,
    roles: registration?.roles,
    auth_time: seconds(refreshToken?.startInstant ?? now),
    sid: refreshToken?.id,
    tid: tenant.id,
  };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

const DIGEST: Record<SigningAlgorithm, string | null> = { ES256: "sha256", RS256: "sha256", EdDSA: null };

function signatureOf({ algorithm, privateKey }: UsableKey, content: string): Buffer {
  // The key alone, not as one of several options: with them node:crypto takes twice as long.
  const signature = sign(DIGEST[algorithm], Buffer.from(content), privateKey);
  return algorithm === "ES256" ? joseSignature(signature, 32) : signature;
}

const HEADER = z.object({ alg: z.string(), typ: z.literal("JWT"), kid: z.string() });

const CLAIMS = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.string().optional(),
  exp: z.int(),
  iat: z.int(),
  jti: z.string(),
  tid: z.string(),
  authenticationType: z.string(),
  auth_time: z.int(),
  sid: z.string().optional(),
  applicationId: z.string().optional(),
  roles: z.array(z.string()).optional(),
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
  preferred_username: z.string().optional(),
});

/**
 * The claims of a token that this provider signed and that is alive at `now` (epoch milliseconds); null for anything else.
 * The caller compares `iss` with the tenant's issuer and `aud` with what it expects.
 */
export async function verifyAccessToken(
  keys: SigningKeys,
  token: string,
  now: number,
): Promise<AccessTokenClaims | null> {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const header = HEADER.safeParse(decoded(head));
  if (more.length > 0 || !header.success) return null;
  const key = await keys.find(header.data.kid);
  if (key === null || key.algorithm !== header.data.alg) return null;
  if (!isSigned(key, `${head}.${body}`, signature)) return null;
  const claims = CLAIMS.safeParse(decoded(body));
  return claims.success && now < claims.data.exp * 1_000 ? claims.data : null;
}

function isSigned({ algorithm, publicKey }: UsableKey, content: string, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  if (bytes.toString("base64url") !== signature) return false;
  return verify(
    DIGEST[algorithm],
    Buffer.from(content),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    bytes,
  );
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}
