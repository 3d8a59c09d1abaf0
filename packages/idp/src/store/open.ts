// Which store: a SQLite file on this machine, or Postgres. Loads only the one that is asked for.

import { systemClock } from "../config.ts";
import { isPostgresAddress } from "./postgres/address.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store that `database` names: the address of a Postgres, the path of a SQLite file, or ":memory:". It is created if it is
 * absent. It goes by the caller's clock; with null by this machine's on SQLite, and by the database's on Postgres, so that all nodes have
 * one. Throws StoreUnavailableError if it can't be used, DatabaseTooNewError if later code wrote it.
 */
export async function openStore(
  database: string,
  now: (() => number) | null,
  told: { uuid: () => string; mails: boolean },
): Promise<Store> {
  if (isPostgresAddress(database)) {
    const { openPostgres } = await import("./postgres/open.ts");
    return openPostgres(database, { given: now, own: systemClock }, told);
  }
  const { openSqlite } = await import("./sqlite/open.ts");
  return openSqlite(database, now ?? systemClock, told);
}

/**
 * Brings the schema up to date, as opening does, and answers the versions before (0: it was empty) and after. Nodes of the release before
 * may go on serving. Throws StoreUnavailableError if it can't be used, DatabaseTooNewError if later code wrote it.
 */
export async function migrateStore(database: string): Promise<{ from: number; to: number }> {
  if (isPostgresAddress(database)) {
    const { migrate } = await import("./postgres/migrations.ts");
    return migrate(database);
  }
  const { migrateSqlite } = await import("./sqlite/open.ts");
  return migrateSqlite(database);
}
