// The store on node:sqlite: opens the file, brings the schema up to date and puts the parts together.
// WAL with synchronous=FULL: a change that was answered survives a power cut; turn.ts makes that affordable.

import { DatabaseSync } from "node:sqlite";
import { DatabaseTooNewError, StoreUnavailableError } from "../errors.ts";
import { text } from "./columns.ts";
import { migrate, TABLES } from "./migrations.ts";
import { sqliteApplications } from "./sqlite-applications.ts";
import { sqliteApiKeys, sqliteSigningKeys } from "./sqlite-keys.ts";
import { sqliteRefreshTokens } from "./sqlite-refresh-tokens.ts";
import { sqliteRegistrations } from "./sqlite-registrations.ts";
import { sqliteTenants } from "./sqlite-tenants.ts";
import { sqliteUsers } from "./sqlite-users.ts";
import type { Store } from "./store.ts";
import { createTurn, type Turn } from "./turn.ts";

// Waiting for a lock blocks the event loop, so it is short; whoever holds the file longer is told 503.
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Opens the SQLite file `path` (or ":memory:"), creating it if absent. Throws StoreUnavailableError if it can't be opened and
 * DatabaseTooNewError if a later version wrote it.
 */
export function openSqlite(path: string, now: () => number): Store {
  const turn = createTurn(openDatabase(path));
  const { sql, read, write } = turn;
  return {
    tenants: sqliteTenants(turn),
    applications: sqliteApplications(turn, now),
    users: sqliteUsers(turn, now),
    registrations: sqliteRegistrations(turn, now),
    refreshTokens: sqliteRefreshTokens(turn, now),
    apiKeys: sqliteApiKeys(turn),
    signingKeys: sqliteSigningKeys(turn, now),
    note: (name) =>
      read(() => {
        const row = sql("SELECT value FROM notes WHERE name = ?").get(name);
        return row === undefined ? null : text(row, "value");
      }),
    setNote: (name, value) =>
      write(() => {
        sql("INSERT INTO notes VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value").run(
          name,
          value,
        );
      }),
    isEmpty: () => read(() => isEmpty(turn)),
    clear: () => write(() => TABLES.forEach((table) => sql(`DELETE FROM ${table}`).run())),
    check: () =>
      read(() => {
        sql("SELECT 1 FROM notes LIMIT 1").all();
      }),
    close: () => turn.close(),
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;");
    migrate(db);
    return db;
  } catch (error) {
    throw error instanceof DatabaseTooNewError ? error : new StoreUnavailableError(error);
  }
}

function isEmpty({ sql }: Turn): boolean {
  const created = ["users", "applications", "api_keys", "notes"];
  return created.every((table) => sql(`SELECT 1 FROM ${table} LIMIT 1`).get() === undefined);
}
