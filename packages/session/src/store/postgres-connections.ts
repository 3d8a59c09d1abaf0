/**
 * The connections of the Postgres store, and how it asks over them: one named statement, one round trip, never a second time. Whatever
 * happens to one connection the pool forgets it and makes another when it is next asked, so that a restart or a fail-over heals by itself.
 */
import { Client, type CustomTypesConfig, DatabaseError, Pool, type PoolConfig, types } from "pg";
import { upgrade } from "./postgres-schema.ts";
import type { Row } from "./rows.ts";

/** A statement that Postgres parses once a connection; its values are `$1`, `$2` … Columns are named: later releases add some. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Asks over any connection; rejects with what node-postgres throws. */
export interface Connections {
  rows(statement: Statement, ...values: readonly unknown[]): Promise<readonly Row[]>;
  /** How many rows it changed. */
  run(statement: Statement, ...values: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

/** Where Postgres is, and how much of it one process takes. */
export interface ConnectionOptions {
  readonly url: string;
  readonly schema: string;
  readonly connections: number;
}

/** Milliseconds for a connection to be made or to become free, and for an answer: together less than the two seconds a store has. */
const connectWithin = 1_000;
const answerWithin = 900;

/** A server that has not said itself by now that a statement took too long will not say anything. */
const silentAfter = answerWithin + 50;

/** int8 is read as a number: the instants and versions kept here stay far below 2^53. */
const int8 = 20;

/** SQLSTATE of a table or a schema that is not there: somebody has replaced the database by an empty one. */
const missing: ReadonlySet<string> = new Set(["42P01", "3F000"]);

/** Nothing is connected yet. Throws a TypeError naming the option that is wrong; no message holds the address. */
export function openConnections({ url, schema, connections }: ConnectionOptions): Connections {
  const pool = openPool(url, connections);
  let upgraded: Promise<void> | null = null;
  let closed: Promise<void> | null = null;

  const ready = () => {
    upgraded ??= upgrade(pool, schema).catch((error: unknown) => {
      upgraded = null;
      throw error;
    });
    return upgraded;
  };
  const ask = async ({ name, text }: Statement, values: readonly unknown[]) => {
    if (closed !== null) throw new Error("The Postgres store is closed.");
    await ready();
    try {
      // A statement that fails takes its connection with it: after a fail-over it may lead to a server that only reads.
      return await pool.query({ name, text, values: [...values] });
    } catch (error) {
      if (error instanceof DatabaseError && missing.has(error.code ?? "")) upgraded = null;
      throw error;
    }
  };
  return {
    rows: async (statement, ...values) => (values.some(isNowhere) ? [] : (await ask(statement, values)).rows),
    run: async (statement, ...values) => (await ask(statement, values)).rowCount ?? 0,
    close: () => (closed ??= pool.end()),
  };
}

/**
 * No text in Postgres holds U+0000: nothing is found by one that does. Asking would be an error, and who may name what is looked up
 * could open the circuit for everybody (CWE-158).
 */
function isNowhere(value: unknown): boolean {
  return typeof value === "string" && value.includes("\u0000");
}

function openPool(url: string, connections: number): Pool {
  const address = URL.canParse(url) ? new URL(url) : null;
  if (address === null || !/^postgres(ql)?:$/.test(address.protocol) || address.hash !== "")
    throw new TypeError('"url" must be like postgres://user:password@host:5432/database, # written as %23');
  if (!Number.isSafeInteger(connections) || connections < 1)
    throw new TypeError('"connections" must be a whole number above 0');
  const getTypeParser: CustomTypesConfig["getTypeParser"] = (oid: number, format?: "text" | "binary") =>
    oid === int8 ? Number : types.getTypeParser(oid, format);
  const config: PoolConfig = {
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: connectWithin,
    statement_timeout: answerWithin,
    lock_timeout: answerWithin,
    query_timeout: silentAfter,
    idle_in_transaction_session_timeout: 10_000,
    // Each statement sees what was committed before it, whatever the server does by default: conditions are judged anew after a wait.
    options: "-c default_transaction_isolation=read\\ committed",
    application_name: "latchkey-session",
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    allowExitOnIdle: true,
    types: { getTypeParser },
  };
  refuseUnreadable(config);
  const pool = new Pool(config);
  // A connection that breaks while nobody uses it is no reason to end the process; one in use says so to whoever uses it.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** What node-postgres can't read it would throw at the first request, with the address in it. */
function refuseUnreadable(config: PoolConfig): void {
  try {
    void new Client(config);
  } catch {
    throw new TypeError('"url" has a part that node-postgres can\'t read');
  }
}
