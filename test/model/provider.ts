/**
 * The real identity provider for thousands of histories: in memory, embedded, restarted over the same database, cut off
 * when the history says so. Only argon2 is not the real one (`./cheap-argon2.ts`): nothing here is about passwords' hashes.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { createIdp, type Idp } from "../../packages/idp/src/index.ts";

/** Somebody with an account, registered for both applications. */
export interface Person {
  readonly id: string;
  readonly email: string;
  password: string;
  isActive: boolean;
  /** How many endings of all this person's sign-ins are under way, and the ordinal of the last one's end. */
  sweeps: number;
  sweptSince: number;
}

/** The provider, and everything a history does to it. */
export interface ModelProvider {
  readonly now: () => number;
  pass(milliseconds: number): void;
  /** Nobody reaches it while this is true. */
  isDown: boolean;
  /** As the library calls it; rejects while it is down. */
  fetch(request: Request): Promise<Response>;
  /** A call with the API key that gets through; answers the status. */
  api(method: string, path: string, body?: unknown): Promise<number>;
  /** Presents a raw refresh token with the client's credentials; answers the status. */
  present(application: number, refreshToken: string): Promise<number>;
  /** The newest raw refresh token it gave out, by the family's id. */
  readonly newest: Map<string, string>;
  person(): Promise<Person>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export const issuer = "http://idp.test";
export const applicationIds: readonly string[] = [
  "10000000-0000-4000-8000-000000000001",
  "10000000-0000-4000-8000-000000000002",
];
export const apiKey: string = randomBytes(32).toString("base64url");
export const clientSecret: string = randomBytes(32).toString("base64url");
const keys = [{ id: "k", secret: randomBytes(32).toString("base64url") }];

export async function startModelProvider(name: string): Promise<ModelProvider> {
  let now = Date.UTC(2026, 4, 1, 9);
  const database = `file:latchkey-${name}?mode=memory&cache=shared`;
  // A database in memory lasts as long as somebody has it open.
  const holder = new DatabaseSync(database);
  const open = () =>
    createIdp({ database, issuer, keys, now: () => now, kickstart, hashing: { queue: 500 } });
  let idp: Idp = await open();
  const newest = new Map<string, string>();
  // Every process of every history asks for the keys once: the same answer each time, until the provider starts again.
  let jwks: string | null = null;
  const people: Person[] = [];

  const fetch = async (request: Request) => {
    if (request.url.endsWith("/jwks.json") && jwks !== null) return Response.json(JSON.parse(jwks));
    const response = await idp.fetch(request);
    if (request.url.endsWith("/jwks.json")) jwks = await response.clone().text();
    if (request.url.endsWith("/api/login") || request.url.endsWith("/oauth2/token")) {
      const body = record(
        await response
          .clone()
          .json()
          .catch(() => null),
      );
      const id = body["refreshTokenId"] ?? body["refresh_token_id"];
      if (typeof id === "string") newest.set(id, String(body["refreshToken"] ?? body["refresh_token"]));
    }
    return response;
  };
  const send = (method: string, path: string, body?: unknown) => {
    const headers = { authorization: apiKey, "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    return idp.fetch(new Request(`${issuer}${path}`, init));
  };

  const provider: ModelProvider = {
    now: () => now,
    pass(milliseconds) {
      now += milliseconds;
    },
    isDown: false,
    fetch: (request) =>
      provider.isDown ? Promise.reject(new Error("the provider is down")) : fetch(request),
    api: async (method, path, body) => (await send(method, path, body)).status,
    async present(application, refreshToken) {
      const credentials = Buffer.from(`${applicationIds[application]}:${clientSecret}`).toString("base64");
      const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
      const headers = { authorization: `Basic ${credentials}` };
      return (await idp.fetch(new Request(`${issuer}/oauth2/token`, { method: "POST", headers, body })))
        .status;
    },
    newest,
    async person() {
      if (people.length === 0) people.push(...(await importPeople(send)));
      const person = people.pop();
      if (person === undefined) throw new Error("nobody was imported");
      return person;
    },
    async restart() {
      await idp.close();
      idp = await open();
      jwks = null;
    },
    async close() {
      await idp.close();
      holder.close();
    },
  };
  return provider;
}

/** A hundred people in one call: what moves here from elsewhere brings the hashes it has. */
async function importPeople(
  send: (method: string, path: string, body: unknown) => Promise<Response>,
): Promise<Person[]> {
  const people = Array.from({ length: 100 }, () => {
    const id = randomUUID();
    return {
      id,
      email: `${id}@example.com`,
      password: `a long pass phrase ${id}`,
      isActive: true,
      sweeps: 0,
      sweptSince: 0,
    };
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
  const response = await send("POST", "/api/user/import", { users });
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  return people;
}

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

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
