// Users in Postgres. What a change of a user does to his refresh tokens happens in the same step as the change, which holds his row: a
// sign-in that is under way holds it, too, so that one of the two sees what the other did (CWE-367).

import { foldCase } from "../../login-id.ts";
import { integer, text } from "../columns.ts";
import { type Connection, type Database, statement } from "./database.ts";
import { forgetDevices, rememberDevice } from "./known-devices.ts";
import type { Tell } from "./outbox.ts";
import type { LoginIds, User } from "../records.ts";
import { revokeRows } from "./refresh-tokens.ts";
import { insertRegistration } from "./registrations.ts";
import { loginIdsOf, userOf } from "../rows.ts";
import { savedOrDuplicate } from "./saved.ts";
import type { PasswordChange, Saved, UserStore } from "../store.ts";
import type { EventInfo } from "../user-event.ts";

const COLUMNS = `id, tenant_id, email, username, active, verified, expiry, profile,
  password_scheme, password_hash, password_salt, password_factor,
  credential_version, password_updated, last_login, version, inserted, updated`;

const FIND = statement("user-find", `SELECT ${COLUMNS} FROM users WHERE id = $1`);
const FIND_BY_EMAIL = statement(
  "user-find-by-email",
  `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND email = $2`,
);
const FIND_BY_USERNAME = statement(
  "user-find-by-username",
  `SELECT ${COLUMNS} FROM users WHERE tenant_id = $1 AND username_key = $2`,
);

const INSERT = statement(
  "user-insert",
  `INSERT INTO users (${COLUMNS}, username_key)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
);

const LOGIN_IDS = statement(
  "user-login-ids",
  "SELECT email, username FROM users WHERE id = $1 FOR NO KEY UPDATE",
);
const UPDATE = statement(
  "user-update",
  `UPDATE users SET email = $3, username = $4, username_key = $5, verified = $6, expiry = $7, profile = $8, updated = $9,
     version = version + 1 WHERE id = $1 AND version = $2`,
);
const SET_PASSWORD = statement(
  "user-set-password",
  `UPDATE users SET password_scheme = $2, password_hash = $3, password_salt = $4, password_factor = $5,
     password_updated = $6, credential_version = credential_version + 1 WHERE id = $1`,
);
const REHASH = statement(
  "user-rehash",
  `UPDATE users SET password_scheme = $3, password_hash = $4, password_salt = $5, password_factor = $6
   WHERE id = $1 AND credential_version = $2`,
);
const SET_ACTIVE = statement(
  "user-set-active",
  "UPDATE users SET active = $2, updated = $3, version = version + 1 WHERE id = $1",
);
const HOLD = statement("user-hold", "SELECT 1 FROM users WHERE id = $1 FOR UPDATE");
const DELETE = statement("user-delete", "DELETE FROM users WHERE id = $1");

// Each step is one look-up in the index imported_passwords, however many users there are.
const IMPORTED_FACTORS = statement(
  "user-imported-factors",
  `WITH RECURSIVE found AS (
     (SELECT password_scheme, password_factor FROM users
      WHERE tenant_id = $1 AND password_scheme <> 'argon2id'
      ORDER BY password_scheme, password_factor DESC NULLS LAST LIMIT 1)
     UNION ALL
     SELECT next.password_scheme, next.password_factor FROM found CROSS JOIN LATERAL (
       SELECT password_scheme, password_factor FROM users
       WHERE tenant_id = $1 AND password_scheme <> 'argon2id' AND password_scheme > found.password_scheme
       ORDER BY password_scheme, password_factor DESC NULLS LAST LIMIT 1
     ) AS next
   ) SELECT password_scheme, password_factor FROM found`,
);

/** The users of this database; `now` stamps what is revoked with them. */
export function postgresUsers(database: Database, now: () => number, tell: Tell): UserStore {
  return {
    insert: (user, registration) => savedOrDuplicate(insert(database, user, registration)),
    insertAll: (entries) => insertAll(database, entries),
    find: (id) => findUser(database, id),
    findByEmail: async (tenantId, email) => {
      const row = await database.row(FIND_BY_EMAIL, tenantId, foldCase(email));
      return row === null ? null : userOf(row);
    },
    findByUsername: async (tenantId, username) => {
      const row = await database.row(FIND_BY_USERNAME, tenantId, foldCase(username));
      return row === null ? null : userOf(row);
    },

    update: (user, change, info) =>
      savedOrDuplicate(
        database.step(async (connection) => {
          const before = await connection.row(LOGIN_IDS, user.id);
          if (before === null || !(await updateUser(connection, user))) return false;
          await tellOfLoginIds(connection, tell, user, loginIdsOf(before), info);
          if (change !== undefined)
            await changePassword(connection, tell, user.id, change, { at: now(), info });
          return true;
        }),
      ),

    async importedFactors(tenantId) {
      const rows = await database.rows(IMPORTED_FACTORS, tenantId);
      return new Map(rows.map((row) => [text(row, "password_scheme"), integer(row, "password_factor")]));
    },

    async rehash(id, credentialVersion, { scheme, hash, salt, factor }) {
      await database.run(REHASH, id, credentialVersion, scheme, hash, salt, factor);
    },

    setActive: (id, active, revoke, info) =>
      database.step(async (connection) => {
        if ((await connection.run(SET_ACTIVE, id, active, now())) === 0) return false;
        await tell(connection, { type: active ? "user.reactivate" : "user.deactivate", userId: id, info });
        if (!active && revoke) {
          const revoking = { reason: "login-prevented", at: now(), info } as const;
          await revokeRows(connection, tell, { userId: id }, revoking);
        }
        return true;
      }),

    delete: (id, info) =>
      database.step(async (connection) => {
        if ((await connection.row(HOLD, id)) === null) return false;
        // Told first: afterwards nobody knows who it was.
        await tell(connection, { type: "user.delete", userId: id, info });
        const revoking = { reason: "user-deleted", at: now(), info } as const;
        await revokeRows(connection, tell, { userId: id }, revoking);
        return (await connection.run(DELETE, id)) === 1;
      }),
  };
}

/** The user, also inside a step; null if there is none. */
export async function findUser(connection: Connection, id: string): Promise<User | null> {
  const row = await connection.row(FIND, id);
  return row === null ? null : userOf(row);
}

async function insert(
  database: Database,
  user: User,
  registration: Parameters<UserStore["insert"]>[1],
): Promise<void> {
  if (registration === undefined) return insertUser(database, user);
  await database.step(async (connection) => {
    await insertUser(connection, user);
    await insertRegistration(connection, registration);
  });
}

async function insertAll(
  database: Database,
  entries: Parameters<UserStore["insertAll"]>[0],
): Promise<{ saved: Saved; index: number }> {
  let index = 0;
  const saved = await savedOrDuplicate(
    database.step(async (connection) => {
      index = 0;
      for (const { user, registrations } of entries) {
        await insertUser(connection, user);
        for (const registration of registrations) await insertRegistration(connection, registration);
        index += 1;
      }
    }),
  );
  return { saved, index };
}

async function insertUser(connection: Connection, user: User): Promise<void> {
  await connection.run(
    INSERT,
    user.id,
    user.tenantId,
    user.email,
    user.username,
    user.active,
    user.verified,
    user.expiry,
    JSON.stringify(user.profile),
    user.password?.scheme,
    user.password?.hash,
    user.password?.salt,
    user.password?.factor,
    user.credentialVersion,
    user.passwordLastUpdateInstant,
    user.lastLoginInstant,
    user.version,
    user.insertInstant,
    user.lastUpdateInstant,
    usernameKey(user),
  );
}

async function updateUser(connection: Connection, user: User): Promise<boolean> {
  const changed = await connection.run(
    UPDATE,
    user.id,
    user.version,
    user.email,
    user.username,
    usernameKey(user),
    user.verified,
    user.expiry,
    JSON.stringify(user.profile),
    user.lastUpdateInstant,
  );
  return changed === 1;
}

function usernameKey({ username }: User): string | null {
  return username === null ? null : foldCase(username);
}

// Another spelling of the same username signs in as before.
async function tellOfLoginIds(
  connection: Connection,
  tell: Tell,
  user: User,
  previous: LoginIds,
  info: EventInfo | undefined,
): Promise<void> {
  const happening = { userId: user.id, previous, info };
  if (user.email !== previous.email) await tell(connection, { type: "user.email.update", ...happening });
  if (foldCase(user.username ?? "") !== foldCase(previous.username ?? ""))
    await tell(connection, { type: "user.identity.update", ...happening });
}

async function changePassword(
  connection: Connection,
  tell: Tell,
  userId: string,
  { password, revoke, device = null }: PasswordChange,
  { at, info }: { at: number; info: EventInfo | undefined },
): Promise<void> {
  const { scheme, hash, salt, factor } = password;
  await connection.run(SET_PASSWORD, userId, scheme, hash, salt, factor, at);
  await forgetDevices(connection, userId);
  if (device !== null) await rememberDevice(connection, userId, device, at);
  await tell(connection, { type: "user.password.update", userId, info });
  if (revoke) await revokeRows(connection, tell, { userId }, { reason: "password-changed", at, info });
}
