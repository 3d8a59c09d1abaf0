// What a refresh with rotation may take at the provider, counted, not timed (refresh.ts does the work): of what the database is asked, and
// how often the disk is waited for; signatures, hashes, addresses parsed. "On disk" is where a commit waits for the disk.
import { describe, expect, test } from "vitest";
import { newDatabase } from "../servers/running.ts";
import { answerOf } from "./child.ts";

const patience = 120_000;
const families = 32;

/** The presented token's MAC and its successor's, the id of the access token, its signature. */
const rotation = { "hmac sha256": 2, randomBytes: 1, sign: 1 };

/** With the client's secret: opened, and compared by its hash. */
const authenticated = { ...rotation, "open aes-256-gcm": 1, "hash sha256": 2 };

/** One of the request's address is for the route, the other for the query. */
const urls = 2;

function times<Name extends string>(count: number, each: Record<Name, number>): Record<string, number> {
  return Object.fromEntries(Object.entries<number>(each).map(([name, times]) => [name, times * count]));
}

describe("SQLite", () => {
  const token = ["SELECT refresh_tokens"];
  const client = ["SELECT applications", "SELECT roles"];
  const judged = ["SELECT tenants", ...client, "SELECT users", "SELECT registrations"];
  const advance = ["SAVEPOINT operation", "UPDATE refresh_tokens", "RELEASE operation"];
  const commit = ["BEGIN IMMEDIATE", ...advance, "COMMIT, on disk"];

  test(
    "one signature and one commit; thirty-two that come in one turn of the event loop are two commits",
    async () => {
      const jwt = [...token, ...judged, ...commit];
      const grant = [...client, ...token, ...judged, ...commit];
      // The first one's, which the others wait for before they rest on what they read, and one for all the others.
      const sharing = { roundTrips: 0, commits: 2 };
      const statements = (each: readonly string[]) => (each.length - 2) * families + 2 * sharing.commits;
      expect(await answerOf("refresh.ts")).toEqual({
        jwt: {
          each: [{ sql: jwt, roundTrips: 0, urls, crypto: rotation }],
          together: { ...sharing, statements: statements(jwt), crypto: times(families, rotation) },
        },
        grant: {
          each: [{ sql: grant, roundTrips: 0, urls, crypto: authenticated }],
          together: { ...sharing, statements: statements(grant), crypto: times(families, authenticated) },
        },
      });
    },
    patience,
  );
});

describe("Postgres", () => {
  const judged = [
    "token-find",
    "tenant-find",
    "application-find",
    "user-find",
    "registration-find",
    "token-advance",
  ];

  test(
    "a statement a round trip, and one of them writes, a transaction by itself",
    async () => {
      const grant = ["application-find", ...judged];
      const apart = (each: readonly string[]) => {
        const statements = each.length * families;
        return { statements, roundTrips: statements, commits: 0 };
      };
      expect(await answerOf("refresh.ts", { DATABASE: await newDatabase() })).toEqual({
        jwt: {
          each: [{ sql: judged, roundTrips: judged.length, urls, crypto: rotation }],
          together: { ...apart(judged), crypto: times(families, rotation) },
        },
        grant: {
          each: [{ sql: grant, roundTrips: grant.length, urls, crypto: authenticated }],
          together: { ...apart(grant), crypto: times(families, authenticated) },
        },
      });
    },
    patience,
  );
});
