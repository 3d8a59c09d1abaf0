/**
 * The real identity provider, in memory, restarted over the same database. Only argon2 is not the real one
 * (cheap-argon2.ts, put in its place by the test file): nothing here is about the hashes of passwords.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { createIdp } from "../../packages/idp/src/index.ts";
import { apiKey, applicationIds, type Backend, clientSecret, issuer } from "./provider.ts";

/** Starts it; `name` tells its database from others in this process. */
export async function realProvider(name: string, now: () => number): Promise<Backend> {
  const database = `file:latchkey-${name}?mode=memory&cache=shared`;
  // A database in memory lasts as long as somebody has it open.
  const holder = new DatabaseSync(database);
  const backend = await realProviderOn(database, now);
  return {
    ...backend,
    async close() {
      await backend.close();
      holder.close();
    },
  };
}

/** Starts it on a database that is there. */
export async function realProviderOn(database: string, now: () => number): Promise<Backend> {
  const keys = [{ id: "k", secret: randomBytes(32).toString("base64url") }];
  const open = () => createIdp({ database, issuer, keys, now, kickstart, hashing: { queue: 500 } });
  let idp = await open();

  return {
    fetch: (request) => idp.fetch(request),
    people: () => importPeople((request) => idp.fetch(request)),
    async restart() {
      await idp.close();
      idp = await open();
    },
    close: () => idp.close(),
  };
}

/** A hundred people in one call: who moves here from elsewhere brings the hash there is. */
async function importPeople(
  fetch: (request: Request) => Promise<Response>,
): Promise<{ id: string; email: string; password: string }[]> {
  const people = Array.from({ length: 100 }, () => {
    const id = randomUUID();
    return { id, email: `${id}@example.com`, password: `a long pass phrase ${id}` };
  });
  const salt = randomBytes(16);
  const users = people.map(({ id, email, password }) => ({
    id,
    email,
    password: createHash("sha256").update(password).update(salt).digest("base64"),
    salt: salt.toString("base64"),
    encryptionScheme: "salted-sha256",
    factor: 1,
    registrations: applicationIds.map((applicationId) => ({ applicationId })),
  }));
  const headers = { authorization: apiKey, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify({ users }) };
  const response = await fetch(new Request(`${issuer}/api/user/import`, init));
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  return people;
}

/** The settings README asks for at the provider ("At the provider"). */
const kickstart = {
  apiKeys: [{ key: apiKey }],
  requests: applicationIds.map((id) => ({
    method: "POST",
    url: `/api/application/${id}`,
    body: {
      application: {
        name: id,
        roles: [{ name: "customer", isDefault: true }],
        loginConfiguration: { generateRefreshTokens: true, requireAuthentication: true },
        oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
        jwtConfiguration: {
          enabled: true,
          timeToLiveInSeconds: 600,
          refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
          refreshTokenTimeToLiveInMinutes: 43_200,
          refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 43_200 },
          refreshTokenUsagePolicy: "OneTimeUse",
          refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
        },
      },
    },
  })),
};
