// Applications and their roles in SQLite.

import { bit } from "./columns.ts";
import { integer, type Row, text } from "../columns.ts";
import { roleOf } from "../rows.ts";
import type { Application, Role } from "../records.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { Tell } from "./outbox.ts";
import { NOTHING_AHEAD, revokedAhead, revokeRows } from "./revoking.ts";
import type { ApplicationStore } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The applications of this database; `now` stamps what is revoked with them. */
export function sqliteApplications(turn: Turn, now: () => number, tell: Tell): ApplicationStore {
  const { sql, find, read, write } = turn;
  return {
    insert: (application) =>
      savedOrDuplicate(
        write(() => {
          insertApplication(turn, application);
          for (const role of application.roles) insertRole(turn, application.id, role);
        }),
      ),

    find: (id) => find("SELECT * FROM applications WHERE id = ?", (row) => applicationOf(turn, row), id),

    list: ({ tenantId, active }) =>
      read(() =>
        sql(
          "SELECT * FROM applications WHERE active = ? AND tenant_id = coalesce(?, tenant_id) ORDER BY inserted, id",
        )
          .all(bit(active), tenantId)
          .map((row) => applicationOf(turn, row)),
      ),

    update: (application) => savedOrDuplicate(write(() => updateApplication(turn, application))),

    async setActive(id, active, info) {
      const revoking = { reason: "application-deactivated", at: now(), info } as const;
      const ahead = active ? NOTHING_AHEAD : await revokedAhead(turn, { applicationId: id }, revoking);
      return write(() => {
        if (!active) revokeRows(turn, tell, { applicationId: id }, revoking, ahead);
        return (
          sql("UPDATE applications SET active = ?, updated = ?, version = version + 1 WHERE id = ?").run(
            bit(active),
            now(),
            id,
          ).changes === 1
        );
      });
    },

    async delete(id, info) {
      const revoking = { reason: "application-deleted", at: now(), info } as const;
      const ahead = await revokedAhead(turn, { applicationId: id }, revoking);
      return write(() => {
        revokeRows(turn, tell, { applicationId: id }, revoking, ahead);
        return sql("DELETE FROM applications WHERE id = ?").run(id).changes === 1;
      });
    },

    insertRole: (applicationId, role) => savedOrDuplicate(write(() => insertRole(turn, applicationId, role))),
  };
}

function insertApplication({ sql }: Turn, application: Application): void {
  sql(`INSERT INTO applications (id, tenant_id, name, active, settings, sealed_secret, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    application.id,
    application.tenantId,
    application.name,
    bit(application.active),
    JSON.stringify(application.settings),
    application.sealedSecret,
    application.version,
    application.insertInstant,
    application.lastUpdateInstant,
  );
}

function insertRole({ sql }: Turn, applicationId: string, role: Role): void {
  sql(`INSERT INTO roles (id, application_id, name, description, is_default, is_super)
     VALUES (?, ?, ?, ?, ?, ?)`).run(
    role.id,
    applicationId,
    role.name,
    role.description ?? null,
    bit(role.isDefault),
    bit(role.isSuperRole),
  );
}

function updateApplication({ sql }: Turn, application: Application): boolean {
  const { changes } = sql(
    "UPDATE applications SET name = ?, settings = ?, sealed_secret = ?, updated = ?, version = version + 1 WHERE id = ? AND version = ?",
  ).run(
    application.name,
    JSON.stringify(application.settings),
    application.sealedSecret,
    application.lastUpdateInstant,
    application.id,
    application.version,
  );
  return changes === 1;
}

function applicationOf({ sql }: Turn, row: Row): Application {
  return {
    id: text(row, "id"),
    tenantId: text(row, "tenant_id"),
    name: text(row, "name"),
    active: integer(row, "active") === 1,
    settings: JSON.parse(text(row, "settings")),
    sealedSecret: text(row, "sealed_secret"),
    roles: sql("SELECT * FROM roles WHERE application_id = ? ORDER BY name").all(text(row, "id")).map(roleOf),
    version: integer(row, "version"),
    insertInstant: integer(row, "inserted"),
    lastUpdateInstant: integer(row, "updated"),
  };
}
