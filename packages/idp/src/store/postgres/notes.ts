// Notes in Postgres, and what is decided by them in one step with them: who may fill an empty database, and who may empty it.

import { text } from "../columns.ts";
import { type Connection, type Database, statement } from "./database.ts";
import { TABLES } from "./migrations.ts";
import type { Store } from "../store.ts";

const NOTED = statement("note-find", "SELECT value FROM notes WHERE name = $1");
const HOLD_IF = statement("note-hold-if", "SELECT 1 FROM notes WHERE name = $1 AND value = $2 FOR UPDATE");
const SET = statement(
  "note-set",
  "INSERT INTO notes (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);
const REPLACE = statement("note-replace", "UPDATE notes SET value = $3 WHERE name = $1 AND value = $2");

const IS_EMPTY = statement(
  "note-is-empty",
  `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM users) AND NOT EXISTS (SELECT 1 FROM applications)
     AND NOT EXISTS (SELECT 1 FROM api_keys) AND NOT EXISTS (SELECT 1 FROM notes)`,
);

// In the order in which rows are locked, so that who is writing waits rather than runs into a circle. Nobody writes until the end.
const HOLD_CREATED = statement(
  "note-hold-created",
  "LOCK TABLE applications, users, api_keys, notes IN SHARE ROW EXCLUSIVE MODE",
);
const HOLD_ALL = statement(
  "note-hold-all",
  `LOCK TABLE ${TABLES.toReversed().join(", ")} IN SHARE ROW EXCLUSIVE MODE`,
);
const CLEAR = TABLES.map((table) => statement(`note-clear-${table}`, `DELETE FROM ${table}`));

/** The notes of this database. */
export function postgresNotes(
  database: Database,
): Pick<Store, "note" | "setNote" | "claim" | "replaceNote" | "clearIf"> {
  return {
    async note(name) {
      const row = await database.row(NOTED, name);
      return row === null ? null : text(row, "value");
    },

    async setNote(name, value) {
      await database.run(SET, name, value);
    },

    async claim(name, value) {
      // The common answer costs nobody a lock: a database that is in use is not empty.
      if ((await database.row(IS_EMPTY)) === null) return false;
      return database.step((connection) => claim(connection, name, value));
    },

    replaceNote: async (name, from, to) => (await database.run(REPLACE, name, from, to)) === 1,

    async clearIf(name, value) {
      return database.step(async (connection) => {
        await connection.run(HOLD_ALL);
        if ((await connection.row(HOLD_IF, name, value)) === null) return false;
        for (const clear of CLEAR) await connection.run(clear);
        return true;
      });
    },
  };
}

async function claim(connection: Connection, name: string, value: string): Promise<boolean> {
  await connection.run(HOLD_CREATED);
  if ((await connection.row(IS_EMPTY)) === null) return false;
  await connection.run(SET, name, value);
  return true;
}
