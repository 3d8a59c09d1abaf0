// Fills tables by the million, in SQLite and in Postgres with the same statements. The store itself has written the first row of each
// table; all others are that row with what is each one's own put in its place, so that they have exactly the form the store gives them.
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { sessionHash } from "../../../packages/session/src/session-id.ts";
import { application, each, type Made, uuidOf } from "./made.ts";

/** A table, and what of a row is its own: expressions over `made`, which has a row for each number `i`, and over the first row, `t`. */
export interface Filling {
  readonly table: string;
  readonly own: Readonly<Record<string, string>>;
  /** Whether its indexes are made when it is full, which is faster, and leaves them without the gaps that indexes get as they grow. */
  readonly indexesLast: boolean;
}

/** What is made once of each number, for several tables: expressions over `i`. */
export type Numbered = Readonly<Record<string, string>>;

/** Where tables are filled. */
export interface Tables {
  /** Makes the table `made`, of the numbers 1 to `made.size` - 1. */
  number(of: Numbered, made: Made): Promise<void>;
  /** Makes a row for each of them in a table that has the first row. */
  fill(filling: Filling, made: Made): Promise<void>;
  /** Ends the filling; the database is as one that has been looked after. */
  close(): Promise<void>;
}

/** What sessions and sign-ins are made of. */
export const sessionNumbers: Numbered = {
  person: `made_uuid('user', i % (:size / ${each}))`,
  hash: "made_hash(i)",
  sign_in: "made_uuid('sign-in', i)",
};

/** Sessions and sign-ins; the schema is "" or ends with a dot. */
export function sessionTables(schema: string): { readonly sessions: Filling; readonly signIns: Filling } {
  const first = uuidOf("user", 0);
  const user = `replace(replace(t."user", '${first}', made.person), '${first.slice(0, 8)}@', substr(made.person, 1, 8) || '@')`;
  const authenticated = ":at - 43200000 + 43200000 * i / :size";
  const both = {
    '"user"': user,
    authenticated_at: authenticated,
    absolute_expires_at: `${authenticated} + 86400000`,
  };
  const expires_at = ":at + 600000 + (i * 7919 % 1200) * 1000";
  return {
    sessions: {
      table: `${schema}sessions`,
      own: { ...both, hash: "made.hash", sign_in_id: "made.sign_in", expires_at },
      indexesLast: false,
    },
    signIns: {
      table: `${schema}sign_ins`,
      own: { ...both, id: "made.sign_in", user_id: "made.person", current: "made.hash" },
      indexesLast: true,
    },
  };
}

/** What users, registrations and families are made of. */
export const providerNumbers: Numbered = { person: "made_uuid('user', i)" };

/** The provider's: a user, a registration and a family of refresh tokens each. */
export const providerTables: readonly Filling[] = [
  {
    table: "users",
    own: { id: "made.person", email: "substr(made.person, 1, 8) || '-' || i || '@example.com'" },
    indexesLast: true,
  },
  {
    table: "registrations",
    own: { id: "made_uuid('registration', i)", user_id: "made.person" },
    indexesLast: true,
  },
  {
    table: "refresh_tokens",
    own: { id: "made_uuid('family', i)", user_id: "made.person", secret: "made_secret(i)" },
    indexesLast: true,
  },
];

function numbering(of: Numbered, made: Made): string {
  const values = Object.entries(of).map(([column, value]) => `, ${value} AS ${column}`);
  return withNumbers(
    `CREATE TEMP TABLE made AS
     WITH RECURSIVE numbers (i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM numbers WHERE i < :size - 1)
     SELECT i${values.join("")} FROM numbers`,
    made,
  );
}

function filling({ table, own }: Filling, columns: readonly string[], made: Made): string {
  const unknown = Object.keys(own).find((column) => !columns.includes(column));
  if (unknown !== undefined) throw new Error(`${table} has no ${unknown}`);
  const values = columns.map((column) => own[column] ?? `t.${column}`);
  return withNumbers(
    `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM made CROSS JOIN first_row AS t`,
    made,
  );
}

function withNumbers(text: string, { size, at }: Made): string {
  return text.replaceAll(":size", String(size)).replaceAll(":at", String(at));
}

function quoted(column: unknown): string {
  return column === "user" ? '"user"' : String(column);
}

/** The tables of a file that nobody else has open. */
export function sqliteTables(path: string): Tables {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  // A file that is lost while it is filled is filled again.
  database.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -1500000;");
  const options = { deterministic: true };
  database.function("made_uuid", options, (kind, index) => uuidOf(String(kind), Number(index)));
  database.function("made_hash", options, (index) => madeHash(Number(index)));
  database.function("made_secret", options, (index) => madeSecret(Number(index)));
  return {
    async number(of, made) {
      database.exec(numbering(of, made));
    },
    async fill(one, made) {
      const indexes = one.indexesLast ? withoutIndexes(database, one.table) : [];
      database.exec(`CREATE TEMP TABLE first_row AS SELECT * FROM ${one.table}`);
      const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(one.table);
      database.exec(
        filling(
          one,
          columns.map((row) => quoted(row["name"])),
          made,
        ),
      );
      database.exec("DROP TABLE first_row");
      for (const index of indexes) database.exec(index);
    },
    async close() {
      database.exec("PRAGMA journal_mode = WAL");
      database.close();
    },
  };
}

// What a constraint needs stays.
function withoutIndexes(database: DatabaseSync, table: string): string[] {
  const indexes = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL")
    .all(table);
  for (const index of indexes) database.exec(`DROP INDEX ${String(index["name"])}`);
  return indexes.map((index) => String(index["sql"]));
}

function madeHash(index: number): string {
  return sessionHash(application, hash("sha256", `session ${index}`, "base64url"));
}

/** The secret in the row of that family. */
export function madeSecret(index: number): Buffer {
  return hash("sha256", `secret ${index}`, "buffer");
}

const functions = `
  CREATE FUNCTION pg_temp.digest_of(of text) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$ SELECT sha256(convert_to(of, 'UTF8')) $$;
  CREATE FUNCTION pg_temp.base64url(of bytea) RETURNS text IMMUTABLE LANGUAGE sql
    AS $$ SELECT translate(encode(of, 'base64'), '+/=', '-_') $$;
  CREATE FUNCTION pg_temp.made_secret(i bigint) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$ SELECT sha256(convert_to('secret ' || i, 'UTF8')) $$;
  CREATE FUNCTION pg_temp.made_uuid(kind text, i bigint) RETURNS text IMMUTABLE LANGUAGE sql
    AS $$ SELECT substr(encode(sha256(convert_to(kind || ' ' || i, 'UTF8')), 'hex'), 1, 32)::uuid::text $$;
  CREATE FUNCTION pg_temp.made_hash(i bigint) RETURNS text IMMUTABLE LANGUAGE sql
    AS $$ SELECT pg_temp.base64url(pg_temp.digest_of('${application}' || E'\\n' || pg_temp.base64url(pg_temp.digest_of('session ' || i)))) $$;
`;

/** The tables of a Postgres database. */
export async function postgresTables(url: string): Promise<Tables> {
  const client = new Client({ connectionString: url });
  await client.connect();
  // What refers to what is known to be there.
  await client.query(
    "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET temp_buffers = '256MB'",
  );
  await client.query(functions);
  return {
    async number(of, made) {
      await client.query(inOwnSchema(numbering(of, made)));
    },
    async fill(one, made) {
      const indexes = one.indexesLast ? await withoutIndexesIn(client, one.table) : [];
      await client.query(`CREATE TEMP TABLE first_row AS SELECT * FROM ${one.table}`);
      const { rows } = await client.query(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped",
        [one.table],
      );
      await client.query(
        inOwnSchema(
          filling(
            one,
            rows.map((row) => quoted(row.attname)),
            made,
          ),
        ),
      );
      await client.query("DROP TABLE first_row");
      for (const index of indexes) await client.query(index);
    },
    async close() {
      await client.query("VACUUM ANALYZE");
      await client.end();
    },
  };
}

function inOwnSchema(text: string): string {
  return text.replaceAll("made_", "pg_temp.made_");
}

async function withoutIndexesIn(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS text FROM pg_index
     WHERE indrelid = $1::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)`,
    [table],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  return rows.map(({ text }) => String(text));
}
