// The wire form of `jwtConfiguration` and its limits; what it means is token-policy.ts.

import * as z from "zod";
import type { JwtConfiguration } from "./store/records.ts";
import { LONGEST_ACCESS_TOKEN_SECONDS, LONGEST_GRACE_SECONDS } from "./token-policy.ts";

// Ten years; fractions allowed, at least a millisecond's worth.
const minutes = z.number().min(0.001).max(5_256_000);

/** A `jwtConfiguration` as a caller may send it. */
export const jwtConfiguration: z.ZodType<JwtConfiguration> = z
  .object({
    enabled: z.boolean().optional(),
    timeToLiveInSeconds: z.int().min(1).max(LONGEST_ACCESS_TOKEN_SECONDS).optional(),
    refreshTokenTimeToLiveInMinutes: minutes.optional(),
    refreshTokenExpirationPolicy: z
      .enum(["Fixed", "SlidingWindow", "SlidingWindowWithMaximumLifetime"])
      .optional(),
    refreshTokenSlidingWindowConfiguration: z
      .object({ maximumTimeToLiveInMinutes: minutes.optional() })
      .optional(),
    refreshTokenUsagePolicy: z.enum(["Reusable", "OneTimeUse"]).optional(),
    refreshTokenOneTimeUseConfiguration: z
      .object({ gracePeriodInSeconds: z.int().min(0).max(LONGEST_GRACE_SECONDS).optional() })
      .optional(),
    refreshTokenRevocationPolicy: z
      .object({
        onLoginPrevented: z.boolean().optional(),
        onPasswordChanged: z.boolean().optional(),
        onMultiFactorEnable: z.boolean().optional(),
        onOneTimeTokenReuse: z.boolean().optional(),
      })
      .optional(),
  })
  .refine(maximumCoversWindow, {
    path: ["refreshTokenSlidingWindowConfiguration", "maximumTimeToLiveInMinutes"],
    error: "[invalid]",
  });

function maximumCoversWindow(configuration: JwtConfiguration): boolean {
  const maximum = configuration.refreshTokenSlidingWindowConfiguration?.maximumTimeToLiveInMinutes;
  return maximum === undefined || maximum >= (configuration.refreshTokenTimeToLiveInMinutes ?? 0);
}
