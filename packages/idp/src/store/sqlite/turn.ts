// Writes share a commit: the first one opens a transaction, a turn of the event loop that brings no more of them commits it, and every
// writer is answered only after that COMMIT. So many requests share one fsync and none is told "done" before it
// is true. Each write runs in a SAVEPOINT, so that a failing one undoes only itself; one that changes something by a single statement needs none.
// A read inside an open turn waits for the COMMIT too: an answer must not rest on what may still be undone. Refreshes of different families
// have nothing to do with each other and say so; else each that comes while others are written would wait for two commits.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { StoreUnavailableError } from "../../errors.ts";
import type { Row } from "../columns.ts";

/** The database as the parts of the store use it. */
export interface Turn {
  /**
   * Runs `operation` and answers once it is on disk. What it throws undoes only what it did. With `family` at most one of its statements
   * changes something, and that is the refresh token of this id.
   */
  write<T>(operation: () => T, family?: string): Promise<T>;
  /** Runs `operation`; it must not write. With `family` it rests on no other refresh token than that of this id. */
  read<T>(operation: () => T, family?: string): Promise<T>;
  /** The one row that a statement finds, or null. */
  find<T>(text: string, of: (row: Row) => T, ...values: SQLInputValue[]): Promise<T | null>;
  /** A prepared statement, kept for the next time. */
  sql(text: string): StatementSync;
  /**
   * The first row of a SELECT that names its columns, or undefined. For those with many columns that are asked again and again: node:sqlite
   * makes the columns' names anew for every row, which takes longer than to find it.
   */
  first(text: string, ...values: SQLInputValue[]): Row | undefined;
  /** Waits for the open turn, then closes the database. */
  close(): Promise<void>;
}

/**
 * Turns of the event loop that a transaction stays open for at most, while each brings more writes. Requests that come together
 * are read in two or three turns; had the first one committed, the others would have waited for two flushes.
 */
const MOST_TURNS = 4;

/** Where turns take long, it is committed at the end of the one in which it has been open for so long: other processes wait for it. */
const MOST_MS = 5;

interface OpenTurn {
  /** How many have written. */
  writes: number;
  /** The refresh tokens that it has changed; null where it has changed more than such. */
  changed: Set<string> | null;
  readonly committed: Promise<void>;
  commit(): void;
  /** SQLite gave up the whole transaction (disk full, I/O error): all writers of the turn must hear of it. */
  fail(error: unknown): void;
}

/** The turns of one database connection, which nothing else may use. */
export function createTurn(db: DatabaseSync): Turn {
  const { sql, first } = statementsOf(db);
  const { begin, current } = transactionsOf(db);

  const write = async <T>(operation: () => T, family?: string): Promise<T> => {
    try {
      const turn = begin();
      if (family === undefined) turn.changed = null;
      else turn.changed?.add(family);
      try {
        return ran(db, turn, operation, family !== undefined);
      } finally {
        // Also before an error is told: "exists already" must not rest on a row that may still be undone.
        await turn.committed;
      }
    } catch (error) {
      throw translated(error);
    }
  };

  const read = async <T>(operation: () => T, family?: string): Promise<T> => {
    try {
      const value = operation();
      const open = current();
      if (open !== null && restsOn(open, family)) await open.committed;
      return value;
    } catch (error) {
      throw translated(error);
    }
  };

  return {
    write,
    read,
    sql,
    first,
    find: (text, of, ...values) =>
      read(() => {
        const row = sql(text).get(...values);
        return row === undefined ? null : of(row);
      }),
    async close() {
      await current()?.committed.catch(() => undefined);
      if (db.isOpen) db.close();
    },
  };
}

function transactionsOf(db: DatabaseSync): { begin: () => OpenTurn; current: () => OpenTurn | null } {
  let open: OpenTurn | null = null;

  const current = (): OpenTurn | null => {
    // A SELECT that met an I/O error may have ended it: its writers hear of it, and nobody joins them.
    if (open !== null && !db.isTransaction) open.fail(new Error("SQLite gave the transaction up"));
    return open;
  };

  const begin = (): OpenTurn => {
    const joined = current();
    if (joined !== null) {
      joined.writes += 1;
      return joined;
    }
    // Only if a ROLLBACK failed: it is owed before anything new.
    if (db.isTransaction) db.exec("ROLLBACK");
    db.exec("BEGIN IMMEDIATE");
    const turn = openTurn(db, () => {
      if (open === turn) open = null;
    });
    open = turn;
    commitWhenQuiet(turn);
    return turn;
  };

  return { begin, current };
}

function restsOn({ changed }: OpenTurn, family: string | undefined): boolean {
  return changed === null || family === undefined || changed.has(family);
}

function statementsOf(db: DatabaseSync): Pick<Turn, "sql" | "first"> {
  const statements = new Map<string, StatementSync>();
  const listings = new Map<string, Listing>();

  const sql = (text: string): StatementSync => {
    const statement = statements.get(text) ?? db.prepare(text);
    statements.set(text, statement);
    return statement;
  };

  const first = (text: string, ...values: SQLInputValue[]): Row | undefined => {
    const listing = listings.get(text) ?? listed(db.prepare(text));
    listings.set(text, listing);
    const { statement, names, empty } = listing;
    const found: unknown = statement.get(...values);
    if (!Array.isArray(found)) return undefined;
    const row: Record<string, unknown> = { ...empty };
    for (let index = 0; index < names.length; index += 1) row[names[index] ?? ""] = found[index];
    return row;
  };

  return { sql, first };
}

interface Listing {
  statement: StatementSync;
  names: readonly string[];
  /** All columns, with nothing in them: to copy it costs less than to add one after the other to an object. */
  empty: Row;
}

function listed(statement: StatementSync): Listing {
  const names = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  return { statement, names, empty: Object.fromEntries(names.map((name) => [name, null])) };
}

function openTurn(db: DatabaseSync, ended: () => void): OpenTurn {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever waits hears of the rejection; a turn whose writers have all failed already has nobody left to tell.
  promise.catch(() => undefined);
  let failed = false;

  const fail = (error: unknown): void => {
    failed = true;
    ended();
    reject(new StoreUnavailableError(error));
  };

  const commit = (): void => {
    if (failed) return;
    try {
      db.exec("COMMIT");
      ended();
      resolve();
    } catch (error) {
      fail(error);
      rollBack(db);
    }
  };

  return { writes: 1, changed: new Set(), committed: promise, commit, fail };
}

function commitWhenQuiet(turn: OpenTurn): void {
  const begun = performance.now();
  let [turns, before] = [0, 0];
  const turnOver = (): void => {
    turns += 1;
    const isLate = turns === MOST_TURNS || performance.now() - begun > MOST_MS;
    if (turn.writes === before || isLate) return turn.commit();
    before = turn.writes;
    setImmediate(turnOver);
  };
  setImmediate(turnOver);
}

function rollBack(db: DatabaseSync): void {
  try {
    if (db.isOpen && db.isTransaction) db.exec("ROLLBACK");
  } catch {
    // Every writer has heard of the failure already; the next turn tries again.
  }
}

function ran<T>(db: DatabaseSync, turn: OpenTurn, operation: () => T, isOneStatement: boolean): T {
  try {
    return isOneStatement ? operation() : inSavepoint(db, operation);
  } catch (error) {
    if (!db.isTransaction) turn.fail(error);
    throw error;
  }
}

function inSavepoint<T>(db: DatabaseSync, operation: () => T): T {
  db.exec("SAVEPOINT operation");
  try {
    const value = operation();
    db.exec("RELEASE operation");
    return value;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK TO operation; RELEASE operation");
    throw error;
  }
}

// SQLITE_CONSTRAINT (19) says that the data does not fit, and a wrong statement (1) is a bug; the rest is the
// database being locked, full, broken or closed.
function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailableError) return error;
  const code = "code" in error ? error.code : undefined;
  const errcode = "errcode" in error ? error.errcode : undefined;
  if (code === "ERR_INVALID_STATE") return new StoreUnavailableError(error);
  if (code !== "ERR_SQLITE_ERROR" || typeof errcode !== "number") return error;
  const primary = errcode & 0xff;
  return primary === 19 || primary === 1 ? error : new StoreUnavailableError(error);
}
