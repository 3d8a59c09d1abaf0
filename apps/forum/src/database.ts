/** The forum's database: its schema, in one place, and how it is opened. What the tables mean is threads.ts. */
import { DatabaseSync } from "node:sqlite";

const schema = `
  CREATE TABLE IF NOT EXISTS threads (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    latest_post INTEGER NOT NULL DEFAULT 0 -- kept here, so that the home page costs the same however much is written
  ) STRICT;

  CREATE TABLE IF NOT EXISTS posts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    thread      INTEGER NOT NULL REFERENCES threads (id),
    author_id   TEXT NOT NULL, -- the identity provider's user id
    author      TEXT NOT NULL, -- the name they posted under
    text        TEXT NOT NULL,
    posted_at   INTEGER NOT NULL -- epoch milliseconds
  ) STRICT;

  CREATE INDEX IF NOT EXISTS latest_threads ON threads (latest_post);
  CREATE INDEX IF NOT EXISTS posts_of_thread ON posts (thread, id);
  CREATE INDEX IF NOT EXISTS posts_of_author ON posts (author_id, id);
`;

/** How long a write waits for another process that is writing, in milliseconds. Nothing else is answered meanwhile. */
const patience = 250;

/** Opens the database at `path` (or ":memory:") and creates what is missing. */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: patience });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(schema);
  return database;
}

/** Runs `work` whole or not at all. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
