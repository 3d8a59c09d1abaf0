// The store on node:sqlite: opens the file, brings the schema up to date and puts the parts together.
// WAL with synchronous=FULL: a change that was answered survives a power cut; turn.ts makes that affordable.

import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DatabaseTooNewError, StoreUnavailableError } from "../../errors.ts";
import { migrate } from "./migrations.ts";
import { sqliteApplications } from "./applications.ts";
import { sqliteAttempts } from "./attempts.ts";
import { sqliteApiKeys, sqliteSigningKeys } from "./keys.ts";
import { sqliteKnownDevices } from "./known-devices.ts";
import { sqliteNotes } from "./notes.ts";
import { type OutboxOptions, sqliteOutbox } from "./outbox.ts";
import { sqliteRefreshTokens } from "./refresh-tokens.ts";
import { sqliteRegistrations } from "./registrations.ts";
import { sqliteTenants } from "./tenants.ts";
import { sqliteUsers } from "./users.ts";
import { sqliteWebhooks } from "./webhooks.ts";
import type { Store } from "../store.ts";
import { createTurn } from "./turn.ts";

// KiB of pages that are kept. Of a million users SQLite's own 2 MB don't even hold the inner pages, and each refresh would read several
// again; what is not used is not taken.
const KEPT_PAGES_KIB = 65_536;

// Pages in the log that a commit brings home. Everybody waits meanwhile: with SQLite's own 1,000 for 10 to 40 ms, with these for half of that.
const LOG_PAGES = 250;

// Waiting for a lock blocks the event loop, so it is short; whoever holds the file longer is told 503.
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Opens the SQLite file `path` (or ":memory:"), creating it if absent. Throws StoreUnavailableError if it can't be opened and
 * DatabaseTooNewError if later code wrote it that this code can't follow.
 */
export function openSqlite(
  path: string,
  now: () => number,
  told: Pick<OutboxOptions, "uuid" | "mails">,
): Store {
  const turn = createTurn(openFile(path).db);
  const { sql, read } = turn;
  const { tell, flush, ...outbox } = sqliteOutbox(turn, { ...told, now });
  return {
    now,
    tenants: sqliteTenants(turn, now, tell),
    applications: sqliteApplications(turn, now, tell),
    users: sqliteUsers(turn, now, tell),
    registrations: sqliteRegistrations(turn, now, tell),
    refreshTokens: sqliteRefreshTokens(turn, now, tell),
    webhooks: sqliteWebhooks(turn),
    outbox,
    attempts: sqliteAttempts(turn, now),
    knownDevices: sqliteKnownDevices(turn, now),
    apiKeys: sqliteApiKeys(turn),
    signingKeys: sqliteSigningKeys(turn, now),
    ...sqliteNotes(turn),
    check: () =>
      read(() => {
        sql("SELECT 1 FROM notes LIMIT 1").all();
      }),
    async close() {
      // A store that is down loses nothing but what nobody waits for.
      await flush().catch(() => undefined);
      await turn.close();
    },
  };
}

/** Brings the file up to date and answers the versions before and after; throws as openSqlite does. */
export function migrateSqlite(path: string): { from: number; to: number } {
  const { db, versions } = openFile(path);
  db.close();
  return versions;
}

function openFile(path: string): { db: DatabaseSync; versions: { from: number; to: number } } {
  try {
    createForOwner(path);
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;");
    db.exec(`PRAGMA cache_size = -${KEPT_PAGES_KIB}; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`);
    return { db, versions: migrate(db) };
  } catch (error) {
    throw error instanceof DatabaseTooNewError ? error : new StoreUnavailableError(error);
  }
}

// Readable by its owner alone: it holds password hashes and sealed keys (CWE-276). SQLite makes -wal and -shm like it.
function createForOwner(path: string): void {
  if (path !== ":memory:" && !path.startsWith("file:")) closeSync(openSync(path, "a", 0o600));
}
