// Registrations in SQLite.

import { bit } from "./columns.ts";
import { registrationOf, registrationProfile } from "../rows.ts";
import type { Registration } from "../records.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { Tell } from "./outbox.ts";
import { revokedAhead, revokeRows } from "./revoking.ts";
import type { RegistrationStore } from "../store.ts";
import type { Turn } from "./turn.ts";

/** The registrations of this database; `now` stamps what is revoked with them. */
export function sqliteRegistrations(turn: Turn, now: () => number, tell: Tell): RegistrationStore {
  const { sql, find, read, write } = turn;
  return {
    insert: (registration) => savedOrDuplicate(write(() => insertRegistration(turn, registration))),

    find: (userId, applicationId) =>
      find(
        "SELECT * FROM registrations WHERE user_id = ? AND application_id = ?",
        registrationOf,
        userId,
        applicationId,
      ),

    list: (userId) =>
      read(() =>
        sql("SELECT * FROM registrations WHERE user_id = ? ORDER BY inserted, id")
          .all(userId)
          .map(registrationOf),
      ),

    update: (registration) => savedOrDuplicate(write(() => updateRegistration(turn, registration))),

    async delete(userId, applicationId, info) {
      const revoking = { reason: "registration-deleted", at: now(), info } as const;
      const ahead = await revokedAhead(turn, { userId, applicationId }, revoking);
      return write(() => {
        revokeRows(turn, tell, { userId, applicationId }, revoking, ahead);
        const gone = sql("DELETE FROM registrations WHERE user_id = ? AND application_id = ?");
        return gone.run(userId, applicationId).changes === 1;
      });
    },
  };
}

/** Inserts inside the caller's step. */
export function insertRegistration({ sql }: Turn, registration: Registration): void {
  sql(`INSERT INTO registrations (id, user_id, application_id, roles, profile, verified, last_login, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    registration.id,
    registration.userId,
    registration.applicationId,
    JSON.stringify(registration.roles),
    registrationProfile(registration),
    bit(registration.verified),
    registration.lastLoginInstant,
    registration.version,
    registration.insertInstant,
    registration.lastUpdateInstant,
  );
}

function updateRegistration({ sql }: Turn, registration: Registration): boolean {
  const { changes } = sql(
    "UPDATE registrations SET roles = ?, profile = ?, updated = ?, version = version + 1 WHERE id = ? AND version = ?",
  ).run(
    JSON.stringify(registration.roles),
    registrationProfile(registration),
    registration.lastUpdateInstant,
    registration.id,
    registration.version,
  );
  return changes === 1;
}
