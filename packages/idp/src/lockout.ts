// FusionAuth's lockout: after so many failures within a time nobody signs in to the account for a while, whatever the password.
// Off unless a tenant names a user action, as in FusionAuth: whoever knows a login id can lock its owner out on every device that
// is not known (CWE-645). It never ends a sign-in of the owner's unless the tenant says so in so many words.

import type { FailedAuthenticationConfiguration, Tenant, User } from "./store/records.ts";
import type { Rule } from "./throttle.ts";

const DAY_MS = 86_400_000;

/** What a lockout's duration is counted in. */
export type LockoutUnit = NonNullable<FailedAuthenticationConfiguration["actionDurationUnit"]>;

const UNIT_MS: Readonly<Record<LockoutUnit, number>> = {
  MINUTES: 60_000,
  HOURS: 3_600_000,
  DAYS: DAY_MS,
  WEEKS: 7 * DAY_MS,
  MONTHS: 30 * DAY_MS,
  YEARS: 365 * DAY_MS,
};

/** Every setting with its value: FusionAuth's defaults. */
export interface EffectiveLockout {
  tooManyAttempts: number;
  resetCountInSeconds: number;
  actionDuration: number;
  actionDurationUnit: LockoutUnit;
  /** Undefined: there is no lockout. */
  userActionId: string | undefined;
  actionCancelPolicy: { onPasswordReset: boolean };
}

/** The lockout of a tenant, as `GET /api/tenant` shows it. */
export function lockoutOf({ settings }: Tenant): EffectiveLockout {
  const own: FailedAuthenticationConfiguration = settings.failedAuthenticationConfiguration ?? {};
  return {
    tooManyAttempts: own.tooManyAttempts ?? 5,
    resetCountInSeconds: own.resetCountInSeconds ?? 60,
    actionDuration: own.actionDuration ?? 3,
    actionDurationUnit: own.actionDurationUnit ?? "MINUTES",
    userActionId: own.userActionId,
    actionCancelPolicy: { onPasswordReset: own.actionCancelPolicy?.onPasswordReset ?? false },
  };
}

/** The tenant's lockout as a rule; null where it has none. */
export function lockoutRule(tenant: Tenant): Rule | null {
  const lockout = lockoutOf(tenant);
  if (lockout.userActionId === undefined) return null;
  const lockedMs = lockout.actionDuration * UNIT_MS[lockout.actionDurationUnit];
  return {
    free: lockout.tooManyAttempts,
    firstWaitMs: lockedMs,
    longestWaitMs: lockedMs,
    forgets: { allAfterMs: lockout.resetCountInSeconds * 1_000 },
  };
}

/** Failures until this instant count no more: a change of the password cancels the lockout where the tenant says so. */
export function lockoutCountsFrom(tenant: Tenant, user: User | null): number {
  const cancels = lockoutOf(tenant).actionCancelPolicy.onPasswordReset;
  return cancels ? (user?.passwordLastUpdateInstant ?? 0) : 0;
}

/**
 * True if a lockout ends the user's sign-ins. Only where the tenant itself says `onLoginPrevented`: by the default a stranger
 * with five guesses would sign the owner out everywhere.
 */
export function lockoutRevokes({ settings }: Tenant): boolean {
  return settings.jwtConfiguration?.refreshTokenRevocationPolicy?.onLoginPrevented === true;
}

/** What a 409 says: FusionAuth's `actions`, the same for a login id that is nobody's. */
export function lockoutActions(tenant: Tenant, until: number): { actions: Record<string, unknown>[] } {
  const name = "Too many failed sign-ins";
  return {
    actions: [{ actionId: lockoutOf(tenant).userActionId, expiry: until, name, localizedName: name }],
  };
}
