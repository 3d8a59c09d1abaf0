// The schema on Postgres, as numbered steps. A step that was released is never edited; a change is a new step at the end, and one that
// code of the release before still works on: it goes on serving while a new node migrates, and may even start again afterwards.
// Columns and tables are therefore first added, and removed a release later than the last code that used them.
//
// Text is COLLATE "C" wherever it is compared: as in SQLite, by its bytes, whatever the database's own language is.

import { setTimeout as pause } from "node:timers/promises";
import { DatabaseTooNewError, StoreUnavailableError } from "../../errors.ts";
import { flag, integer, text } from "../columns.ts";
import { withoutLimits } from "./address.ts";
import { type Connection, type Database, openDatabase, type Statement, statement } from "./database.ts";
import { isLockTimeout } from "./failure.ts";

/** A step of the schema. */
export interface Step {
  readonly sql: string;
  /** The oldest number of steps with which code still works on this; left out: as the step before. */
  readonly compatibleWith?: number;
}

/** The steps. Version n of the schema is what the first n of them make. */
export const STEPS: readonly Step[] = [
  {
    compatibleWith: 1,
    sql: `
  CREATE TABLE tenants (
    id text COLLATE "C" PRIMARY KEY, name text COLLATE "C" NOT NULL, is_default boolean NOT NULL, settings text NOT NULL,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  );
  CREATE UNIQUE INDEX tenants_name ON tenants (lower(name));
  -- However many nodes start at once on an empty database: one.
  CREATE UNIQUE INDEX tenants_default_name ON tenants (is_default) WHERE is_default;

  CREATE TABLE applications (
    id text COLLATE "C" PRIMARY KEY, tenant_id text COLLATE "C" NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL, active boolean NOT NULL, settings text NOT NULL, sealed_secret text NOT NULL,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  );
  CREATE UNIQUE INDEX applications_name ON applications (tenant_id, lower(name));

  CREATE TABLE roles (
    id text COLLATE "C" PRIMARY KEY, application_id text COLLATE "C" NOT NULL REFERENCES applications ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL, description text, is_default boolean NOT NULL, is_super boolean NOT NULL
  );
  CREATE UNIQUE INDEX roles_name ON roles (application_id, name);

  CREATE TABLE users (
    id text COLLATE "C" PRIMARY KEY, tenant_id text COLLATE "C" NOT NULL REFERENCES tenants ON DELETE CASCADE,
    email text COLLATE "C", username text, username_key text COLLATE "C", active boolean NOT NULL, verified boolean NOT NULL,
    expiry bigint, profile text NOT NULL,
    password_scheme text COLLATE "C", password_hash text, password_salt text, password_factor bigint,
    credential_version bigint NOT NULL, password_updated bigint, last_login bigint,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  ) WITH (fillfactor = 90);
  CREATE UNIQUE INDEX users_email ON users (tenant_id, email);
  CREATE UNIQUE INDEX users_username ON users (tenant_id, username_key);
  CREATE INDEX imported_passwords ON users (tenant_id, password_scheme, password_factor DESC NULLS LAST)
    WHERE password_scheme <> 'argon2id';

  CREATE TABLE registrations (
    id text COLLATE "C" PRIMARY KEY, user_id text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    application_id text COLLATE "C" NOT NULL REFERENCES applications ON DELETE CASCADE,
    roles text NOT NULL, profile text NOT NULL, verified boolean NOT NULL, last_login bigint,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  ) WITH (fillfactor = 90);
  CREATE UNIQUE INDEX registrations_key ON registrations (user_id, application_id);
  CREATE INDEX registrations_of_application ON registrations (application_id);

  -- No index on what a rotation changes, so that it is a HOT update: nothing but the row is written. Hence sweep_at besides ends: when
  -- the sweep looks at the row, which is when it ends, or ended before it was extended.
  CREATE TABLE refresh_tokens (
    id text COLLATE "C" PRIMARY KEY, tenant_id text COLLATE "C" NOT NULL REFERENCES tenants ON DELETE CASCADE,
    application_id text COLLATE "C" NOT NULL REFERENCES applications ON DELETE CASCADE,
    user_id text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    secret bytea NOT NULL, key_id text NOT NULL, generation bigint NOT NULL,
    started bigint NOT NULL, rotated bigint NOT NULL, expires bigint NOT NULL, ends bigint NOT NULL, sweep_at bigint NOT NULL,
    revoked bigint, revoked_reason text, reuse_found bigint,
    meta_data text NOT NULL, accessed_address text, accessed bigint NOT NULL
  ) WITH (fillfactor = 80);
  CREATE INDEX refresh_tokens_of_user ON refresh_tokens (user_id, started);
  CREATE INDEX refresh_tokens_of_application ON refresh_tokens (application_id);
  CREATE INDEX refresh_tokens_of_tenant ON refresh_tokens (tenant_id);
  CREATE INDEX refresh_tokens_to_sweep ON refresh_tokens (sweep_at);

  -- Without a reference to users: who is locked out may be nobody.
  CREATE TABLE owed_revocations (user_id text COLLATE "C" PRIMARY KEY);

  CREATE TABLE api_keys (
    id text COLLATE "C" PRIMARY KEY, hash text COLLATE "C" NOT NULL, name text, key_manager boolean NOT NULL,
    tenant_id text COLLATE "C" REFERENCES tenants ON DELETE CASCADE,
    permissions text NOT NULL, meta_data text NOT NULL, expiration bigint, sample boolean NOT NULL,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  );
  CREATE UNIQUE INDEX api_keys_hash_key ON api_keys (hash);
  CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id);

  CREATE TABLE signing_keys (
    kid text COLLATE "C" PRIMARY KEY, algorithm text NOT NULL, public_key text NOT NULL, sealed_private_key text NOT NULL,
    inserted bigint NOT NULL, verifies_until bigint
  );

  CREATE TABLE notes (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

  CREATE TABLE attempts (
    key text COLLATE "C" PRIMARY KEY, failures double precision NOT NULL, last bigint NOT NULL, forgotten bigint NOT NULL
  );
  CREATE INDEX attempts_by_end ON attempts (forgotten);

  CREATE TABLE known_devices (
    user_id text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE, device text COLLATE "C" NOT NULL,
    last_used bigint NOT NULL,
    PRIMARY KEY (user_id, device)
  );
  CREATE INDEX known_devices_by_use ON known_devices (last_used);

  -- tenant_ids and events are JSON lists, as text; tenant_ids null is FusionAuth's global.
  CREATE TABLE webhooks (
    id text COLLATE "C" PRIMARY KEY, tenant_ids text, events text NOT NULL, settings text NOT NULL, sealed_secrets text NOT NULL,
    version bigint NOT NULL, inserted bigint NOT NULL, updated bigint NOT NULL
  );

  CREATE TABLE outbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver text COLLATE "C" NOT NULL, lane text COLLATE "C" NOT NULL, event text NOT NULL,
    written bigint NOT NULL, attempts bigint NOT NULL, due bigint
  );
  CREATE INDEX outbox_lanes ON outbox (receiver, lane, number);
  CREATE INDEX outbox_due ON outbox (receiver, due, number) WHERE due IS NOT NULL;
  `,
  },
];

/** Every table of the store, those first whose rows others refer to last. */
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

// Which version the schema has, and the oldest one whose code works on it.
const LOOK = statement(
  "schema-look",
  `SELECT to_regclass('latchkey_idp_schema') IS NOT NULL AS made, current_setting('server_encoding') AS encoding`,
);
const VERSION = statement("schema-version", "SELECT version, compatible_with FROM latchkey_idp_schema");
const CREATE_VERSION = statement(
  "schema-create-version",
  `CREATE TABLE IF NOT EXISTS latchkey_idp_schema (
     only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version integer NOT NULL, compatible_with integer NOT NULL
   )`,
);
const SET_VERSION = statement(
  "schema-set-version",
  `INSERT INTO latchkey_idp_schema (version, compatible_with) VALUES ($1, $2)
   ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, compatible_with = excluded.compatible_with`,
);

// Any number will do as long as it stays the same over releases; it ends with the transaction.
const HOLD_SCHEMA = statement("schema-hold", "SELECT 1 WHERE pg_try_advisory_xact_lock(7229164803651127)");

// Who migrates waits less for a lock (1 s) than those who serve wait for theirs (2 s), for they queue behind it.
const LIMITS = { connections: 1, statementTimeout: 600_000, lockTimeout: 1_000 };

// A minute while another node migrates; more where a table is never free.
const LOOKS = 300;
const LOOK_AGAIN_MS = 200;

/**
 * Brings the schema up to date, once, however many nodes start together, while others go on serving; answers the versions before and
 * after. Throws DatabaseTooNewError if this code can't work on the schema any more, else StoreUnavailableError.
 */
export async function migrate(
  address: string,
  steps: readonly Step[] = STEPS,
): Promise<{ from: number; to: number }> {
  const database = openDatabase(withoutLimits(address), LIMITS);
  try {
    return await migrated(database, steps);
  } catch (error) {
    const isOurs = error instanceof DatabaseTooNewError || error instanceof StoreUnavailableError;
    throw isOurs ? error : new StoreUnavailableError(error);
  } finally {
    await database.close();
  }
}

/** True if there is nothing to migrate. Throws DatabaseTooNewError if this code can't work on the schema any more. */
export async function isUpToDate(connection: Connection, steps: readonly Step[] = STEPS): Promise<boolean> {
  return (await versionOf(connection, steps)) >= steps.length;
}

async function migrated(database: Database, steps: readonly Step[]): Promise<{ from: number; to: number }> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const version = await versionOf(database, steps);
    if (version >= steps.length) return { from: version, to: version };
    const made = await migratedAlone(database, steps);
    if (made !== null) return made;
    await pause(LOOK_AGAIN_MS);
  }
  throw new StoreUnavailableError(new Error("The schema stayed locked while it was to be migrated"));
}

/** 0 for an empty database. Throws StoreUnavailableError for one that can't hold every character. */
async function versionOf(connection: Connection, steps: readonly Step[]): Promise<number> {
  const look = (await connection.row(LOOK)) ?? {};
  // Whoever typed a name that another encoding lacks, also of nobody, would be answered 500.
  if (text(look, "encoding") !== "UTF8")
    throw new StoreUnavailableError(new Error("The database's encoding must be UTF8"));
  if (!flag(look, "made")) return 0;
  const row = await connection.row(VERSION);
  if (row === null) return 0;
  const version = integer(row, "version");
  if (integer(row, "compatible_with") > steps.length) throw new DatabaseTooNewError(version, steps.length);
  return version;
}

/** Null if another process is at it, or a table was held for too long. */
async function migratedAlone(
  database: Database,
  steps: readonly Step[],
): Promise<{ from: number; to: number } | null> {
  try {
    return await database.step(async (connection) => {
      if ((await connection.row(HOLD_SCHEMA)) === null) return null;
      // First, and not only for the sake of the table: what another process created since this transaction began would not be seen to
      // exist by a look that locks nothing.
      await connection.run(CREATE_VERSION);
      const from = await versionOf(connection, steps);
      if (from >= steps.length) return { from, to: from };
      for (const { sql } of steps.slice(from)) await connection.run(several(sql));
      await connection.run(SET_VERSION, steps.length, compatibleWith(steps));
      return { from, to: steps.length };
    });
  } catch (error) {
    if (isLockTimeout(error)) return null;
    throw error;
  }
}

// Without a name it is not prepared, and may be several statements.
function several(sql: string): Statement {
  return statement("", sql);
}

function compatibleWith(steps: readonly Step[]): number {
  return steps.reduce((oldest, step) => step.compatibleWith ?? oldest, 1);
}
