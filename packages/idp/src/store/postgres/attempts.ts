// What is counted against a rule in Postgres: failed attempts, and messages to a mailbox. Who counts holds the rows of all counters until
// it has counted, so that of any number of parallel attempts, on any number of nodes, no more are admitted than the rules allow
// (CWE-367, CWE-307). Who has to wait anyway is told so after one look.

import { integer, type Row, text } from "../columns.ts";
import { type Counted, judged } from "../counting.ts";
import { type Connection, type Database, statement } from "./database.ts";
import type { AttemptStore, Counter, Reserved } from "../store.ts";
import type { Tally } from "../../throttle.ts";

const LOOK = statement("attempts-look", "SELECT key, failures, last FROM attempts WHERE key = ANY ($1)");

// Where there is none a row that counts nothing is made, since only a row can be held. In the order of the keys, so that two attempts wait
// for each other but never in a circle. Answers the rows as they are once they are held.
const HOLD = statement(
  "attempts-hold",
  `INSERT INTO attempts (key, failures, last, forgotten) SELECT key, 0, 0, 0 FROM unnest($1::text[]) AS key
   ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING key, failures, last`,
);
const COUNT = statement(
  "attempts-count",
  `UPDATE attempts SET failures = counted.failures, last = counted.last, forgotten = counted.forgotten
   FROM unnest($1::text[], $2::float8[], $3::bigint[], $4::bigint[]) AS counted (key, failures, last, forgotten)
   WHERE attempts.key = counted.key`,
);

// What counts nothing is no row: refusing attempts unhashed would make the table grow (CWE-770).
const FORGET_EMPTY = statement(
  "attempts-forget-empty",
  "DELETE FROM attempts WHERE key = ANY ($1) AND failures <= 0",
);
const SETTLE = statement(
  "attempts-settle",
  `WITH held AS MATERIALIZED (
     SELECT key, key = ANY ($1::text[]) OR failures <= 1 AS over FROM attempts
     WHERE key = ANY ($1::text[] || $2::text[]) ORDER BY key FOR UPDATE
   ), gone AS (
     DELETE FROM attempts USING held WHERE attempts.key = held.key AND over
   ) UPDATE attempts SET failures = failures - 1 FROM held WHERE attempts.key = held.key AND NOT over`,
);
const SWEEP = statement(
  "attempts-sweep",
  `DELETE FROM attempts WHERE key = ANY (ARRAY (
     SELECT key FROM attempts WHERE forgotten <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
);

/** The counted attempts of this database; `now` is the store's clock. */
export function postgresAttempts(database: Database, now: () => number): AttemptStore {
  return {
    async reserve(counters) {
      const seen = judged(counters, talliesOf(await database.rows(LOOK, keysOf(counters))), now());
      return seen.reserved.admitted
        ? database.step((connection) => reserve(connection, counters, now))
        : seen.reserved;
    },

    async settle({ clear, takeBack }) {
      await database.run(SETTLE, clear, takeBack);
    },

    sweep: (limit) => database.run(SWEEP, now(), limit),
  };
}

/** Inside the caller's step: `AttemptStore.reserve`. The clock is read once the rows are held: who waited for them is later. */
export async function reserve(
  connection: Connection,
  counters: readonly Counter[],
  now: () => number,
): Promise<Reserved> {
  const keys = keysOf(counters);
  const tallies = talliesOf(await connection.rows(HOLD, keys));
  const { reserved, counted } = judged(counters, tallies, now());
  if (reserved.admitted) await count(connection, counted);
  else await connection.run(FORGET_EMPTY, keys);
  return reserved;
}

function keysOf(counters: readonly Counter[]): string[] {
  return [...new Set(counters.map(({ key }) => key))].sort();
}

function talliesOf(rows: readonly Row[]): Map<string, Tally> {
  return new Map(
    rows.map((row) => [text(row, "key"), { failures: integer(row, "failures"), last: integer(row, "last") }]),
  );
}

async function count(connection: Connection, counted: readonly Counted[]): Promise<void> {
  await connection.run(
    COUNT,
    counted.map(({ key }) => key),
    counted.map(({ tally }) => tally.failures),
    counted.map(({ tally }) => tally.last),
    counted.map(({ forgotten }) => forgotten),
  );
}
