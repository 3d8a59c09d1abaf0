// The connections to Postgres, and how the parts of the store speak over them: named statements, and steps, which are transactions.
// What can't be answered is StoreUnavailableError; only what Postgres itself undid is repeated.
//
// One statement that is enough is one statement: it is atomic, and one round trip. Where several change together, rows are locked in
// this order, so that two steps wait for each other but never in a circle:
//   tenants → applications → users → registrations → refresh_tokens → known_devices → webhooks → attempts → outbox
// and within a table by id. A step that learns late what it has to lock locks its parents first (FOR NO KEY UPDATE; FOR UPDATE where it
// deletes them; FOR SHARE where it relies on what they say; inserting a child locks its parents FOR KEY SHARE by itself).
//
// Columns are named in every statement, also in INSERT and RETURNING, never `*`: a node of the previous release goes on while the next
// one adds columns.

import { setTimeout as pause } from "node:timers/promises";
import {
  type ClientBase,
  type CustomTypesConfig,
  Pool,
  type PoolClient,
  type QueryResult,
  type QueryResultRow,
  types,
} from "pg";
import { StoreUnavailableError } from "../../errors.ts";
import type { Row } from "../columns.ts";
import { type DatabaseOptions, settingsOf, SILENCE_AFTER_MS } from "./address.ts";
import { failureOf, isOver, mayBeRepeated } from "./failure.ts";

/** A statement that Postgres parses once a connection; without a name each time, and it may be several, without values. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Milliseconds that it may take, where those of the connection are too few. */
  readonly limit?: number;
}

/** A named statement; its values are `$1`, `$2` … */
export function statement(name: string, text: string): Statement {
  return { name, text };
}

/**
 * A named statement that changes as many rows as an application or a tenant has, and may take half an hour. Only in a step. With the
 * limit of other statements an application with more than some 100,000 sign-ins could never be deactivated.
 */
export function lengthy(name: string, text: string): Statement {
  return { name, text, limit: 1_800_000 };
}

/** Asks over one connection, or over any. Throws StoreUnavailableError, or node-postgres' error where the data did not fit. */
export interface Connection {
  rows(statement: Statement, ...values: readonly unknown[]): Promise<Row[]>;
  /** The first row, or null without one. */
  row(statement: Statement, ...values: readonly unknown[]): Promise<Row | null>;
  /** How many rows it changed. */
  run(statement: Statement, ...values: readonly unknown[]): Promise<number>;
}

/** The database. Each call by itself is one statement and one round trip, on any connection. */
export interface Database extends Connection {
  /**
   * One transaction (READ COMMITTED) on one connection, committed before it answers; undone if `operation` throws. After a deadlock or
   * a serialization failure it is repeated, so that the operation must have no effects but those on the database. Where the connection
   * breaks at COMMIT nobody knows what became of it: that is StoreUnavailableError, too, and never repeated.
   */
  step<T>(operation: (connection: Connection) => Promise<T>): Promise<T>;
  /** Waits for what was begun, then disconnects; every later call throws StoreUnavailableError. */
  close(): Promise<void>;
}

/** Options of a database; see DatabaseOptions. */
export interface OpenOptions extends DatabaseOptions {
  /** Called with each new connection before anything else is asked over it; where it throws, the connection is given up. */
  connected?: (connection: Connection) => Promise<void>;
}

const ATTEMPTS = 5;
const PAUSE_MS = 20;

// int8, which JavaScript reads exactly up to 2^53: of the instants and versions kept here none comes near.
const INT8 = 20;

const BEGIN = statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED");
const COMMIT = statement("commit", "COMMIT");
const ROLLBACK = statement("rollback", "ROLLBACK");

type Ask = (statement: Statement, values: readonly unknown[]) => Promise<QueryResult<QueryResultRow>>;

/** The database at this address; connects when it is first asked. Throws a TypeError for an address that is none. */
export function openDatabase(url: string, { connected, ...options }: OpenOptions = {}): Database {
  const pool = openPool(url, options);
  const greet = greeting(connected);
  const begun = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;

  const lent = async <T>(use: (ask: Ask) => Promise<T>): Promise<T> => {
    if (closed !== null) throw new StoreUnavailableError(new Error("The database is closed"));
    const lending = repeated(() => lend(pool, greet, use));
    begun.add(lending);
    try {
      return await lending;
    } finally {
      begun.delete(lending);
    }
  };

  const close = async (): Promise<void> => {
    await Promise.allSettled(begun);
    await pool.end();
  };

  return {
    ...connectionBy((asked, values) => lent((ask) => ask(asked, values))),
    step: (operation) => lent((ask) => transaction(ask, operation)),
    close: () => (closed ??= close()),
  };
}

function openPool(url: string, options: DatabaseOptions): Pool {
  const getTypeParser: CustomTypesConfig["getTypeParser"] = (oid: number, format?: "text" | "binary") =>
    oid === INT8 ? Number : types.getTypeParser(oid, format);
  const pool = new Pool({
    ...settingsOf(url, options),
    types: { getTypeParser },
  });
  // A server that ends is no reason to end, too: the connection leaves the pool, and what was asked over it has failed already.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

async function repeated<T>(attempt: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (count === ATTEMPTS || !mayBeRepeated(error)) throw error;
      // Whoever it was in a circle with is woken first: at once it would take the same row from him again.
      await pause(count * PAUSE_MS);
    }
  }
}

type Greet = (client: PoolClient, ask: Ask) => Promise<void>;

function greeting(connected: OpenOptions["connected"]): Greet {
  const greeted = new WeakSet<PoolClient>();
  return async (client, ask) => {
    if (greeted.has(client)) return;
    await connected?.(connectionBy(ask));
    greeted.add(client);
  };
}

// Not `pool.query`, which gives up a connection for every duplicate.
async function lend<T>(pool: Pool, greet: Greet, use: (ask: Ask) => Promise<T>): Promise<T> {
  const client = await connectedClient(pool);
  let over = true;
  const ask = askingOf(client, (error) => {
    over ||= isOver(error);
  });
  try {
    await greet(client, ask);
    over = false;
    return await use(ask);
  } finally {
    client.release(over);
  }
}

async function connectedClient(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new StoreUnavailableError(error);
  }
}

function askingOf(client: ClientBase, failed: (error: unknown) => void): Ask {
  return async (asked, values) => {
    const { limit, ...query } = asked;
    try {
      if (limit === undefined) return await client.query({ ...query, values: [...values] });
      await client.query(`SET LOCAL statement_timeout = ${limit}`);
      const patient = { ...query, values: [...values], query_timeout: limit + SILENCE_AFTER_MS };
      return await client.query(patient);
    } catch (error) {
      failed(error);
      throw failureOf(error);
    }
  };
}

function connectionBy(ask: Ask): Connection {
  const rows: Connection["rows"] = async (asked, ...values) =>
    values.some(isNowhere) ? [] : (await ask(asked, values)).rows;
  return {
    rows,
    row: async (asked, ...values) => (await rows(asked, ...values))[0] ?? null,
    run: async (asked, ...values) => (await ask(asked, values)).rowCount ?? 0,
  };
}

// No text in Postgres holds U+0000, so that nothing is found by one that does; asking would be an error (CWE-158).
function isNowhere(value: unknown): boolean {
  return typeof value === "string" && value.includes("\u0000");
}

async function transaction<T>(ask: Ask, operation: (connection: Connection) => Promise<T>): Promise<T> {
  await ask(BEGIN, []);
  const answer = await orUndone(ask, operation);
  // Postgres answers ROLLBACK, and no error, where a statement of the step had failed.
  if ((await ask(COMMIT, [])).command !== "COMMIT") {
    throw new Error("A step went on after one of its statements had failed");
  }
  return answer;
}

async function orUndone<T>(ask: Ask, operation: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await operation(connectionBy(ask));
  } catch (error) {
    // Where this fails as well the connection is over, and Postgres undoes what it knows of it.
    await ask(ROLLBACK, []).catch(() => undefined);
    throw error;
  }
}
