// A Latchkey provider for refresh tokens: one application as the library wants it, and one without a grace, where a token that is shown again
// is refused at once. Its clock may run fast, for sessions that are to expire at every request.
import { randomBytes, randomUUID } from "node:crypto";
import { createIdp, type Idp } from "@latchkey/idp";
import type { Family } from "../lanes/token.ts";
import { emailOf, nameOf, password } from "./embedded-provider.ts";

/** What its applications are known by. */
export interface Registered {
  readonly issuer: string;
  readonly applicationId: string;
  readonly withoutGrace: string;
  readonly apiKey: string;
  readonly clientSecret: string;
}

/** A provider, not yet listening. */
export interface RefreshProvider extends Registered {
  readonly idp: Idp;
  /** New families, each of another person, as the grant or as `POST /api/jwt/refresh` refreshes them. */
  families(applicationId: string, by: "grant" | "jwt", count: number): Promise<Family[]>;
}

/** Starts it on that database, with so many people. */
export async function refreshProvider(
  database: string,
  people: number,
  now?: () => number,
): Promise<RefreshProvider> {
  const [applicationId, withoutGrace] = [randomUUID(), randomUUID()];
  const [apiKey, clientSecret] = [secret(), secret()];
  const issuer = "http://localhost";
  const idp = await createIdp({
    database,
    issuer,
    keys: [{ id: "1", secret: secret() }],
    ...(now && { now }),
    kickstart: {
      apiKeys: [{ key: apiKey }],
      requests: [
        application(applicationId, clientSecret, 86_399),
        application(withoutGrace, clientSecret, 0),
      ],
    },
  });
  const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const headers = { authorization: apiKey, "content-type": "application/json" };
    const response = await idp.fetch(
      new Request(`${issuer}${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
    );
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  for (let index = 0; index < people; index++) {
    const user = { email: emailOf(index), password, fullName: nameOf(index) };
    const id = randomUUID();
    await post(`/api/user/registration/${id}`, { user, registration: { applicationId } });
    await post(`/api/user/registration/${id}`, { registration: { applicationId: withoutGrace } });
  }
  const basic = (id: string) => `Basic ${Buffer.from(`${id}:${clientSecret}`).toString("base64")}`;
  return {
    idp,
    issuer,
    applicationId,
    withoutGrace,
    apiKey,
    clientSecret,
    async families(applicationId, by, count) {
      const families: Family[] = [];
      for (let index = 0; index < count; index++) {
        const credentials = { loginId: emailOf(index % people), password, applicationId };
        const { refreshToken } = await post("/api/login", credentials);
        const token = String(refreshToken);
        families.push(
          by === "grant"
            ? { path: "/oauth2/token", authorization: basic(applicationId), token, accessToken: null }
            : { path: "/api/jwt/refresh", authorization: null, token, accessToken: null },
        );
      }
      return families;
    },
  };
}

function application(id: string, clientSecret: string, gracePeriodInSeconds: number) {
  const application = {
    name: `Bench ${gracePeriodInSeconds}`,
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration: {
      generateRefreshTokens: true,
      allowTokenRefresh: true,
      requireAuthentication: true,
    },
    oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
    jwtConfiguration: {
      enabled: true,
      refreshTokenUsagePolicy: "OneTimeUse",
      refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds },
    },
  };
  return { method: "POST", url: `/api/application/${id}`, body: { application } } as const;
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * A clock that has run so many times as fast since `from`, epoch milliseconds: the same in every process that knows both. It goes by whole
 * seconds, so that two looks at it one after the other differ hardly more often than at a real one.
 */
export function fastClock(from: number, times: number): () => number {
  return () => from + Math.floor(((Date.now() - from) * times) / 1_000) * 1_000;
}
