/** The shop's database: its schema, in one place, and how it is opened. What the tables mean is catalogue.ts and carts.ts. */
import { DatabaseSync } from "node:sqlite";

const schema = `
  CREATE TABLE IF NOT EXISTS products (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    price       INTEGER NOT NULL CHECK (price > 0), -- cents
    position    INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS cart_items (
    owner       TEXT NOT NULL, -- 'user:' and the user's id, or 'guest:' and the hash of the guest's cookie
    product     TEXT NOT NULL REFERENCES products (id),
    quantity    INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    changed_at  INTEGER NOT NULL, -- epoch milliseconds
    PRIMARY KEY (owner, product)
  ) STRICT, WITHOUT ROWID;

  -- Finds the guests' carts that nobody has touched for long, without reading all the others.
  CREATE INDEX IF NOT EXISTS guest_items_by_age ON cart_items (changed_at) WHERE owner GLOB 'guest:*';
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
export function transaction(database: DatabaseSync, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
