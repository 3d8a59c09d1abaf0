// The databases that tests hand to a provider: SQLite files, or with IDP_TEST_STORE=postgres (the vitest project "provider on Postgres")
// databases on the shared Postgres, each made from a migrated template. What a test does past the provider works on both.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Client, type QueryResult } from "pg";
import { afterAll, afterEach, beforeEach } from "vitest";
import { newDatabase } from "../../../test/servers/running.ts";
import { STEPS, TABLES } from "../src/store/postgres/migrations.ts";
import { migrateStore } from "../src/store/open.ts";

/** Whether the tests of this process run on Postgres. */
export const onPostgres = process.env["IDP_TEST_STORE"] === "postgres";

const folders: string[] = [];
const databases: string[] = [];

// Of Postgres: databases that nobody uses any more, those of the test under way, and those in which more than rows may have changed.
const left: string[] = [];
const ofThisTest: string[] = [];
const altered = new Set<string>();

// These hooks were added before those of idp.ts, which close the providers, so the second one runs after them.
let isTesting = false;
beforeEach(() => {
  isTesting = true;
});
afterEach(() => {
  isTesting = false;
  for (const database of ofThisTest.splice(0)) passOn(database);
});

afterAll(async () => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  for (const database of databases.splice(0)) {
    await asked(serverOf(database), `DROP DATABASE IF EXISTS ${nameOf(database)} WITH (FORCE)`);
  }
  await release();
}, 120_000);

/** The path of a SQLite file that is removed after the test file. */
export function databaseFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-idp-"));
  folders.push(folder);
  return join(folder, "idp.sqlite");
}

/** A database of its own for the test, gone after the test file. */
export async function emptyDatabase(): Promise<string> {
  const database = await freshDatabase();
  // Made before the tests it is theirs to the end.
  if (isTesting) ofThisTest.push(database);
  return database;
}

/** For a provider that nothing starts on again; to be passed on. */
export async function passingDatabase(): Promise<string> {
  return onPostgres ? freshDatabase() : ":memory:";
}

/** Gives a database to the next test of the file. */
export function passOn(database: string): void {
  if (onPostgres && !altered.has(database)) left.push(database);
}

async function freshDatabase(): Promise<string> {
  if (!onPostgres) return databaseFile();
  const next = left.pop();
  if (next === undefined) return copied(await (template ??= ensuredTemplate()));
  await asked(next, TABLES.map((table) => `DELETE FROM ${table}`).join("; "));
  return next;
}

/** The same database once more, as a backup would bring it back; nobody may be using it. */
export async function copyOf(database: string): Promise<string> {
  if (onPostgres) return copied(database);
  const file = databaseFile();
  copyFileSync(database, file);
  return file;
}

/** Runs statements past the provider and answers the rows of the last. */
export async function sql(database: string, text: string): Promise<Record<string, unknown>[]> {
  if (!/^SELECT/i.test(text)) altered.add(database);
  if (onPostgres) return asked(database, text);
  const db = new DatabaseSync(database);
  try {
    if (/^SELECT/i.test(text)) return db.prepare(text).all();
    db.exec(text);
    return [];
  } finally {
    db.close();
  }
}

/** Makes the database refuse, e.g., "INSERT ON outbox", until what it answers is called. */
export async function refusing(database: string, what: string): Promise<() => Promise<unknown>> {
  const table = what.split(" ").at(-1);
  if (!onPostgres) {
    await sql(database, `CREATE TRIGGER refused BEFORE ${what} BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    return () => sql(database, "DROP TRIGGER refused");
  }
  await sql(
    database,
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE integrity_constraint_violation; END $$;
     CREATE TRIGGER refused BEFORE ${what} FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  return () => sql(database, `DROP TRIGGER refused ON ${table}; DROP FUNCTION refuse`);
}

/** Every row of every table as text, read past the provider: for "nothing was stored". */
export async function dump(database: string): Promise<string> {
  if (onPostgres) return dumpOfPostgres(database);
  const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
  const rows = [];
  for (const { name } of await sql(database, tables))
    rows.push([name, await sql(database, `SELECT * FROM "${String(name)}"`)]);
  return JSON.stringify(rows);
}

async function dumpOfPostgres(database: string): Promise<string> {
  const tables = await asked(
    database,
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  const names = tables.map(({ tablename }) => String(tablename));
  const statements = names.map((name) => `SELECT * FROM "${name}" ORDER BY 1, "${name}"::text`);
  const rows = (await answers(database, statements.join("; "))).map((answer, index) => [
    names[index],
    answer.rows,
  ]);
  return JSON.stringify(rows);
}

let template: Promise<string> | null = null;
let copies = 0;

// One for all test files that run on one server: whoever comes first makes it.
async function ensuredTemplate(): Promise<string> {
  const own = await newDatabase();
  const name = `idp_template_${STEPS.length}`;
  const client = new Client({ connectionString: serverOf(own) });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock(1)");
    const { rows } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rows.length === 0) {
      await migrateStore(own);
      await client.query(`ALTER DATABASE ${nameOf(own)} RENAME TO ${name}`);
    } else await client.query(`DROP DATABASE ${nameOf(own)}`);
  } finally {
    await client.end();
  }
  return own.replace(/[^/]*$/, name);
}

async function copied(source: string): Promise<string> {
  // A template is in nobody's use.
  await release();
  const name = `idp_${process.pid}_${Date.now()}_${copies++}`;
  const client = new Client({ connectionString: serverOf(source) });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${nameOf(source)}`);
  } finally {
    await client.end();
  }
  const database = source.replace(/[^/]*$/, name);
  databases.push(database);
  return database;
}

// One connection is kept, since most tests ask of one database: a new one costs Postgres a process.
let kept: { database: string; client: Promise<Client> } | null = null;

async function asked(database: string, text: string): Promise<Record<string, unknown>[]> {
  return (await answers(database, text)).at(-1)?.rows ?? [];
}

/** What came back for each of several statements. */
async function answers(database: string, text: string): Promise<QueryResult<Record<string, unknown>>[]> {
  if (kept?.database !== database) {
    await release();
    kept = { database, client: connected(database) };
  }
  const client = await kept.client;
  return [await client.query(text)].flat();
}

async function connected(database: string): Promise<Client> {
  const client = new Client({ connectionString: database });
  client.setTypeParser(20, Number);
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function release(): Promise<void> {
  const over = kept;
  kept = null;
  await (await over?.client)?.end();
}

function nameOf(database: string): string {
  return database.replace(/^.*\//, "");
}

function serverOf(database: string): string {
  return database.replace(/[^/]*$/, "postgres");
}
