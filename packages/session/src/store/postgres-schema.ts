/**
 * The tables of the Postgres store, in a schema of their own, as steps. A step that was released is never edited; a change is a new
 * step that only adds, so that nodes of the release before go on serving on it. Each step is applied once, however many nodes start
 * together.
 *
 * No index holds a column that an extension changes, so that extending is a HOT update: nothing but the row is written, and its old
 * versions go when its page is next read. Hence `sweep_after`, the idle limit rounded up to the hour: it changes once an hour at most.
 * Columns that are compared are COLLATE "C": ordered by their bytes, whatever the database's own language is.
 */
import type { Pool, PoolClient } from "pg";

/** The steps; the version of a schema is how many of them it has. `{schema}` stands for its name. */
export const steps: readonly string[] = [
  `
  CREATE TABLE {schema}.sessions (
    hash text COLLATE "C" PRIMARY KEY, sign_in_id text NOT NULL, "user" text NOT NULL, authenticated_at bigint NOT NULL,
    vouched_at bigint NOT NULL, expires_at bigint NOT NULL, absolute_expires_at bigint NOT NULL, presented boolean NOT NULL,
    questioned_at bigint NOT NULL DEFAULT 0,
    sweep_after bigint NOT NULL GENERATED ALWAYS AS ((expires_at / 3600000 + 1) * 3600000) STORED
  ) WITH (fillfactor = 80);
  CREATE INDEX sessions_to_sweep ON {schema}.sessions (sweep_after);

  CREATE TABLE {schema}.sign_ins (
    id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, application text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL, "user" text NOT NULL, device text NOT NULL,
    authenticated_at bigint NOT NULL, absolute_expires_at bigint NOT NULL, remembered boolean NOT NULL,
    current text NOT NULL, previous text, attempt bigint NOT NULL, renewed_at bigint NOT NULL, minted_at bigint NOT NULL,
    minted_for text, presented_at bigint, ended_at bigint, ended_reason text, revocation_owed boolean NOT NULL
  ) WITH (fillfactor = 80);
  CREATE INDEX sign_ins_live ON {schema}.sign_ins (application, authenticated_at, id) WHERE ended_at IS NULL;
  CREATE INDEX sign_ins_live_of_user ON {schema}.sign_ins (user_id, application, authenticated_at, id) WHERE ended_at IS NULL;
  CREATE INDEX sign_ins_owing ON {schema}.sign_ins (id) WHERE revocation_owed;
  CREATE INDEX sign_ins_to_sweep ON {schema}.sign_ins (absolute_expires_at);
  `,
];

/** Milliseconds a step may take: an index on many rows is not made in the time a request has. */
const patience = 600_000;

/**
 * Brings the schema up to date; one round trip more than none where it is. A schema of a later release is left as it is. Rejects with
 * node-postgres' error, and then nothing has changed.
 */
export async function upgrade(pool: Pool, schema: string, to: readonly string[] = steps): Promise<void> {
  if ((await versionOf(pool, schema)) >= to.length) return;
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await upgradeAlone(client, schema, to);
    await client.query("COMMIT");
  } catch (error) {
    // What Postgres knows of the connection's transaction it undoes when the connection is closed.
    failed = error instanceof Error ? error : new Error(String(error));
    throw failed;
  } finally {
    client.release(failed);
  }
}

/** A schema as it stands in statements: `user` and `order` are words of SQL without quotes. */
export function schemaName(schema: string): string {
  return `"${schema}"`;
}

async function upgradeAlone(client: PoolClient, schema: string, to: readonly string[]): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `latchkey sessions ${schema}`,
  ]);
  const from = await versionOf(client, schema);
  if (from >= to.length) return;
  const numbered = [...to.entries()].slice(from);
  // CREATE SCHEMA IF NOT EXISTS asks for the right to create one even where it is there.
  const { rows } = await client.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema]);
  const name = schemaName(schema);
  const sql = [
    `SET LOCAL statement_timeout = ${patience}`,
    ...(rows.length === 0 ? [`CREATE SCHEMA ${name}`] : []),
    `CREATE TABLE IF NOT EXISTS ${name}.steps (step integer PRIMARY KEY, taken timestamptz NOT NULL DEFAULT now())`,
    ...numbered.flatMap(([step, text]) => [
      text.replaceAll("{schema}", name),
      `INSERT INTO ${name}.steps (step) VALUES (${step + 1})`,
    ]),
  ];
  const several = { text: sql.join(";\n"), query_timeout: patience };
  await client.query(several);
}

/** How many steps the schema has; 0 where there is none. */
async function versionOf(connection: Pool | PoolClient, schema: string): Promise<number> {
  // Not to_regclass: it may answer from what this connection knew before it waited for the lock.
  const there = await connection.query(
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'steps'",
    [schema],
  );
  if (there.rows.length === 0) return 0;
  const { rows } = await connection.query(
    `SELECT coalesce(max(step), 0) AS version FROM ${schemaName(schema)}.steps`,
  );
  return Number(rows[0]?.["version"]);
}
