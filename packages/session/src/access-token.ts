/**
 * Verifies the provider's access token, once per sign-in and once per renewal. It came straight from the provider, so
 * this guards against a mixed-up or misconfigured provider rather than a forger: issuer, audience, time, algorithm.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, errors, jwtVerify } from "jose";
import { IdentityProviderMisconfiguredError } from "./errors.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { Settings } from "./settings.ts";
import type { User } from "./store/store.ts";

/** What the library reads from an access token. */
export interface AccessTokenClaims {
  readonly userId: string;
  /** Id of the refresh-token family (`sid`); `null` where the token has none. */
  readonly signInId: string | null;
  readonly email: string | null;
  readonly roles: readonly string[] | null;
}

/** Verifies an access token; throws IdentityProviderMisconfiguredError if it is not one for this application. */
export type VerifyAccessToken = (token: string) => Promise<AccessTokenClaims>;

/** Asymmetric only: a key set can't verify an HMAC, and `none` is never a choice (RFC 8725 §3.1). */
const algorithms = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256"];

/** A verifier that fetches issuer and keys when it first needs them, and the keys again when one is unknown. */
export function accessTokenVerifier(
  provider: IdentityProvider,
  { applicationId, issuer, now }: { applicationId: string; issuer: string | undefined; now: () => number },
): VerifyAccessToken {
  let trusted: Promise<Trusted> | null = null;
  const forget = () => {
    trusted = null;
  };
  const trust = () =>
    (trusted ??= fetchTrusted(provider, issuer).catch((error: unknown) => {
      // Kept, one bad answer while the provider was starting would refuse every renewal until this process restarts.
      forget();
      throw error;
    }));

  const verify = async (token: string): Promise<JWTPayload> => {
    const { expectedIssuer, keys } = await trust();
    const options = {
      issuer: expectedIssuer,
      audience: applicationId,
      algorithms,
      currentDate: new Date(now()),
    };
    return (await jwtVerify(token, keys, { ...options, clockTolerance: 60, requiredClaims: ["exp", "sub"] }))
      .payload;
  };

  return async (token) => {
    try {
      const payload = await verify(token).catch((error: unknown) => {
        // The provider rolled its keys: ask once more, then believe it.
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        forget();
        return verify(token);
      });
      return claims(payload);
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause;
      // jose's messages name the claim or header that failed, never the token.
      throw new IdentityProviderMisconfiguredError(
        `The identity provider's access token is not for us: ${cause.message}`,
      );
    }
  };
}

interface Trusted {
  readonly expectedIssuer: string;
  readonly keys: ReturnType<typeof createLocalJWKSet>;
}

async function fetchTrusted(provider: IdentityProvider, issuer: string | undefined): Promise<Trusted> {
  const expectedIssuer = issuer ?? (await discoverIssuer(provider));
  const keys = (await provider.document("/.well-known/jwks.json")) as JSONWebKeySet;
  return { expectedIssuer, keys: createLocalJWKSet(keys) };
}

async function discoverIssuer(provider: IdentityProvider): Promise<string> {
  const document = (await provider.document("/.well-known/openid-configuration")) as { issuer?: unknown };
  if (typeof document.issuer === "string") return document.issuer;
  throw new IdentityProviderMisconfiguredError("The identity provider's discovery document names no issuer.");
}

function claims(payload: JWTPayload): AccessTokenClaims {
  const { sub, sid, email, roles } = payload as JWTPayload & Record<"sid" | "email" | "roles", unknown>;
  return {
    userId: String(sub),
    signInId: typeof sid === "string" ? sid : null,
    email: typeof email === "string" ? email : null,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : null,
  };
}

/** A user as a renewed access token describes them now: e-mail and roles may have changed since sign-in. */
export function refreshedUser(user: User, { email, roles }: AccessTokenClaims): User {
  return { ...user, ...(email === null ? {} : { email }), ...(roles === null ? {} : { roles }) };
}

/** The claims of a token that must be this user's; throws IdentityProviderMisconfiguredError if it is another's. */
export async function claimsOfUser(
  { verifyAccessToken }: Settings,
  userId: string,
  accessToken: string,
): Promise<AccessTokenClaims> {
  const claims = await verifyAccessToken(accessToken);
  if (claims.userId === userId) return claims;
  throw new IdentityProviderMisconfiguredError("The identity provider's access token is another user's.");
}
