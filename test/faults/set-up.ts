// The provider's application and webhook in every world, as README asks for them ("At the provider").
import { randomBytes } from "node:crypto";
import type { Kickstart } from "@latchkey/idp";
import { secret } from "../leak-watch.ts";
import { webhookPath } from "./kill-headers.ts";

export const apiKey: string = secret(randomBytes(32).toString("base64url"));
export const clientSecret: string = secret(randomBytes(32).toString("base64url"));
export const applicationId = "10000000-0000-4000-8000-000000000001";

/** What an empty provider starts with, its events going to the application at that port. */
export function kickstart(port: number): Kickstart {
  const application = {
    name: "Store",
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration: { generateRefreshTokens: true, requireAuthentication: true },
    oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
    jwtConfiguration: {
      enabled: true,
      timeToLiveInSeconds: 600,
      refreshTokenUsagePolicy: "OneTimeUse",
      refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
      refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
      refreshTokenTimeToLiveInMinutes: 43_200,
      refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 43_200 },
    },
  };
  const webhook = {
    url: `http://127.0.0.1:${port}${webhookPath}`,
    global: true,
    connectTimeout: 5_000,
    readTimeout: 5_000,
    eventsEnabled: { "jwt.refresh-token.revoke": true, "user.password.update": true },
  };
  return {
    apiKeys: [{ key: apiKey }],
    requests: [
      { method: "POST", url: `/api/application/${applicationId}`, body: { application } },
      { method: "POST", url: "/api/webhook", body: { webhook } },
    ],
  };
}
