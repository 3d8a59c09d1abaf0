// Notes in SQLite, and what is decided by them in one step with them: who may fill an empty database, and who may empty it.

import { text } from "../columns.ts";
import { TABLES } from "./migrations.ts";
import type { Store } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The notes of this database. */
export function sqliteNotes(
  turn: Turn,
): Pick<Store, "note" | "setNote" | "claim" | "replaceNote" | "clearIf"> {
  const { read, write } = turn;
  return {
    note: (name) => read(() => noted(turn, name)),
    setNote: (name, value) => write(() => note(turn, name, value)),

    claim: (name, value) =>
      write(() => {
        if (!isEmpty(turn)) return false;
        note(turn, name, value);
        return true;
      }),

    replaceNote: (name, from, to) =>
      write(() => {
        if (noted(turn, name) !== from) return false;
        note(turn, name, to);
        return true;
      }),

    clearIf: (name, value) =>
      write(() => {
        if (noted(turn, name) !== value) return false;
        for (const table of TABLES) turn.sql(`DELETE FROM ${table}`).run();
        return true;
      }),
  };
}

function noted({ sql }: Turn, name: string): string | null {
  const row = sql("SELECT value FROM notes WHERE name = ?").get(name);
  return row === undefined ? null : text(row, "value");
}

function note({ sql }: Turn, name: string, value: string): void {
  const set = sql(`INSERT INTO notes (name, value)
     VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  set.run(name, value);
}

function isEmpty({ sql }: Turn): boolean {
  const created = ["users", "applications", "api_keys", "notes"];
  return created.every((table) => sql(`SELECT 1 FROM ${table} LIMIT 1`).get() === undefined);
}
