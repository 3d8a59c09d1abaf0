// A look at a SQLite file, which is opened for reading alone.

import { DatabaseSync } from "node:sqlite";
import { StoreUnavailableError } from "../../errors.ts";
import { integer } from "../columns.ts";
import { type Inspection, WAITING, waitingOf } from "../inspection.ts";
import { STEPS } from "./migrations.ts";

/** See inspectDatabase. */
export function inspectSqlite(path: string, own: () => number): Inspection {
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: 2_000 });
    try {
      return looked(db, own);
    } finally {
      db.close();
    }
  } catch (error) {
    throw new StoreUnavailableError(error);
  }
}

function looked(db: DatabaseSync, own: () => number): Inspection {
  const asked = own();
  const found = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  const roundTripMs = own() - asked;
  const has = (table: string): boolean =>
    db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table) !== undefined;
  const owed = has("owed_revocations")
    ? db.prepare("SELECT count(*) AS count FROM owed_revocations").get()
    : undefined;
  return {
    kind: "SQLite",
    roundTripMs,
    clockOffsetMs: null,
    schema: { found, known: STEPS.length },
    waiting: has("outbox") ? db.prepare(WAITING).all().map(waitingOf) : null,
    readOnly: false,
    owedRevocations: owed === undefined ? 0 : integer(owed, "count"),
  };
}
