// The provider of the growth scenario: the same keys and the same application in every process that opens one of its databases.
import { hash } from "node:crypto";
import type { Idp, IdpConfig } from "../../../packages/idp/src/index.ts";
import { createRefreshTokenCodec, decodeRefreshToken } from "../../../packages/idp/src/refresh-token.ts";
import { uuidOf } from "./made.ts";
import { madeSecret } from "./tables.ts";

const secret = hash("sha256", "a key that opens nothing but this measurement", "base64url");
/** What asks. */
export const apiKey: string = hash("sha256", "a caller of this measurement", "base64url");
/** The one application, which is also the client. */
export const applicationId: string = uuidOf("application", 0);
export const clientSecret: string = hash("sha256", "a client of this measurement", "base64url");
const keys = [{ id: "1", secret }] as const;
const tenantId = uuidOf("tenant", 0);
const codec = createRefreshTokenCodec({ keys: [{ id: "1", secret: Buffer.from(secret, "base64url") }] });

/** The configuration; a new database gets the application. */
export function providerConfig(database: string): IdpConfig {
  const application = {
    name: "Growth",
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration: { allowTokenRefresh: true, generateRefreshTokens: true },
    oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
    jwtConfiguration: { refreshTokenUsagePolicy: "OneTimeUse" },
  };
  return {
    database,
    issuer: "http://localhost",
    keys,
    kickstart: {
      defaultTenantId: tenantId,
      apiKeys: [{ key: apiKey }],
      requests: [{ method: "POST", url: `/api/application/${applicationId}`, body: { application } }],
    },
  };
}

/** Registers somebody and signs him in, so that each table has a row that the store itself has written. */
export async function firstPerson(idp: Idp): Promise<void> {
  const [email, password] = ["first@example.com", "correct horse battery staple"];
  const user = { email, password, fullName: "Ada Lovelace" };
  await asked(idp, "/api/user/registration", JSON.stringify({ user, registration: { applicationId } }));
  const device = { name: "Firefox on Linux", type: "BROWSER" };
  const credentials = { loginId: email, password, applicationId, metaData: { device } };
  const answer = await asked(idp, "/api/login", JSON.stringify(credentials));
  const first = decodeRefreshToken(String(answer["refreshToken"]));
  if (first?.generation !== 1) throw new Error("The first family does not begin with generation 1");
}

/** What the user of that number signs in as. */
export function emailOfUser(index: number): string {
  return `${uuidOf("user", index).slice(0, 8)}-${index}@example.com`;
}

/** The refresh token that the family of that number began with. */
export function firstToken(index: number): string {
  const row = { id: uuidOf("family", index), secret: madeSecret(index), tenantId, applicationId };
  return codec.encode(row, 1, codec.keyId);
}

/** The grant: a token for its successor. */
export function refreshGrant(token: string): URLSearchParams {
  return new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: token,
    client_id: applicationId,
    client_secret: clientSecret,
  });
}

/** Asks the provider; throws where it refuses. Without a body it is a GET. */
export async function asked(
  idp: Idp,
  path: string,
  body?: string | URLSearchParams,
): Promise<Record<string, unknown>> {
  const isForm = body instanceof URLSearchParams;
  const headers = isForm ? {} : { authorization: apiKey, "content-type": "application/json" };
  const init = body === undefined ? { headers } : { method: "POST", headers, body };
  const response = await idp.fetch(new Request(`http://localhost${path}`, init));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
