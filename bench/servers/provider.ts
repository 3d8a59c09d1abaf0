// The identity provider of a candidate, with some people: one application as the library wants it, and one without a grace, where a token that is
// shown again is refused at once. Its clock may run fast, for sessions that are to expire at every request.
import { randomBytes, randomUUID } from "node:crypto";
import { createIdp, type Idp, type IdpConfig } from "@latchkey/idp";
import type { IdentityProviderOptions } from "@latchkey/session";
import type { Family } from "../lanes/token.ts";

/** The password of everybody. */
export const password = "correct horse battery staple";

/** What its applications are known by. */
export interface Registered {
  readonly issuer: string;
  readonly applicationId: string;
  readonly withoutGrace: string;
  readonly apiKey: string;
  readonly clientSecret: string;
}

/** A provider, not yet listening. */
export interface Provider extends Registered {
  readonly idp: Idp;
  /** For `createSessions`, in the same process. */
  readonly options: IdentityProviderOptions;
  /** New families, each of another person, as the grant or as `POST /api/jwt/refresh` refreshes them. */
  families(applicationId: string, by: "grant" | "jwt", count: number): Promise<Family[]>;
}

/** Where it keeps what it knows, and whom it knows. */
export interface ProviderOptions {
  readonly database: string;
  /** How many: `person0@example.com`, Person 0, … */
  readonly people: number;
  /** Its own bounds, if not said. */
  readonly hashing?: IdpConfig["hashing"];
  readonly now?: (() => number) | undefined;
}

/** Starts it. */
export async function startProvider({
  database,
  people,
  hashing = {},
  now,
}: ProviderOptions): Promise<Provider> {
  const [applicationId, withoutGrace] = [randomUUID(), randomUUID()];
  const [apiKey, clientSecret] = [secret(), secret()];
  const issuer = "http://localhost";
  const idp = await createIdp({
    database,
    issuer,
    hashing,
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
  const send = (request: Request) => idp.fetch(request);
  const post = posting(send, issuer, apiKey);
  for (let index = 0; index < people; index++) {
    const user = { email: emailOf(index), password, fullName: nameOf(index) };
    const id = randomUUID();
    await post(`/api/user/registration/${id}`, { user, registration: { applicationId } });
    await post(`/api/user/registration/${id}`, { registration: { applicationId: withoutGrace } });
  }
  return {
    idp,
    issuer,
    applicationId,
    withoutGrace,
    apiKey,
    clientSecret,
    options: { url: issuer, applicationId, apiKey, clientSecret, fetch: send },
    async families(applicationId, by, count) {
      const families: Family[] = [];
      for (let index = 0; index < count; index++) {
        const credentials = { loginId: emailOf(index % people), password, applicationId };
        const { refreshToken } = await post("/api/login", credentials);
        families.push(familyOf(String(refreshToken), by, `${applicationId}:${clientSecret}`));
      }
      return families;
    },
  };
}

type Post = (path: string, body: unknown) => Promise<Record<string, unknown>>;

function posting(send: (request: Request) => Promise<Response>, issuer: string, apiKey: string): Post {
  return async (path, body) => {
    const headers = { authorization: apiKey, "content-type": "application/json" };
    const response = await send(
      new Request(`${issuer}${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
    );
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
}

function familyOf(token: string, by: "grant" | "jwt", credentials: string): Family {
  if (by === "jwt") return { path: "/api/jwt/refresh", authorization: null, token, accessToken: null };
  const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  return { path: "/oauth2/token", authorization, token, accessToken: null };
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

/** What that person signs in as. */
export function emailOf(index: number): string {
  return `person${index}@example.com`;
}

/** What that person is called. */
export function nameOf(index: number): string {
  return `Person ${index}`;
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
