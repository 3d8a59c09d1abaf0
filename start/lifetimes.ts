/** The clocks `npm start` runs with: what the environment says, over the defaults, for library and provider alike. */
import {
  defaultLifetimes,
  type Duration,
  formatDuration,
  type LifetimeOptions,
  type Lifetimes,
  parseDuration,
} from "@latchkey/session";
import type { Environment } from "./environment.ts";

/** The library's clocks for what was set. */
export function lifetimeOptions({ workflow, policy, durations }: Environment): LifetimeOptions {
  const { sessionIdle, sessionAbsolute, refreshIdle, refreshAbsolute } = durations;
  const renews = workflow === "sessions+refresh-tokens";
  // In W2 a session that reached its own limit is renewed, not ended: that clock is the library's `revalidateAfter`.
  const sessionLimit = renews && policy === "hardened" ? "revalidateAfter" : "signInAbsolute";
  return {
    ...(sessionIdle && { sessionIdle }),
    ...(sessionAbsolute && { [sessionLimit]: sessionAbsolute }),
    ...(renews && refreshIdle && { signInIdle: refreshIdle, rememberedIdle: refreshIdle }),
    ...(renews && policy === "hardened" && refreshAbsolute && { signInAbsolute: refreshAbsolute }),
    ...(renews && refreshAbsolute && { rememberedAbsolute: refreshAbsolute }),
  };
}

/** The demo applications' token settings at the provider, in FusionAuth's names, so that both sides agree. */
export function tokenSettings({ policy, durations }: Environment): Record<string, unknown> {
  const absolute = minutes(durations.refreshAbsolute ?? defaultLifetimes.rememberedAbsolute);
  const idle = Math.min(minutes(durations.refreshIdle ?? defaultLifetimes.rememberedIdle), absolute);
  const usage =
    policy === "hardened"
      ? {
          refreshTokenUsagePolicy: "OneTimeUse",
          // The library tells a lost answer from a theft better than a clock does: give it all the time there is.
          refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
        }
      : { refreshTokenUsagePolicy: "Reusable" };
  return {
    enabled: true,
    timeToLiveInSeconds: 600,
    refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
    refreshTokenTimeToLiveInMinutes: idle,
    refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: absolute },
    ...usage,
  };
}

function minutes(duration: Duration): number {
  return (parseDuration(duration) ?? 0) / 60_000;
}

/** The table `npm start` prints: a clock, what it counts from, how long. */
export function lifetimeTable({ workflow, policy }: Environment, lifetimes: Lifetimes): string[] {
  const described = policy === "as-described";
  const renews = workflow === "sessions+refresh-tokens";
  const show = (milliseconds: number) =>
    Number.isFinite(milliseconds) ? formatDuration(milliseconds) : "none";
  const remembered = (plain: number, kept: number) =>
    plain === kept ? show(kept) : `${show(kept)} remembered, ${show(plain)} not`;
  const rows: [string, string, string][] = [["session idle", "last use", show(lifetimes.sessionIdle)]];
  if (described) {
    rows.push(["session absolute", "minting", show(lifetimes.signInAbsolute)]);
    if (renews) {
      rows.push(["refresh token idle", "last refresh", show(lifetimes.rememberedIdle)]);
      rows.push(["refresh token absolute", "authentication", show(lifetimes.rememberedAbsolute)]);
    }
  } else {
    rows.push([
      renews ? "session re-minted" : "user revalidated",
      "minting",
      show(lifetimes.revalidateAfter),
    ]);
    if (renews)
      rows.push(["sign-in idle", "last renewal", remembered(lifetimes.signInIdle, lifetimes.rememberedIdle)]);
    const absolute = renews
      ? remembered(lifetimes.signInAbsolute, lifetimes.rememberedAbsolute)
      : show(lifetimes.signInAbsolute);
    rows.push(["sign-in absolute", "authentication", absolute]);
  }
  return rows.map(([clock, from, length]) => `${clock.padEnd(24)}${`since ${from}`.padEnd(24)}${length}`);
}
