// A look at a database as it is, for `latchkey-idp doctor`: through a connection of its own, without migrating, and so also where the
// store can't be opened. Changes nothing. It is no part of the store's contract: nothing that serves depends on it.

import { systemClock } from "../config.ts";
import { integer, type Row, text } from "./columns.ts";
import { isPostgresAddress } from "./postgres/address.ts";

/** What was found. */
export interface Inspection {
  kind: "SQLite" | "Postgres";
  /** One question and its answer, in ms. */
  roundTripMs: number;
  /** How far the database's clock is ahead of this machine's, in ms; null where they are one. */
  clockOffsetMs: number | null;
  /** The version of the schema, 0 for an empty database, and the one that this code makes. */
  schema: { found: number; known: number };
  /** What is still to be told, by receiver: how much, since when (epoch ms), and how often the first of it was tried. Null: no schema yet. */
  waiting: readonly Waiting[] | null;
  /** Users whose sign-ins are to end because of a lockout. */
  owedRevocations: number;
  /** True: a stand-by, or a server that a fail-over left behind. */
  readOnly: boolean;
}

/** What waits for one receiver. */
export interface Waiting {
  receiver: string;
  count: number;
  oldest: number;
  attempts: number;
}

/** Looks at the database, measuring by the clock `own`. Throws StoreUnavailableError if it can't be reached or read. */
export async function inspectDatabase(
  database: string,
  own: () => number = systemClock,
): Promise<Inspection> {
  if (isPostgresAddress(database)) {
    const { inspectPostgres } = await import("./postgres/inspection.ts");
    return inspectPostgres(database, own);
  }
  const { inspectSqlite } = await import("./sqlite/inspection.ts");
  return inspectSqlite(database, own);
}

/** The same question for both stores. */
export const WAITING = `SELECT receiver, count(*) AS count, min(written) AS oldest, max(attempts) AS attempts
  FROM outbox GROUP BY receiver ORDER BY receiver`;

/** A row of it. */
export function waitingOf(row: Row): Waiting {
  return {
    receiver: text(row, "receiver"),
    count: integer(row, "count"),
    oldest: integer(row, "oldest"),
    attempts: integer(row, "attempts"),
  };
}
