// Tenants in Postgres.

import { text } from "../columns.ts";
import { type Connection, type Database, lengthy, statement } from "./database.ts";
import type { Tell } from "./outbox.ts";
import type { Tenant } from "../records.ts";
import { revokeRows } from "./refresh-tokens.ts";
import { tenantOf } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { TenantStore } from "../store.ts";

const COLUMNS = "id, name, is_default, settings, version, inserted, updated";

const INSERT = statement(
  "tenant-insert",
  `INSERT INTO tenants (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
);
const FIND = statement("tenant-find", `SELECT ${COLUMNS} FROM tenants WHERE id = $1`);
const LIST = statement(
  "tenant-list",
  `SELECT ${COLUMNS} FROM tenants ORDER BY is_default DESC, inserted, id`,
);
const UPDATE = statement(
  "tenant-update",
  "UPDATE tenants SET name = $3, settings = $4, updated = $5, version = version + 1 WHERE id = $1 AND version = $2",
);
const HOLD = statement("tenant-hold", "SELECT 1 FROM tenants WHERE id = $1 FOR UPDATE");
const HOLD_APPLICATIONS = statement(
  "tenant-hold-applications",
  "SELECT id FROM applications WHERE tenant_id = $1 ORDER BY id FOR UPDATE",
);
const DELETE = lengthy("tenant-delete", "DELETE FROM tenants WHERE id = $1");

/** The tenants of this database; `now` stamps what is revoked with them. */
export function postgresTenants(database: Database, now: () => number, tell: Tell): TenantStore {
  return {
    insert: (tenant) => savedOrDuplicate(insertTenant(database, tenant)),

    async find(id) {
      const row = await database.row(FIND, id);
      return row === null ? null : tenantOf(row);
    },

    list: async () => (await database.rows(LIST)).map(tenantOf),
    update: (tenant) => savedOrDuplicate(updateTenant(database, tenant)),

    delete: (id) =>
      database.step(async (connection) => {
        if ((await connection.row(HOLD, id)) === null) return false;
        const revoking = { reason: "application-deleted", at: now() } as const;
        for (const row of await connection.rows(HOLD_APPLICATIONS, id))
          await revokeRows(connection, tell, { applicationId: text(row, "id") }, revoking);
        return (await connection.run(DELETE, id)) === 1;
      }),
  };
}

async function insertTenant(connection: Connection, tenant: Tenant): Promise<void> {
  await connection.run(
    INSERT,
    tenant.id,
    tenant.name,
    tenant.isDefault,
    JSON.stringify(tenant.settings),
    tenant.version,
    tenant.insertInstant,
    tenant.lastUpdateInstant,
  );
}

async function updateTenant(connection: Connection, tenant: Tenant): Promise<boolean> {
  const { id, version, name, settings, lastUpdateInstant } = tenant;
  const changed = await connection.run(
    UPDATE,
    id,
    version,
    name,
    JSON.stringify(settings),
    lastUpdateInstant,
  );
  return changed === 1;
}
