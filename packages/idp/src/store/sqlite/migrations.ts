// The schema, as numbered steps. A step that was released is never edited; a change is a new step at the end.
// All missing steps run in one transaction, so that a failing one leaves the file as it was. Code of the release before goes on working
// on what a step makes of the file – every INSERT names its columns, so that there may be more – or COMPATIBLE_WITH says that it does not:
// then that code refuses to open it.

import type { DatabaseSync } from "node:sqlite";
import { DatabaseTooNewError } from "../../errors.ts";

/** The steps. Version n of the schema is what the first n of them make. */
export const STEPS: readonly string[] = [
  `
  CREATE TABLE tenants (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, is_default INTEGER NOT NULL, settings TEXT NOT NULL,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE applications (
    id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE, active INTEGER NOT NULL, settings TEXT NOT NULL, sealed_secret TEXT NOT NULL,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL,
    UNIQUE (tenant_id, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE roles (
    id TEXT PRIMARY KEY, application_id TEXT NOT NULL REFERENCES applications ON DELETE CASCADE,
    name TEXT NOT NULL, description TEXT, is_default INTEGER NOT NULL, is_super INTEGER NOT NULL,
    UNIQUE (application_id, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE users (
    id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
    email TEXT, username TEXT, username_key TEXT, active INTEGER NOT NULL, verified INTEGER NOT NULL, expiry INTEGER,
    profile TEXT NOT NULL, password_scheme TEXT, password_hash TEXT, password_salt TEXT, password_factor INTEGER,
    credential_version INTEGER NOT NULL, password_updated INTEGER, last_login INTEGER,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL,
    UNIQUE (tenant_id, email), UNIQUE (tenant_id, username_key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE registrations (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES applications ON DELETE CASCADE,
    roles TEXT NOT NULL, profile TEXT NOT NULL, verified INTEGER NOT NULL, last_login INTEGER,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL,
    UNIQUE (user_id, application_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX registrations_of_application ON registrations (application_id);

  CREATE TABLE refresh_tokens (
    id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants ON DELETE CASCADE,
    application_id TEXT NOT NULL REFERENCES applications ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    secret BLOB NOT NULL, key_id TEXT NOT NULL, generation INTEGER NOT NULL,
    started INTEGER NOT NULL, rotated INTEGER NOT NULL, expires INTEGER NOT NULL, ends INTEGER NOT NULL,
    revoked INTEGER, revoked_reason TEXT,
    meta_data TEXT NOT NULL, accessed_address TEXT, accessed INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX refresh_tokens_of_user ON refresh_tokens (user_id, started);
  CREATE INDEX refresh_tokens_of_application ON refresh_tokens (application_id);
  CREATE INDEX refresh_tokens_of_tenant ON refresh_tokens (tenant_id);
  CREATE INDEX refresh_tokens_by_end ON refresh_tokens (ends);

  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT, key_manager INTEGER NOT NULL,
    tenant_id TEXT REFERENCES tenants ON DELETE CASCADE,
    permissions TEXT NOT NULL, meta_data TEXT NOT NULL, expiration INTEGER, sample INTEGER NOT NULL,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id);

  CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY, algorithm TEXT NOT NULL, public_key TEXT NOT NULL, sealed_private_key TEXT NOT NULL,
    inserted INTEGER NOT NULL, verifies_until INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE INDEX imported_passwords ON users (tenant_id, password_scheme, password_factor DESC)
    WHERE password_scheme <> 'argon2id';
  `,
  `
  CREATE TABLE attempts (
    key TEXT PRIMARY KEY, failures REAL NOT NULL, last INTEGER NOT NULL, forgotten INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attempts_by_end ON attempts (forgotten);

  CREATE TABLE known_devices (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, device TEXT NOT NULL, last_used INTEGER NOT NULL,
    PRIMARY KEY (user_id, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX known_devices_by_use ON known_devices (last_used);
  `,
  `
  CREATE TABLE webhooks (
    id TEXT PRIMARY KEY, tenant_ids TEXT, events TEXT NOT NULL, settings TEXT NOT NULL, sealed_secrets TEXT NOT NULL,
    version INTEGER NOT NULL, inserted INTEGER NOT NULL, updated INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT, receiver TEXT NOT NULL, lane TEXT NOT NULL, event TEXT NOT NULL,
    written INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER
  ) STRICT;
  CREATE INDEX outbox_lanes ON outbox (receiver, lane, number);
  CREATE INDEX outbox_due ON outbox (receiver, due, number) WHERE due IS NOT NULL;

  ALTER TABLE refresh_tokens ADD COLUMN reuse_found INTEGER;
  `,
  // Without a reference to users: who is locked out may be nobody.
  `
  CREATE TABLE owed_revocations (user_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE compatibility (oldest INTEGER NOT NULL) STRICT;
  INSERT INTO compatibility VALUES (0);
  `,
  // No index on what a rotation changes, so that it writes nothing but the row. Hence sweep_at besides ends: when the sweep looks at the
  // row next. What was there before, and what earlier code inserts, it looks at in the next minute.
  `
  ALTER TABLE refresh_tokens ADD COLUMN sweep_at INTEGER NOT NULL DEFAULT 0;
  DROP INDEX refresh_tokens_by_end;
  CREATE INDEX refresh_tokens_to_sweep ON refresh_tokens (sweep_at);
  `,
];

/** The oldest number of steps with which code still works on what all of them make. */
const COMPATIBLE_WITH = 6;

/** Every table, those first whose rows others refer to last. */
export const TABLES: readonly string[] = [
  "outbox",
  "webhooks",
  "attempts",
  "known_devices",
  "owed_revocations",
  "refresh_tokens",
  "registrations",
  "users",
  "roles",
  "applications",
  "api_keys",
  "signing_keys",
  "notes",
  "tenants",
];

/**
 * Brings the schema up to date and answers the versions before and after; throws DatabaseTooNewError for a file of later code that this
 * code can't work on.
 */
export function migrate(db: DatabaseSync): { from: number; to: number } {
  db.exec("BEGIN IMMEDIATE");
  try {
    const from = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (from > STEPS.length) refuseIncompatible(db, from);
    else if (from < STEPS.length) applySteps(db, from);
    db.exec("COMMIT");
    return { from, to: Math.max(from, STEPS.length) };
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function refuseIncompatible(db: DatabaseSync, version: number): void {
  if (!(oldestFor(db) <= STEPS.length)) throw new DatabaseTooNewError(version, STEPS.length);
}

// Not a number where the table is missing, or means something else by then.
function oldestFor(db: DatabaseSync): number {
  const table = db.prepare("SELECT 1 FROM pragma_table_info('compatibility') WHERE name = 'oldest'").get();
  return table === undefined ? NaN : Number(db.prepare("SELECT oldest FROM compatibility").get()?.["oldest"]);
}

function applySteps(db: DatabaseSync, from: number): void {
  for (const step of STEPS.slice(from)) db.exec(step);
  db.exec(`UPDATE compatibility SET oldest = ${COMPATIBLE_WITH}`);
  db.exec(`PRAGMA user_version = ${STEPS.length}`);
}
