// Applications and their roles in Postgres.

import { flag, integer, type Row, text } from "../columns.ts";
import { type Connection, type Database, lengthy, statement } from "./database.ts";
import type { Tell } from "./outbox.ts";
import type { Application, Role } from "../records.ts";
import { queueAt, revokeRows } from "./refresh-tokens.ts";
import { roleOf } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { ApplicationStore } from "../store.ts";

const COLUMNS = "id, tenant_id, name, active, settings, sealed_secret, version, inserted, updated";

// Text, as all other JSON here; the parser of node-postgres would read it already.
const WITH_ROLES = `${COLUMNS},
  (SELECT coalesce(json_agg(json_build_object('id', id, 'name', name, 'description', description,
     'is_default', is_default, 'is_super', is_super) ORDER BY name), '[]')::text
   FROM roles WHERE application_id = applications.id) AS roles`;

const FIND = statement("application-find", `SELECT ${WITH_ROLES} FROM applications WHERE id = $1`);
const LIST = statement(
  "application-list",
  `SELECT ${WITH_ROLES} FROM applications WHERE active = $1 AND ($2::text IS NULL OR tenant_id = $2)
   ORDER BY inserted, id`,
);
const INSERT = statement(
  "application-insert",
  `INSERT INTO applications (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);
const INSERT_ROLE = statement(
  "role-insert",
  `INSERT INTO roles (id, application_id, name, description, is_default, is_super) VALUES ($1, $2, $3, $4, $5, $6)`,
);
const UPDATE = statement(
  "application-update",
  `UPDATE applications SET name = $3, settings = $4, sealed_secret = $5, updated = $6, version = version + 1
   WHERE id = $1 AND version = $2`,
);
const SET_ACTIVE = statement(
  "application-set-active",
  "UPDATE applications SET active = $2, updated = $3, version = version + 1 WHERE id = $1",
);
const QUEUE = statement("application-queue", `SELECT pg_advisory_xact_lock(${queueAt("$1")})`);
const HOLD = statement("application-hold", "SELECT 1 FROM applications WHERE id = $1 FOR UPDATE");
const DELETE = lengthy("application-delete", "DELETE FROM applications WHERE id = $1");

/** The applications of this database; `now` stamps what is revoked with them. */
export function postgresApplications(database: Database, now: () => number, tell: Tell): ApplicationStore {
  return {
    insert: (application) => savedOrDuplicate(insertApplication(database, application)),

    async find(id) {
      const row = await database.row(FIND, id);
      return row === null ? null : applicationOf(row);
    },

    list: async ({ tenantId, active }) => (await database.rows(LIST, active, tenantId)).map(applicationOf),
    update: (application) =>
      savedOrDuplicate(
        database.step(async (connection) => {
          await connection.row(QUEUE, application.id);
          return updateApplication(connection, application);
        }),
      ),

    setActive: (id, active, info) =>
      database.step(async (connection) => {
        await connection.row(QUEUE, id);
        if ((await connection.run(SET_ACTIVE, id, active, now())) === 0) return false;
        const revoking = { reason: "application-deactivated", at: now(), info } as const;
        if (!active) await revokeRows(connection, tell, { applicationId: id }, revoking);
        return true;
      }),

    delete: (id, info) =>
      database.step(async (connection) => {
        await connection.row(QUEUE, id);
        if ((await connection.row(HOLD, id)) === null) return false;
        const revoking = { reason: "application-deleted", at: now(), info } as const;
        await revokeRows(connection, tell, { applicationId: id }, revoking);
        return (await connection.run(DELETE, id)) === 1;
      }),

    insertRole: (applicationId, role) => savedOrDuplicate(insertRole(database, applicationId, role)),
  };
}

async function insertApplication(database: Database, application: Application): Promise<void> {
  await database.step(async (connection) => {
    await connection.run(
      INSERT,
      application.id,
      application.tenantId,
      application.name,
      application.active,
      JSON.stringify(application.settings),
      application.sealedSecret,
      application.version,
      application.insertInstant,
      application.lastUpdateInstant,
    );
    for (const role of application.roles) await insertRole(connection, application.id, role);
  });
}

async function insertRole(connection: Connection, applicationId: string, role: Role): Promise<void> {
  const { id, name, description, isDefault, isSuperRole } = role;
  await connection.run(INSERT_ROLE, id, applicationId, name, description, isDefault, isSuperRole);
}

async function updateApplication(connection: Connection, application: Application): Promise<boolean> {
  const changed = await connection.run(
    UPDATE,
    application.id,
    application.version,
    application.name,
    JSON.stringify(application.settings),
    application.sealedSecret,
    application.lastUpdateInstant,
  );
  return changed === 1;
}

function applicationOf(row: Row): Application {
  const roles: Row[] = JSON.parse(text(row, "roles"));
  return {
    id: text(row, "id"),
    tenantId: text(row, "tenant_id"),
    name: text(row, "name"),
    active: flag(row, "active"),
    settings: JSON.parse(text(row, "settings")),
    sealedSecret: text(row, "sealed_secret"),
    roles: roles.map(roleOf),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}
