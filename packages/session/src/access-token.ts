/**
 * Verifies the provider's access token, once per sign-in and once per renewal. It came straight from the provider, so
 * this guards against a mixed-up or misconfigured provider rather than a forger: issuer, audience, time, algorithm.
 */
import type { JWTPayload } from "jose";
import { JOSEError } from "jose/errors";
import { IdentityProviderMisconfiguredError } from "./errors.ts";
import type { ProviderKeys } from "./provider-keys.ts";
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

/** A verifier of access tokens for this application, by the provider's keys. */
export function accessTokenVerifier(keys: ProviderKeys, applicationId: string): VerifyAccessToken {
  const expected = { audience: applicationId, requiredClaims: ["iss", "exp", "sub"], refetchAfter: 0 };
  return async (token) => {
    try {
      return claims(await keys.verify(token, expected));
    } catch (cause) {
      if (!(cause instanceof JOSEError)) throw cause;
      // jose's messages name the claim or header that failed, never the token.
      throw new IdentityProviderMisconfiguredError(
        `The identity provider's access token is not for us: ${cause.message}`,
      );
    }
  };
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
