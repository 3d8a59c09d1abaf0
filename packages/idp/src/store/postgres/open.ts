// The store on Postgres: brings the schema up to date, connects, keeps the clock that all nodes go by, and puts the parts together.

import { StoreUnavailableError } from "../../errors.ts";
import { integer, text } from "../columns.ts";
import type { Store } from "../store.ts";
import { postgresApplications } from "./applications.ts";
import { postgresAttempts } from "./attempts.ts";
import { createDatabaseClock, type DatabaseClock } from "./clock.ts";
import { type Connection, openDatabase, statement } from "./database.ts";
import { postgresApiKeys, postgresSigningKeys } from "./keys.ts";
import { postgresKnownDevices } from "./known-devices.ts";
import { isUpToDate, migrate } from "./migrations.ts";
import { postgresNotes } from "./notes.ts";
import { type OutboxOptions, postgresOutbox } from "./outbox.ts";
import { postgresRefreshTokens } from "./refresh-tokens.ts";
import { postgresRegistrations } from "./registrations.ts";
import { postgresTenants } from "./tenants.ts";
import { postgresUsers } from "./users.ts";
import { postgresWebhooks } from "./webhooks.ts";

const LOOK_EVERY_MS = 60_000;

const LOOK = statement(
  "look",
  `SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS theirs,
     current_setting('transaction_read_only') AS read_only`,
);
const CHECK = statement(
  "check",
  "SELECT current_setting('transaction_read_only') AS read_only, (SELECT 1 FROM notes LIMIT 1)",
);

/** By which clock the store goes: the caller's, or with null the database's, which a node reckons from its own. */
export interface Clocks {
  given: (() => number) | null;
  own: () => number;
}

/**
 * Opens the store at this address. Throws StoreUnavailableError if it can't be used or is read-only, DatabaseTooNewError if later code
 * has made the schema one that this code can't work on, and a TypeError for an address that is none.
 */
export async function openPostgres(
  address: string,
  { given, own }: Clocks,
  told: Pick<OutboxOptions, "uuid" | "mails">,
): Promise<Store> {
  const clock = createDatabaseClock(own);
  const look = (connection: Connection): Promise<void> => lookAt(connection, clock, own);
  const plain = openDatabase(address, { connected: look });
  try {
    if (!(await isUpToDate(plain))) await migrate(address);
  } catch (error) {
    await plain.close();
    throw error;
  }
  const now = given ?? clock.now;
  const { tell, flush, database, ...outbox } = postgresOutbox(plain, { ...told, now });
  const looking = setInterval(() => void look(database).catch(() => undefined), LOOK_EVERY_MS).unref();
  return {
    now,
    tenants: postgresTenants(database, now, tell),
    applications: postgresApplications(database, now, tell),
    users: postgresUsers(database, now, tell),
    registrations: postgresRegistrations(database, now, tell),
    refreshTokens: postgresRefreshTokens(database, now, tell),
    webhooks: postgresWebhooks(database),
    outbox,
    attempts: postgresAttempts(database, now),
    knownDevices: postgresKnownDevices(database, now),
    apiKeys: postgresApiKeys(database),
    signingKeys: postgresSigningKeys(database, now),
    ...postgresNotes(database),
    check: async () => refuseReadOnly(await database.row(CHECK)),
    async close() {
      clearInterval(looking);
      // A store that is down loses nothing but what nobody waits for.
      await flush().catch(() => undefined);
      await database.close();
    },
  };
}

async function lookAt(connection: Connection, clock: DatabaseClock, own: () => number): Promise<void> {
  const asked = own();
  const row = await connection.row(LOOK);
  refuseReadOnly(row);
  clock.looked({ asked, theirs: integer(row ?? {}, "theirs"), answered: own() });
}

// After a fail-over a node must not go on with the server that lost: what was revoked since is unknown there.
function refuseReadOnly(row: Parameters<typeof text>[0] | null): void {
  if (text(row ?? {}, "read_only") === "off") return;
  throw new StoreUnavailableError(new Error("The database is read-only"));
}
