// From the address of a Postgres to the settings of its connections. What node-postgres reads from the address itself – host, TLS,
// names – it goes on reading; here stand the limits that it has none of by default. Connects to nothing.

import type { PoolConfig } from "pg";

/** Limits of the connections; the address can say each, too, and then counts. Milliseconds. */
export interface DatabaseOptions {
  /** Connections of this process at most, default 10. In the address: `pool_size`. */
  connections?: number;
  /** For a connection to be made or to become free, default 2,000. In the address: `connect_timeout`, in seconds as in libpq. */
  connectionTimeout?: number;
  /** For one statement, default 5,000. In the address: `statement_timeout`. */
  statementTimeout?: number;
  /** For one lock, default 2,000. In the address: `lock_timeout`. */
  lockTimeout?: number;
  /** Until a transaction is ended in which nothing is asked, default 10,000. In the address: `idle_in_transaction_session_timeout`. */
  idleInTransactionTimeout?: number;
  /** What pg_stat_activity shows, default "latchkey-idp". In the address: `application_name`. */
  applicationName?: string;
}

/** By then the server has said itself that a statement took too long; from one that has not, nothing will come. */
export const SILENCE_AFTER_MS = 2_000;

const LIMITS = [
  "pool_size",
  "connect_timeout",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
] as const;

/** True for the address of a Postgres; anything else is the path of a SQLite file. */
export function isPostgresAddress(database: string): boolean {
  return /^postgres(?:ql)?:/i.test(database);
}

/**
 * The settings for node-postgres. Throws a TypeError that names the option `database` and never holds the address, in which there is
 * a password.
 */
export function settingsOf(address: string, options: DatabaseOptions = {}): PoolConfig {
  const said = parametersOf(address);
  const statementTimeout = said("statement_timeout") ?? options.statementTimeout ?? 5_000;
  const connectSeconds = said("connect_timeout");
  return {
    connectionString: address,
    max: said("pool_size") ?? options.connections ?? 10,
    connectionTimeoutMillis:
      connectSeconds === null ? (options.connectionTimeout ?? 2_000) : connectSeconds * 1_000,
    statement_timeout: statementTimeout,
    query_timeout: statementTimeout + SILENCE_AFTER_MS,
    lock_timeout: said("lock_timeout") ?? options.lockTimeout ?? 2_000,
    idle_in_transaction_session_timeout:
      said("idle_in_transaction_session_timeout") ?? options.idleInTransactionTimeout ?? 10_000,
    application_name: options.applicationName ?? "latchkey-idp",
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** The same address without the limits it says; those of a migration are others. */
export function withoutLimits(address: string): string {
  const url = new URL(address);
  for (const name of LIMITS) url.searchParams.delete(name);
  return url.href;
}

// Zero, which Postgres takes for "no limit", is refused: a request that waits for ever holds a connection for ever.
function parametersOf(address: string): (name: (typeof LIMITS)[number]) => number | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !isPostgresAddress(address)) {
    throw new TypeError('"database" must be like postgres://user:password@host:5432/name');
  }
  // A password with # ends the address for every parser, and what comes after it would be a host or nothing.
  if (url.hash !== "") throw new TypeError('"database" must have # in it written as %23');
  return (name) => {
    const value = url.searchParams.get(name);
    if (value === null) return null;
    if (!/^[1-9]\d{0,8}$/.test(value)) {
      throw new TypeError(`"database" must have a whole number above 0 as its parameter ${name}`);
    }
    return Number(value);
  };
}
