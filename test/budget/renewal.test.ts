// What a renewal may take (W2), counted, not timed: an expired session becomes a new one in the response to the same request. The provider
// is embedded; what it does for it stands under `embedded` (renewal.ts does the work). "On disk" is where a commit waits for the disk.
import { afterAll, describe, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../servers/redis.ts";
import { newDatabase } from "../servers/running.ts";
import { answerOf } from "./child.ts";

const patience = 120_000;

const renewalCalls = [
  "useSession",
  "readSignIn",
  "insertSession",
  "updateSignIn",
  "deleteSession",
  // Whether it has ended meanwhile, or moved elsewhere (D8).
  "readSignIn",
  // The same once more when the response is written, before cookies are set.
  "readSignIn",
];

/** What the library computes: the pair opened, the access token verified, the successor derived and sealed. */
const renewalCrypto = {
  "open aes-256-gcm": 1,
  verify: 1,
  "hmac sha256": 1,
  "hash sha256": 5,
  randomBytes: 1,
  "seal aes-256-gcm": 1,
};

/** What the provider does for it: the refresh grant with rotation, one SELECT and one commit, as in refresh.test.ts. */
const grant = {
  crypto: { "hash sha256": 1, "hmac sha256": 2, randomUUID: 1, sign: 1 },
  sql: ["SELECT refresh_tokens", "BEGIN IMMEDIATE", "UPDATE refresh_tokens", "COMMIT, on disk"],
};

/** What a store elsewhere than in SQLite, Postgres or Redis takes. */
const nowhere: { sql: readonly string[]; roundTrips: number; redis: Record<string, number> } = {
  sql: [],
  roundTrips: 0,
  redis: {},
};

const renewal = {
  ...nowhere,
  storeCalls: renewalCalls,
  providerCalls: ["POST /oauth2/token"],
  crypto: renewalCrypto,
  embedded: grant,
};

/** Once in ten minutes the provider's keys are fetched with it. Here it is the first grant, too: the client's secret is opened for it. */
const withKeys = {
  ...renewal,
  providerCalls: [
    "POST /oauth2/token",
    "GET /.well-known/openid-configuration",
    "GET /.well-known/jwks.json",
  ],
  crypto: { ...renewalCrypto, importKey: 1 },
  embedded: {
    crypto: { ...grant.crypto, "open aes-256-gcm": 1, "hash sha256": 2 },
    sql: [...grant.sql, "SELECT signing_keys", "SELECT tenants", "SELECT signing_keys"],
  },
};

/** The page after it, with the new cookies: the sign-in is told that its browser has them (D7). Every later one is a page as in page.test.ts. */
const presentation = {
  ...nowhere,
  storeCalls: ["useSession", "readSignIn", "updateSignIn", "readSignIn", "updateSession"],
  providerCalls: [],
  crypto: { "hash sha256": 1 },
  embedded: { crypto: {}, sql: [] },
};

/** The answer where the store takes that for each of the two; three renewals and four presentations, and no difference between them. */
function answer(inRenewal: Partial<typeof nowhere>, inPresentation: Partial<typeof nowhere>): unknown {
  return {
    withKeys: { ...withKeys, ...inRenewal },
    renewals: [{ ...renewal, ...inRenewal }],
    presentations: [{ ...presentation, ...inPresentation }],
  };
}

const transaction = (where: string, ...writes: string[]) => [
  "BEGIN IMMEDIATE",
  ...writes,
  `COMMIT, ${where}`,
];

/** Whoever asks alone needs no snapshot. */
const lookedUp = ["SELECT sessions", "SELECT sign_ins"];

test(
  "SQLite: one call to the provider, and two commits wait for the disk, the provider's and that of sign-in and session",
  async () => {
    // How far a commit goes is a setting of the connection.
    const inRenewal = [
      ...lookedUp,
      "PRAGMA synchronous = FULL",
      ...transaction("on disk", "INSERT sessions", "UPDATE sign_ins"),
      "PRAGMA synchronous = NORMAL",
      ...transaction("in the log", "DELETE sessions"),
      "SELECT sign_ins",
      "SELECT sign_ins",
    ];
    const inPresentation = [
      ...lookedUp,
      "PRAGMA synchronous = FULL",
      ...transaction("on disk", "UPDATE sign_ins"),
      "SELECT sign_ins",
      "PRAGMA synchronous = NORMAL",
      ...transaction("in the log", "UPDATE sessions"),
    ];
    expect(await answerOf("renewal.ts", { STORE: "SQLite" })).toEqual(
      answer({ sql: inRenewal }, { sql: inPresentation }),
    );
  },
  patience,
);

test(
  "Postgres: a round trip for each call of the store",
  async () => {
    const inRenewal = [
      "read-session",
      "read-sign-in",
      "insert-session",
      "update-sign-in",
      "delete-session",
      "read-sign-in",
      "read-sign-in",
    ];
    const inPresentation = [
      "read-session",
      "read-sign-in",
      "update-sign-in",
      "read-sign-in",
      "update-session",
    ];
    const variables = { STORE: "Postgres", POSTGRES_URL: await newDatabase() };
    expect(await answerOf("renewal.ts", variables)).toEqual(
      answer({ sql: inRenewal, roundTrips: 7 }, { sql: inPresentation, roundTrips: 5 }),
    );
  },
  patience,
);

describe("Redis", () => {
  let redis: RedisServer | null = null;
  afterAll(() => redis?.remove());

  test(
    "nine commands, of which five are scripts; seven for the first page of the new session",
    async () => {
      redis = await startRedis();
      const inScripts = { pexpiretime: 4, type: 2, zadd: 2, zrange: 2, set: 2 };
      // Three of the GETs are commands, the fourth is a script's; of the five, two and three.
      const inRenewal = { evalsha: 5, get: 4, del: 1, ...inScripts };
      const inPresentation = { evalsha: 5, get: 5, ...inScripts };
      const variables = { STORE: "Redis", REDIS_URL: redis.url };
      expect(await answerOf("renewal.ts", variables)).toEqual(
        answer({ redis: inRenewal }, { redis: inPresentation }),
      );
    },
    patience,
  );
});
