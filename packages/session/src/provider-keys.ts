/**
 * The provider's issuer and public keys, as it publishes them, and the check that it signed a JWT. What the token is for is
 * the caller's business: access-token.ts and webhook.ts each want other claims, so that neither's passes for the other's.
 */
import type { createLocalJWKSet, JSONWebKeySet, JWTPayload, jwtVerify, JWTVerifyOptions } from "jose";
import { JWKSNoMatchingKey, JWTClaimValidationFailed } from "jose/errors";
import { IdentityProviderMisconfiguredError } from "./errors.ts";
import type { IdentityProvider } from "./provider-contract.ts";

/** What a token must have besides a signature, an issuer that is the provider's if it names one, and times that fit. */
export interface ExpectedToken {
  readonly audience?: string;
  readonly requiredClaims: readonly string[];
  /** Milliseconds that must have passed before the keys are asked for again because this token names an unknown one. */
  readonly refetchAfter: number;
}

/** The provider's keys. */
export interface ProviderKeys {
  /**
   * The claims of a token that the provider signed. Throws jose's JOSEError for any other, and the provider's errors where
   * its keys can't be had.
   */
  verify(token: string, expected: ExpectedToken): Promise<JWTPayload>;
}

/** Asymmetric only: a key set can't verify an HMAC, and `none` is never a choice (RFC 8725 §3.1). */
const algorithms = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256"];

/** Milliseconds by which the provider's clock and ours may differ. */
export const clockSkew = 60_000;

/** Milliseconds after which the keys are fetched again: one that leaked and was taken from the list opens nothing for longer. */
const believedFor = 10 * 60_000;

interface Trusted {
  readonly expectedIssuer: string;
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  readonly verify: typeof jwtVerify;
  readonly fetchedAt: number;
}

/** Keys that are fetched when they are first needed, and again when they are old or a token names one that is unknown. */
export function providerKeys(
  provider: IdentityProvider,
  { issuer, now }: { issuer: string | undefined; now: () => number },
): ProviderKeys {
  let trusted: Promise<Trusted> | null = null;
  const forget = () => {
    trusted = null;
  };
  const fetched = () =>
    (trusted ??= fetchTrusted(provider, issuer, now).catch((error: unknown) => {
      // Kept, one bad answer while the provider was starting would refuse every renewal until this process restarts.
      forget();
      throw error;
    }));
  const trust = async () => {
    const asked = fetched();
    const known = await asked;
    if (now() - known.fetchedAt < believedFor) return known;
    // Whoever comes first forgets them, and all share what is fetched next.
    if (trusted === asked) forget();
    return fetched();
  };

  return {
    async verify(token, expected) {
      const known = await trust();
      const time = { currentDate: new Date(now()), clockTolerance: clockSkew / 1_000 };
      try {
        return await verifyWith(known, token, expected, time);
      } catch (error) {
        // The provider rolled its keys: ask once more, then believe it.
        const mayAsk = now() - known.fetchedAt >= expected.refetchAfter;
        if (!(error instanceof JWKSNoMatchingKey) || !mayAsk) throw error;
        forget();
        return verifyWith(await trust(), token, expected, time);
      }
    },
  };
}

async function fetchTrusted(
  provider: IdentityProvider,
  issuer: string | undefined,
  now: () => number,
): Promise<Trusted> {
  const expectedIssuer = issuer ?? (await discoverIssuer(provider));
  const fetchedAt = now();
  const keys = (await provider.document("/.well-known/jwks.json")) as JSONWebKeySet;
  // With the first keys, and by the parts that are used: loading them takes a quarter of the time that importing all of ours does.
  const [{ createLocalJWKSet }, { jwtVerify }] = await Promise.all([
    import("jose/jwks/local"),
    import("jose/jwt/verify"),
  ]);
  return { expectedIssuer, keys: createLocalJWKSet(keys), verify: jwtVerify, fetchedAt };
}

async function discoverIssuer(provider: IdentityProvider): Promise<string> {
  const document = (await provider.document("/.well-known/openid-configuration")) as { issuer?: unknown };
  if (typeof document.issuer === "string") return document.issuer;
  throw new IdentityProviderMisconfiguredError("The identity provider's discovery document names no issuer.");
}

async function verifyWith(
  { expectedIssuer, keys, verify }: Trusted,
  token: string,
  { audience, requiredClaims }: ExpectedToken,
  time: Pick<JWTVerifyOptions, "currentDate" | "clockTolerance">,
): Promise<JWTPayload> {
  const { payload } = await verify(token, keys, {
    ...time,
    algorithms,
    requiredClaims: [...requiredClaims],
    ...(audience === undefined ? {} : { audience }),
  });
  if (payload.iss === undefined || payload.iss === expectedIssuer) return payload;
  throw new JWTClaimValidationFailed('unexpected "iss" claim value', payload, "iss", "check_failed");
}
