// Users in SQLite. What a change of a user does to his refresh tokens happens in the same step as the change.

import { foldCase } from "../../login-id.ts";
import { bit } from "./columns.ts";
import { integer, text } from "../columns.ts";
import { loginIdsOf, userOf } from "../rows.ts";
import type { LoginIds, PasswordHash, User } from "../records.ts";
import { savedOrDuplicate } from "./saved.ts";
import { forgetDevices, rememberDevice } from "./known-devices.ts";
import type { Tell } from "./outbox.ts";
import { NOTHING_AHEAD, type RevokedAhead, revokedAhead, revokeRows, type Revoking } from "./revoking.ts";
import { insertRegistration } from "./registrations.ts";
import type { PasswordChange, Saved, UserStore } from "../store.ts";
import type { Turn } from "./turn.ts";
import type { EventInfo } from "../user-event.ts";

/** The users of this database; `now` stamps what is revoked with them. */
export function sqliteUsers(turn: Turn, now: () => number, tell: Tell): UserStore {
  const { sql, find, read, write } = turn;
  return {
    insert: (user, registration) =>
      savedOrDuplicate(
        write(() => {
          insertUser(turn, user);
          if (registration !== undefined) insertRegistration(turn, registration);
        }),
      ),

    insertAll: (entries) => insertAll(turn, entries),
    find: (id) => find("SELECT * FROM users WHERE id = ?", userOf, id),
    findByEmail: (tenantId, email) =>
      find("SELECT * FROM users WHERE tenant_id = ? AND email = ?", userOf, tenantId, foldCase(email)),
    findByUsername: (tenantId, username) =>
      find(
        "SELECT * FROM users WHERE tenant_id = ? AND username_key = ?",
        userOf,
        tenantId,
        foldCase(username),
      ),

    async update(user, change, info) {
      const revoking = { reason: "password-changed", at: now(), info } as const;
      const ahead = await aheadOfChange(turn, user, change, revoking);
      return savedOrDuplicate(
        write(() => {
          const before = sql("SELECT email, username FROM users WHERE id = ?").get(user.id);
          if (before === undefined || !updateUser(turn, user)) return false;
          tellOfLoginIds(tell, user, loginIdsOf(before), info);
          if (change === undefined) return true;
          changePassword(turn, tell, user.id, change, revoking);
          if (change.revoke) revokeRows(turn, tell, { userId: user.id }, revoking, ahead);
          return true;
        }),
      );
    },

    importedFactors: (tenantId) => read(() => importedFactors(turn, tenantId)),

    rehash: (id, credentialVersion, { scheme, hash, salt, factor }) =>
      write(() => {
        sql(
          "UPDATE users SET password_scheme = ?, password_hash = ?, password_salt = ?, password_factor = ? WHERE id = ? AND credential_version = ?",
        ).run(scheme, hash, salt, factor, id, credentialVersion);
      }),

    ...ends(turn, now, tell),
  };
}

function ends(turn: Turn, now: () => number, tell: Tell): Pick<UserStore, "setActive" | "delete"> {
  const { sql, write } = turn;
  return {
    async setActive(id, active, revoke, info) {
      const revokes = !active && revoke;
      const revoking = { reason: "login-prevented", at: now(), info } as const;
      const ahead = revokes ? await revokedAhead(turn, { userId: id }, revoking) : NOTHING_AHEAD;
      return write(() => {
        const set = sql("UPDATE users SET active = ?, updated = ?, version = version + 1 WHERE id = ?");
        if (set.run(bit(active), now(), id).changes === 0) return false;
        tell({ type: active ? "user.reactivate" : "user.deactivate", userId: id, info });
        if (revokes) revokeRows(turn, tell, { userId: id }, revoking, ahead);
        return true;
      });
    },

    async delete(id, info) {
      const revoking = { reason: "user-deleted", at: now(), info } as const;
      const ahead = await revokedAhead(turn, { userId: id }, revoking);
      return write(() => {
        // Told first: afterwards nobody knows who it was. For a user who does not exist nothing is.
        tell({ type: "user.delete", userId: id, info });
        revokeRows(turn, tell, { userId: id }, revoking, ahead);
        return sql("DELETE FROM users WHERE id = ?").run(id).changes === 1;
      });
    },
  };
}

// The partial index of migrations.ts makes each step one look-up, however many users there are.
function importedFactors({ sql }: Turn, tenantId: string): Map<string, number> {
  const next = sql(
    `SELECT password_scheme, password_factor FROM users
     WHERE tenant_id = ? AND password_scheme > ? AND password_scheme <> 'argon2id'
     ORDER BY password_scheme, password_factor DESC LIMIT 1`,
  );
  const factors = new Map<string, number>();
  for (let row = next.get(tenantId, ""); row !== undefined; ) {
    const scheme = text(row, "password_scheme");
    factors.set(scheme, integer(row, "password_factor"));
    row = next.get(tenantId, scheme);
  }
  return factors;
}

async function insertAll(
  turn: Turn,
  entries: Parameters<UserStore["insertAll"]>[0],
): Promise<{ saved: Saved; index: number }> {
  let index = 0;
  const saved = await savedOrDuplicate(
    turn.write(() => {
      for (const { user, registrations } of entries) {
        insertUser(turn, user);
        for (const registration of registrations) insertRegistration(turn, registration);
        index += 1;
      }
    }),
  );
  return { saved, index };
}

function insertUser({ sql }: Turn, user: User): void {
  const { password } = user;
  sql(`INSERT INTO users (id, tenant_id, email, username, username_key, active, verified, expiry, profile,
       password_scheme, password_hash, password_salt, password_factor,
       credential_version, password_updated, last_login, version, inserted, updated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    user.id,
    user.tenantId,
    user.email,
    user.username,
    user.username === null ? null : foldCase(user.username),
    bit(user.active),
    bit(user.verified),
    user.expiry,
    JSON.stringify(user.profile),
    password?.scheme ?? null,
    password?.hash ?? null,
    password?.salt ?? null,
    password?.factor ?? null,
    user.credentialVersion,
    user.passwordLastUpdateInstant,
    user.lastLoginInstant,
    user.version,
    user.insertInstant,
    user.lastUpdateInstant,
  );
}

function updateUser({ sql }: Turn, user: User): boolean {
  const { changes } = sql(
    `UPDATE users SET email = ?, username = ?, username_key = ?, verified = ?, expiry = ?, profile = ?, updated = ?,
       version = version + 1 WHERE id = ? AND version = ?`,
  ).run(
    user.email,
    user.username,
    user.username === null ? null : foldCase(user.username),
    bit(user.verified),
    user.expiry,
    JSON.stringify(user.profile),
    user.lastUpdateInstant,
    user.id,
    user.version,
  );
  return changes === 1;
}

// Another spelling of the same username signs in as before.
function tellOfLoginIds(tell: Tell, user: User, previous: LoginIds, info: EventInfo | undefined): void {
  const happening = { userId: user.id, previous, info };
  if (user.email !== previous.email) tell({ type: "user.email.update", ...happening });
  if (foldCase(user.username ?? "") !== foldCase(previous.username ?? ""))
    tell({ type: "user.identity.update", ...happening });
}

// A change that somebody else was faster than would sign the user out for nothing.
async function aheadOfChange(
  turn: Turn,
  { id, version }: User,
  change: PasswordChange | undefined,
  revoking: Revoking,
): Promise<RevokedAhead> {
  if (change?.revoke !== true) return NOTHING_AHEAD;
  const current = await turn.find(
    "SELECT 1 FROM users WHERE id = ? AND version = ?",
    () => true,
    id,
    version,
  );
  return current === null ? NOTHING_AHEAD : revokedAhead(turn, { userId: id }, revoking);
}

function changePassword(
  turn: Turn,
  tell: Tell,
  userId: string,
  { password, device = null }: PasswordChange,
  { at, info }: Pick<Revoking, "at" | "info">,
): void {
  replacePassword(turn, userId, password, at);
  if (device !== null) rememberDevice(turn, userId, device, at);
  tell({ type: "user.password.update", userId, info });
}

function replacePassword(turn: Turn, id: string, password: PasswordHash, at: number): void {
  forgetDevices(turn, id);
  turn
    .sql(
      `UPDATE users SET password_scheme = ?, password_hash = ?, password_salt = ?, password_factor = ?,
       password_updated = ?, credential_version = credential_version + 1 WHERE id = ?`,
    )
    .run(password.scheme, password.hash, password.salt, password.factor, at, id);
}
