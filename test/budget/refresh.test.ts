// What a refresh with rotation may take at the provider, counted, not timed (refresh.ts does the work): of what the database is asked, and
// how often the disk is waited for; signatures, hashes, addresses parsed. "On disk" is where a commit waits for the disk.
import { describe, expect, test } from "vitest";
import { newDatabase } from "../servers/running.ts";
import { answerOf } from "./child.ts";

const patience = 120_000;
const families = 32;

/** The presented token's MAC and its successor's, the id of the access token (its `jti`, no secret), its signature. */
const rotation = { "hmac sha256": 2, randomUUID: 1, sign: 1 };

/** With the client's secret: what was presented is hashed; of the sealed one, opened at its first use, the hash is remembered. */
const authenticated = { ...rotation, "hash sha256": 1 };

/** None: the route and the query are found in the request's text. */
const urls = 0;

function times<Name extends string>(count: number, each: Record<Name, number>): Record<string, number> {
  return Object.fromEntries(Object.entries<number>(each).map(([name, times]) => [name, times * count]));
}

describe("SQLite", () => {
  // One SELECT joins to the token what decides on it: tenant, application (which is the client, too), user, registration.
  const sql = ["SELECT refresh_tokens", "BEGIN IMMEDIATE", "UPDATE refresh_tokens", "COMMIT, on disk"];

  test(
    "one SELECT, one signature and one commit; thirty-two that come in one turn of the event loop share a commit",
    async () => {
      // None waits for the others' commit before it rests on what it read: its own token is none of theirs.
      const sharing = { roundTrips: 0, commits: 1, statements: (sql.length - 2) * families + 2 };
      expect(await answerOf("refresh.ts")).toEqual({
        jwt: {
          each: [{ sql, roundTrips: 0, urls, crypto: rotation }],
          together: { ...sharing, crypto: times(families, rotation) },
        },
        grant: {
          each: [{ sql, roundTrips: 0, urls, crypto: authenticated }],
          together: { ...sharing, crypto: times(families, authenticated) },
        },
      });
    },
    patience,
  );
});

describe("Postgres", () => {
  const sql = ["token-find-refreshable", "token-advance"];

  test(
    "two round trips: one statement reads all that decides, and one writes, a transaction by itself",
    async () => {
      const count = sql.length * families;
      const apart = { statements: count, roundTrips: count, commits: 0 };
      expect(await answerOf("refresh.ts", { DATABASE: await newDatabase() })).toEqual({
        jwt: {
          each: [{ sql, roundTrips: sql.length, urls, crypto: rotation }],
          together: { ...apart, crypto: times(families, rotation) },
        },
        grant: {
          each: [{ sql, roundTrips: sql.length, urls, crypto: authenticated }],
          together: { ...apart, crypto: times(families, authenticated) },
        },
      });
    },
    patience,
  );
});
