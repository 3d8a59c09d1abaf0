// Registrations in Postgres.

import { type Connection, type Database, statement } from "./database.ts";
import type { Tell } from "./outbox.ts";
import type { Registration } from "../records.ts";
import { revokeRows } from "./refresh-tokens.ts";
import { registrationOf, registrationProfile } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { RegistrationStore } from "../store.ts";

const COLUMNS = `id, user_id, application_id, roles, profile, verified, last_login, version, inserted, updated`;

const INSERT = statement(
  "registration-insert",
  `INSERT INTO registrations (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
);
const FIND = statement(
  "registration-find",
  `SELECT ${COLUMNS} FROM registrations WHERE user_id = $1 AND application_id = $2`,
);
const LIST = statement(
  "registration-list",
  `SELECT ${COLUMNS} FROM registrations WHERE user_id = $1 ORDER BY inserted, id`,
);
const UPDATE = statement(
  "registration-update",
  `UPDATE registrations SET roles = $3, profile = $4, updated = $5, version = version + 1
   WHERE id = $1 AND version = $2`,
);
// The user's row is held by whoever signs him in; the registration need not exist for tokens of it to do.
const HOLD_USER = statement("registration-hold-user", "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE");
const DELETE = statement(
  "registration-delete",
  "DELETE FROM registrations WHERE user_id = $1 AND application_id = $2",
);

/** The registrations of this database; `now` stamps what is revoked with them. */
export function postgresRegistrations(database: Database, now: () => number, tell: Tell): RegistrationStore {
  return {
    insert: (registration) => savedOrDuplicate(insertRegistration(database, registration)),

    async find(userId, applicationId) {
      const row = await database.row(FIND, userId, applicationId);
      return row === null ? null : registrationOf(row);
    },

    list: async (userId) => (await database.rows(LIST, userId)).map(registrationOf),
    update: (registration) => savedOrDuplicate(updateRegistration(database, registration)),

    delete: (userId, applicationId, info) =>
      database.step(async (connection) => {
        if ((await connection.row(HOLD_USER, userId)) === null) return false;
        const revoking = { reason: "registration-deleted", at: now(), info } as const;
        await revokeRows(connection, tell, { userId, applicationId }, revoking);
        return (await connection.run(DELETE, userId, applicationId)) === 1;
      }),
  };
}

/** Inserts, also inside a step; throws node-postgres' error if it does not fit. */
export async function insertRegistration(connection: Connection, registration: Registration): Promise<void> {
  await connection.run(
    INSERT,
    registration.id,
    registration.userId,
    registration.applicationId,
    JSON.stringify(registration.roles),
    registrationProfile(registration),
    registration.verified,
    registration.lastLoginInstant,
    registration.version,
    registration.insertInstant,
    registration.lastUpdateInstant,
  );
}

async function updateRegistration(connection: Connection, registration: Registration): Promise<boolean> {
  const changed = await connection.run(
    UPDATE,
    registration.id,
    registration.version,
    JSON.stringify(registration.roles),
    registrationProfile(registration),
    registration.lastUpdateInstant,
  );
  return changed === 1;
}
