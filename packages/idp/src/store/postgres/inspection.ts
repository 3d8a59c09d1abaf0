// A look at a Postgres, over a connection of its own.

import { flag, integer } from "../columns.ts";
import { type Inspection, WAITING, waitingOf } from "../inspection.ts";
import { type Connection, openDatabase, statement } from "./database.ts";
import { STEPS } from "./migrations.ts";

const LOOK = statement(
  "inspect-look",
  `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS theirs,
     current_setting('transaction_read_only') = 'on' AS read_only, to_regclass('latchkey_idp_schema') IS NOT NULL AS made`,
);
const VERSION = statement("inspect-version", "SELECT version FROM latchkey_idp_schema");
const WAITS = statement("inspect-waiting", WAITING);
const OWED = statement("inspect-owed", "SELECT count(*) AS count FROM owed_revocations");

/** See inspectDatabase. */
export async function inspectPostgres(address: string, own: () => number): Promise<Inspection> {
  const database = openDatabase(address, { connections: 1, applicationName: "latchkey-idp doctor" });
  try {
    // The first question also connects; the second one's time is the way there and back.
    await database.row(LOOK);
    const asked = own();
    const look = (await database.row(LOOK)) ?? {};
    const answered = own();
    return {
      kind: "Postgres",
      roundTripMs: answered - asked,
      clockOffsetMs: integer(look, "theirs") - (asked + answered) / 2,
      readOnly: flag(look, "read_only"),
      ...(flag(look, "made") ? await contentsOf(database) : NOTHING),
    };
  } finally {
    await database.close();
  }
}

type Contents = Pick<Inspection, "schema" | "waiting" | "owedRevocations">;

const NOTHING: Contents = { schema: { found: 0, known: STEPS.length }, waiting: null, owedRevocations: 0 };

async function contentsOf(connection: Connection): Promise<Contents> {
  return {
    schema: { found: integer((await connection.row(VERSION)) ?? {}, "version"), known: STEPS.length },
    waiting: (await connection.rows(WAITS)).map(waitingOf),
    owedRevocations: integer((await connection.row(OWED)) ?? {}, "count"),
  };
}
