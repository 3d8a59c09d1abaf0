// The identity provider in the candidate's own process, with one application and some people.
import { randomBytes, randomUUID } from "node:crypto";
import { createIdp, type Idp, type IdpConfig } from "@latchkey/idp";
import type { IdentityProviderOptions } from "@latchkey/session";

/** The password of everybody. */
export const password = "correct horse battery staple";

/** An embedded provider. */
export interface EmbeddedProvider {
  readonly idp: Idp;
  /** For `createSessions`. */
  readonly options: IdentityProviderOptions;
}

/** Starts it on that database, with so many people: `person0@example.com`, Person 0, … Bounds of `hashing` are its own, if not said. */
export async function embeddedProvider(
  database: string,
  people: number,
  hashing: IdpConfig["hashing"] = {},
): Promise<EmbeddedProvider> {
  const applicationId = randomUUID();
  const [apiKey, clientSecret] = [secret(), secret()];
  const application = {
    name: "Bench",
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration: { generateRefreshTokens: true, requireAuthentication: true },
    oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
    jwtConfiguration: {
      enabled: true,
      refreshTokenUsagePolicy: "OneTimeUse",
      refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
    },
  };
  const idp = await createIdp({
    database,
    hashing,
    issuer: "http://localhost",
    keys: [{ id: "1", secret: secret() }],
    kickstart: {
      apiKeys: [{ key: apiKey }],
      requests: [{ method: "POST", url: `/api/application/${applicationId}`, body: { application } }],
    },
  });
  const send = (request: Request) => idp.fetch(request);
  for (let index = 0; index < people; index++) await register(send, apiKey, applicationId, index);
  return {
    idp,
    options: { url: "http://localhost", applicationId, apiKey, clientSecret, fetch: send },
  };
}

async function register(
  send: (request: Request) => Promise<Response>,
  apiKey: string,
  applicationId: string,
  index: number,
): Promise<void> {
  const user = { email: emailOf(index), password, fullName: nameOf(index) };
  const response = await send(
    new Request("http://localhost/api/user/registration", {
      method: "POST",
      headers: { authorization: apiKey, "content-type": "application/json" },
      body: JSON.stringify({ user, registration: { applicationId } }),
    }),
  );
  if (!response.ok) throw new Error(`Registering: ${response.status} ${await response.text()}`);
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
