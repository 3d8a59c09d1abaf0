// What a tenant's and an application's jwtConfiguration come to: how long tokens live and how refresh tokens are used.
// Pure. Names and limits are FusionAuth's (docs of the tenant API). Four defaults are stricter than FusionAuth's, whose
// own are Reusable, no grace, Fixed, and no revocation on reuse: a stolen refresh token is then good for its whole life and
// nobody is told (RFC 9700 §4.14.2, ASVS 10.4.5).

import type { Application, JwtConfiguration, RefreshToken, Tenant } from "./store/records.ts";

/** The settings in force for one application; all spans in milliseconds unless named otherwise. */
export interface TokenPolicy {
  accessTokenSeconds: number;
  usage: "Reusable" | "OneTimeUse";
  expiration: "Fixed" | "SlidingWindow" | "SlidingWindowWithMaximumLifetime";
  lifetimeMs: number;
  /** Only for SlidingWindowWithMaximumLifetime. */
  maximumMs: number;
  graceMs: number;
  revokeOnReuse: boolean;
  revokeOnLoginPrevented: boolean;
  revokeOnPasswordChanged: boolean;
}

/** FusionAuth's limit: the grace is shorter than a day. */
export const LONGEST_GRACE_SECONDS = 86_399;

/** An access token can't be revoked, so none may live longer than a day (FusionAuth has no limit). */
export const LONGEST_ACCESS_TOKEN_SECONDS = 86_400;

const DEFAULT_TTL_MINUTES = 43_200;

/** The policy of an application, or of the tenant alone when null; the application's settings win where `enabled`. */
export function tokenPolicy(
  tenant: Pick<Tenant, "settings">,
  application: Pick<Application, "settings"> | null,
): TokenPolicy {
  const ofTenant = tenant.settings.jwtConfiguration ?? {};
  const ofApplication = application?.settings.jwtConfiguration;
  const effective = effectiveConfiguration(ofTenant, ofApplication?.enabled === true ? ofApplication : {});
  return {
    accessTokenSeconds: effective.timeToLiveInSeconds,
    usage: effective.refreshTokenUsagePolicy,
    expiration: effective.refreshTokenExpirationPolicy,
    lifetimeMs: effective.refreshTokenTimeToLiveInMinutes * 60_000,
    maximumMs: effective.refreshTokenSlidingWindowConfiguration.maximumTimeToLiveInMinutes * 60_000,
    graceMs: effective.refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds * 1_000,
    revokeOnReuse: effective.refreshTokenRevocationPolicy.onOneTimeTokenReuse,
    revokeOnLoginPrevented: effective.refreshTokenRevocationPolicy.onLoginPrevented,
    revokeOnPasswordChanged: effective.refreshTokenRevocationPolicy.onPasswordChanged,
  };
}

/** Every setting with its value, as `GET /api/tenant` shows them. */
export interface EffectiveJwtConfiguration {
  timeToLiveInSeconds: number;
  refreshTokenTimeToLiveInMinutes: number;
  refreshTokenExpirationPolicy: TokenPolicy["expiration"];
  refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: number };
  refreshTokenUsagePolicy: TokenPolicy["usage"];
  refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: number };
  refreshTokenRevocationPolicy: {
    onLoginPrevented: boolean;
    onPasswordChanged: boolean;
    onMultiFactorEnable: boolean;
    onOneTimeTokenReuse: boolean;
  };
}

/** What `over` says, else what `base` says, else the default. Two of the triggers are the tenant's alone. */
export function effectiveConfiguration(
  base: JwtConfiguration,
  over: JwtConfiguration,
): EffectiveJwtConfiguration {
  const minutes =
    over.refreshTokenTimeToLiveInMinutes ?? base.refreshTokenTimeToLiveInMinutes ?? DEFAULT_TTL_MINUTES;
  const maximum =
    over.refreshTokenSlidingWindowConfiguration?.maximumTimeToLiveInMinutes ??
    base.refreshTokenSlidingWindowConfiguration?.maximumTimeToLiveInMinutes;
  const revocation = { ...base.refreshTokenRevocationPolicy };
  return {
    timeToLiveInSeconds: over.timeToLiveInSeconds ?? base.timeToLiveInSeconds ?? 3_600,
    refreshTokenTimeToLiveInMinutes: minutes,
    refreshTokenExpirationPolicy:
      over.refreshTokenExpirationPolicy ??
      base.refreshTokenExpirationPolicy ??
      "SlidingWindowWithMaximumLifetime",
    refreshTokenSlidingWindowConfiguration: {
      maximumTimeToLiveInMinutes: maximum ?? Math.max(minutes, DEFAULT_TTL_MINUTES),
    },
    refreshTokenUsagePolicy: over.refreshTokenUsagePolicy ?? base.refreshTokenUsagePolicy ?? "OneTimeUse",
    refreshTokenOneTimeUseConfiguration: {
      gracePeriodInSeconds:
        over.refreshTokenOneTimeUseConfiguration?.gracePeriodInSeconds ??
        base.refreshTokenOneTimeUseConfiguration?.gracePeriodInSeconds ??
        10,
    },
    refreshTokenRevocationPolicy: {
      onLoginPrevented: revocation.onLoginPrevented ?? true,
      onPasswordChanged: revocation.onPasswordChanged ?? true,
      onMultiFactorEnable: revocation.onMultiFactorEnable ?? false,
      onOneTimeTokenReuse:
        over.refreshTokenRevocationPolicy?.onOneTimeTokenReuse ?? revocation.onOneTimeTokenReuse ?? true,
    },
  };
}

/** When a token dies and when its row may be forgotten. */
export interface Lifetime {
  expiresInstant: number;
  endsInstant: number;
}

/** The lifetime of a token started at `start` and last used at `used`; nothing ever extends the maximum (ASVS 10.4.8). */
export function lifetime(policy: TokenPolicy, start: number, used: number): Lifetime {
  const fixed = Math.round(start + policy.lifetimeMs);
  const sliding = Math.round(used + policy.lifetimeMs);
  const maximum = Math.round(start + policy.maximumMs);
  if (policy.expiration === "Fixed") return { expiresInstant: fixed, endsInstant: fixed };
  if (policy.expiration === "SlidingWindow") return { expiresInstant: sliding, endsInstant: sliding };
  return { expiresInstant: Math.min(sliding, maximum), endsInstant: maximum };
}

/** True when the token is dead, by what was promised when it was last used or by the policy of today, whichever is sooner. */
export function hasExpired(policy: TokenPolicy, token: RefreshToken, now: number): boolean {
  const today = lifetime(policy, token.startInstant, token.lastAccessedInstant);
  return now >= Math.min(token.expiresInstant, today.expiresInstant);
}
