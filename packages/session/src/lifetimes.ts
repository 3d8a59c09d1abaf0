/** The clocks (D5): their defaults, and what an application sets instead. What counts from when is ARCHITECTURE.md's table. */
import { checkedDuration, type Duration } from "./duration.ts";
import type { PolicyName, Workflow } from "./settings.ts";

/** The clocks, as an application sets them. */
export interface LifetimeOptions {
  /** A session unused for this long is over. Default 30m. */
  readonly sessionIdle?: Duration;
  /** After this long the provider must vouch for the user again: W1 asks it, W2 renews. Default 10m. */
  readonly revalidateAfter?: Duration;
  /** W2: a sign-in that was not renewed for this long is over. Default 1h. */
  readonly signInIdle?: Duration;
  /** A sign-in is over after this, whatever happens. Default 24h; in W1 12h. */
  readonly signInAbsolute?: Duration;
  /** W2: `signInIdle` where the user chose to stay signed in. Default 14d. */
  readonly rememberedIdle?: Duration;
  /** W2: `signInAbsolute` where the user chose to stay signed in. Default 30d. */
  readonly rememberedAbsolute?: Duration;
}

/** The clocks in milliseconds. */
export type Lifetimes = { readonly [clock in keyof LifetimeOptions]-?: number };

/** The clocks' defaults; in W1 a sign-in is over after 12h. */
export const defaultLifetimes: Required<LifetimeOptions> = {
  sessionIdle: "30m",
  revalidateAfter: "10m",
  signInIdle: "1h",
  signInAbsolute: "24h",
  rememberedIdle: "14d",
  rememberedAbsolute: "30d",
};

/** The clocks in force; throws a TypeError that names a clock which is unknown or no duration. */
export function lifetimes(workflow: Workflow, policy: PolicyName, options: LifetimeOptions): Lifetimes {
  const unknown = Object.keys(options).find((clock) => !Object.hasOwn(defaultLifetimes, clock));
  if (unknown !== undefined)
    throw new TypeError(`"lifetimes" must be one of ${Object.keys(defaultLifetimes).join(", ")}`);
  const limit = (clock: keyof LifetimeOptions, otherwise: Duration = defaultLifetimes[clock]) =>
    // A clock that is there and undefined is an environment variable that is not set: refused like any wrong value.
    checkedDuration(`lifetimes.${clock}`, clock in options ? String(options[clock]) : otherwise);
  // The workflows as published know no absolute limit of a session.
  const isUnlimited = policy === "as-described" && options.signInAbsolute === undefined;
  const signInAbsolute = isUnlimited
    ? Number.POSITIVE_INFINITY
    : limit("signInAbsolute", workflow === "sessions" ? "12h" : undefined);
  const rememberedAbsolute = limit("rememberedAbsolute");
  return {
    sessionIdle: limit("sessionIdle"),
    revalidateAfter: limit("revalidateAfter"),
    // A window can't be wider than the limit it slides within.
    signInIdle: Math.min(limit("signInIdle"), signInAbsolute),
    signInAbsolute,
    rememberedIdle: Math.min(limit("rememberedIdle"), rememberedAbsolute),
    rememberedAbsolute,
  };
}

/** How long a sign-in may go without a renewal, in milliseconds (W2). */
export function idleLimit({ rememberedIdle, signInIdle }: Lifetimes, remembered: boolean): number {
  return remembered ? rememberedIdle : signInIdle;
}
