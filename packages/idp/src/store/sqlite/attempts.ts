// What is counted against a rule in SQLite: failed attempts, and messages to a mailbox. One write asks every rule and counts, so that
// of any number of parallel attempts, in any number of processes, no more are admitted than the rules allow (CWE-367, CWE-307).

import { forgottenAt, nextAttempt, type Tally, withFailure } from "../../throttle.ts";
import { integer } from "../columns.ts";
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
  const found = counters.map((counter) => ({ counter, tally: tallyOf(turn, counter) }));
  const waits = found.map(({ counter, tally }) => nextAttempt(counter.rule, tally, at));
  if (waits.some((next) => next > at)) return { admitted: false, next: waits };
  const next = found.map(({ counter, tally }) => {
    const counted = withFailure(counter.rule, tally, at);
    keep(turn, counter, counted);
    return nextAttempt(counter.rule, counted, at);
  });
  return { admitted: true, next };
}

function tallyOf({ sql }: Turn, { key, countsFrom }: Counter): Tally | null {
  const row = sql("SELECT failures, last FROM attempts WHERE key = ?").get(key);
  if (row === undefined) return null;
  const tally = { failures: integer(row, "failures"), last: integer(row, "last") };
  return tally.last <= countsFrom ? null : tally;
}

function keep({ sql }: Turn, { key, rule }: Counter, tally: Tally): void {
  sql(
    `INSERT INTO attempts VALUES (?, ?, ?, ?) ON CONFLICT (key)
       DO UPDATE SET failures = excluded.failures, last = excluded.last, forgotten = excluded.forgotten`,
  ).run(key, tally.failures, tally.last, forgottenAt(rule, tally));
}
