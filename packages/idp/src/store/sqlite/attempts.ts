// What is counted against a rule in SQLite: failed attempts, and messages to a mailbox. One write asks every rule and counts, so that
// of any number of parallel attempts, in any number of processes, no more are admitted than the rules allow (CWE-367, CWE-307).

import type { Tally } from "../../throttle.ts";
import { integer } from "../columns.ts";
import { type Counted, judged } from "../counting.ts";
import type { AttemptStore, Counter, Reserved } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The counted attempts of this database; `now` is the store's clock. */
export function sqliteAttempts(turn: Turn, now: () => number): AttemptStore {
  const { sql, write } = turn;
  return {
    reserve: (counters) => write(() => reserve(turn, counters, now())),

    settle: ({ clear, takeBack }) =>
      write(() => {
        for (const key of clear) sql("DELETE FROM attempts WHERE key = ?").run(key);
        for (const key of takeBack) {
          // What counts nothing is no row: refusing attempts unhashed would make the table grow (CWE-770).
          sql("DELETE FROM attempts WHERE key = ? AND failures <= 1").run(key);
          sql("UPDATE attempts SET failures = failures - 1 WHERE key = ?").run(key);
        }
      }),

    sweep: (limit) =>
      write(() =>
        Number(
          sql(
            "DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE forgotten <= ? LIMIT ?)",
          ).run(now(), limit).changes,
        ),
      ),
  };
}

/** Inside the caller's step: `AttemptStore.reserve`. */
export function reserve(turn: Turn, counters: readonly Counter[], at: number): Reserved {
  const tallies = new Map(counters.flatMap(({ key }) => tallyOf(turn, key)));
  const { reserved, counted } = judged(counters, tallies, at);
  for (const one of counted) keep(turn, one);
  return reserved;
}

function tallyOf({ sql }: Turn, key: string): [string, Tally][] {
  const row = sql("SELECT failures, last FROM attempts WHERE key = ?").get(key);
  return row === undefined ? [] : [[key, { failures: integer(row, "failures"), last: integer(row, "last") }]];
}

function keep({ sql }: Turn, { key, tally, forgotten }: Counted): void {
  sql(
    `INSERT INTO attempts (key, failures, last, forgotten)
     VALUES (?, ?, ?, ?) ON CONFLICT (key)
       DO UPDATE SET failures = excluded.failures, last = excluded.last, forgotten = excluded.forgotten`,
  ).run(key, tally.failures, tally.last, forgotten);
}
