// How long tokens live, for each application as it is in force: the tenant's settings and the application's over them. And whether that
// fits an application with the library. Pure.

import { enabledGrants } from "../../application-shape.ts";
import type { Application, Tenant } from "../../store/records.ts";
import { type TokenPolicy, tokenPolicy } from "../../token-policy.ts";
import { spanOf } from "../duration.ts";
import type { ApplicationClocks } from "./clocks.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** What is in force for one application, or for a tenant where the application says nothing. */
export interface EffectiveLifetimes {
  about: string;
  accessToken: number;
  refreshTokens: TokenPolicy["usage"];
  /** Unused for this long it is dead; null: it is not extended by use. */
  idle: number | null;
  /** Dead whatever happens; null: never. */
  absolute: number | null;
  grace: number;
}

/** What is in force; milliseconds. */
export function lifetimesOf(tenant: Tenant, application: Application | null): EffectiveLifetimes {
  const policy = tokenPolicy(tenant, application);
  return {
    about: application === null ? `tenant ${tenant.name}` : nameOf(application),
    accessToken: policy.accessTokenSeconds * 1_000,
    refreshTokens: policy.usage,
    idle: policy.expiration === "Fixed" ? null : policy.lifetimeMs,
    absolute: absoluteOf(policy),
    grace: policy.graceMs,
  };
}

/** What does not fit, or is less safe than it could be; one "ok" where there is nothing. */
export function contradictions(
  tenant: Tenant,
  application: Application,
  clocks: ApplicationClocks,
): Finding[] {
  const about = nameOf(application);
  const policy = tokenPolicy(tenant, application);
  const issues = application.settings.loginConfiguration?.generateRefreshTokens === true;
  const found = [
    ...accessTokenFindings(about, policy, clocks),
    ...clientFindings(about, application),
    ...(issues ? [...graceFindings(about, policy, clocks), ...lifeFindings(about, policy, clocks)] : []),
    ...revocationFindings(about, policy),
  ];
  const fits = issues
    ? "fits an application with these clocks"
    : 'gets no refresh tokens: the library\'s workflow "sessions"';
  return found.length === 0 ? [ok(about, fits)] : found;
}

function nameOf({ name }: Application): string {
  return `application ${name}`;
}

function absoluteOf({ expiration, lifetimeMs, maximumMs }: TokenPolicy): number | null {
  if (expiration === "SlidingWindow") return null;
  return expiration === "Fixed" ? lifetimeMs : maximumMs;
}

function accessTokenFindings(
  about: string,
  { accessTokenSeconds }: TokenPolicy,
  { revalidateAfter }: ApplicationClocks,
): Finding[] {
  const life = accessTokenSeconds * 1_000;
  if (life <= revalidateAfter) return [];
  const found = `access tokens live ${spanOf(life)}, longer than ${spanOf(revalidateAfter)}: one that leaks can't be revoked`;
  return [
    warning(about, found, `jwtConfiguration.timeToLiveInSeconds: ${Math.floor(revalidateAfter / 1_000)}`),
  ];
}

function graceFindings(
  about: string,
  { usage, graceMs }: TokenPolicy,
  { deadline }: ApplicationClocks,
): Finding[] {
  const setting = "jwtConfiguration.refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds";
  if (usage === "Reusable") {
    const found = "refresh tokens are Reusable: a copied one is good for its whole life, and nobody notices";
    return [warning(about, found, "jwtConfiguration.refreshTokenUsagePolicy: OneTimeUse")];
  }
  const needed = Math.ceil((2 * deadline) / 1_000);
  if (graceMs === 0) {
    const found =
      "OneTimeUse without a grace: two requests at once, on two nodes or after a lost answer, are taken for a thief";
    return [problem(about, found, `${setting}: ${needed}`)];
  }
  if (graceMs >= needed * 1_000) return [];
  const found = `the grace of ${spanOf(graceMs)} is shorter than an answer that is lost and asked for again (twice ${spanOf(deadline)})`;
  return [warning(about, found, `${setting}: ${needed}`)];
}

function lifeFindings(about: string, policy: TokenPolicy, clocks: ApplicationClocks): Finding[] {
  const findings: Finding[] = [];
  const absolute = absoluteOf(policy);
  const { lifetimeMs, expiration } = policy;
  const ttl = "jwtConfiguration.refreshTokenTimeToLiveInMinutes";
  const maximum = "jwtConfiguration.refreshTokenSlidingWindowConfiguration.maximumTimeToLiveInMinutes";
  if (absolute === null)
    findings.push(
      warning(
        about,
        "refresh tokens slide without an end: a sign-in that is used never ends at the provider (ASVS 7.3.2)",
        "jwtConfiguration.refreshTokenExpirationPolicy: SlidingWindowWithMaximumLifetime",
      ),
    );
  else if (absolute < clocks.signInAbsolute)
    findings.push(
      warning(
        about,
        `refresh tokens end after ${spanOf(absolute)}, the application's sign-ins after ${spanOf(clocks.signInAbsolute)}: users are signed out sooner than it says`,
        `${expiration === "Fixed" ? ttl : maximum}: ${minutes(clocks.signInAbsolute)}, or a shorter limit in the application`,
      ),
    );
  if (lifetimeMs <= clocks.revalidateAfter)
    findings.push(
      problem(
        about,
        `refresh tokens die after ${spanOf(lifetimeMs)} without use, before the application uses them (${spanOf(clocks.revalidateAfter)}): nobody stays signed in`,
        `${ttl}: ${minutes(clocks.signInIdle)}`,
      ),
    );
  else if (expiration !== "Fixed" && lifetimeMs < clocks.signInIdle)
    findings.push(
      warning(
        about,
        `refresh tokens die after ${spanOf(lifetimeMs)} without use, the application's sign-ins after ${spanOf(clocks.signInIdle)}`,
        `${ttl}: ${minutes(clocks.signInIdle)}, or a shorter limit in the application`,
      ),
    );
  return findings;
}

function clientFindings(about: string, application: Application): Finding[] {
  const { loginConfiguration = {}, oauthConfiguration = {} } = application.settings;
  const findings: Finding[] = [];
  if (loginConfiguration.allowTokenRefresh === true)
    findings.push(
      warning(
        about,
        "allowTokenRefresh: a refresh token is exchanged at /api/jwt/refresh without the client secret, so a copied one is enough",
        "loginConfiguration.allowTokenRefresh: false; the library asks /oauth2/token with its secret",
      ),
    );
  if ((oauthConfiguration.clientAuthenticationPolicy ?? "Required") !== "Required")
    findings.push(
      warning(
        about,
        "a refresh token is exchanged at /oauth2/token without the client secret, so a copied one is enough",
        "oauthConfiguration.clientAuthenticationPolicy: Required",
      ),
    );
  const others = enabledGrants(application).filter((grant) => grant !== "refresh_token");
  if (others.length > 0)
    findings.push(
      warning(
        about,
        `enabledGrants names ${others.join(", ")}, which there is not here${others.includes("password") ? " (RFC 9700 §2.4)" : ""}`,
        'oauthConfiguration.enabledGrants: ["refresh_token"]',
      ),
    );
  if (loginConfiguration.requireAuthentication === false)
    findings.push(
      warning(
        about,
        "anybody may try passwords at /api/login without an API key",
        "loginConfiguration.requireAuthentication: true",
      ),
    );
  return findings;
}

function revocationFindings(about: string, policy: TokenPolicy): Finding[] {
  const triggers: [boolean, string, string][] = [
    [
      policy.revokeOnReuse || policy.usage === "Reusable",
      "onOneTimeTokenReuse",
      "a copied refresh token is refused, but the thief stays in",
    ],
    [
      policy.revokeOnPasswordChanged,
      "onPasswordChanged",
      "sign-ins outlive a change of the password (ASVS 7.4.3)",
    ],
    [
      policy.revokeOnLoginPrevented,
      "onLoginPrevented",
      "sign-ins outlive the deactivation of their user (ASVS 7.4.2)",
    ],
  ];
  return triggers
    .filter(([isOn]) => !isOn)
    .map(([, name, found]) =>
      warning(about, found, `jwtConfiguration.refreshTokenRevocationPolicy.${name}: true`),
    );
}

function minutes(milliseconds: number): number {
  return Math.ceil(milliseconds / 60_000);
}
