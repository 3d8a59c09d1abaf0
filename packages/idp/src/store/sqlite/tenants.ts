// Tenants in SQLite.

import { bit } from "./columns.ts";
import { text } from "../columns.ts";
import { tenantOf } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { Tell } from "./outbox.ts";
import { revokeRows } from "./revoking.ts";
import type { TenantStore } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The tenants of this database; `now` stamps what is revoked with them. */
export function sqliteTenants(turn: Turn, now: () => number, tell: Tell): TenantStore {
  const { sql, find, read, write } = turn;
  return {
    insert: (tenant) =>
      savedOrDuplicate(
        write(() => {
          sql(`INSERT INTO tenants (id, name, is_default, settings, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?)`).run(
            tenant.id,
            tenant.name,
            bit(tenant.isDefault),
            JSON.stringify(tenant.settings),
            tenant.version,
            tenant.insertInstant,
            tenant.lastUpdateInstant,
          );
        }),
      ),

    find: (id) => find("SELECT * FROM tenants WHERE id = ?", tenantOf, id),

    list: () =>
      read(() => sql("SELECT * FROM tenants ORDER BY is_default DESC, inserted, id").all().map(tenantOf)),

    update: (tenant) =>
      savedOrDuplicate(
        write(
          () =>
            sql(
              "UPDATE tenants SET name = ?, settings = ?, updated = ?, version = version + 1 WHERE id = ? AND version = ?",
            ).run(
              tenant.name,
              JSON.stringify(tenant.settings),
              tenant.lastUpdateInstant,
              tenant.id,
              tenant.version,
            ).changes === 1,
        ),
      ),

    delete: (id) =>
      write(() => {
        for (const row of sql("SELECT id FROM applications WHERE tenant_id = ?").all(id)) {
          revokeRows(
            turn,
            tell,
            { applicationId: text(row, "id") },
            { reason: "application-deleted", at: now() },
          );
        }
        return sql("DELETE FROM tenants WHERE id = ?").run(id).changes === 1;
      }),
  };
}
