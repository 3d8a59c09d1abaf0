// Refresh tokens in SQLite: the one place where a generation changes. Families end in revoking.ts.

import { AFTER_THE_ANSWER_MS } from "../bounds.ts";
import { integer, text } from "../columns.ts";
import { REFRESHABLE_COLUMNS, REFRESHABLE_TABLES, refreshableOf, tokenOf, tokenValues } from "../rows.ts";
import type { RefreshToken } from "../records.ts";
import { rememberDevice } from "./known-devices.ts";
import { revokeAll, revokedAhead, revokeRows } from "./revoking.ts";
import type { RefreshTokenStore, SignIn, TokenUse } from "../store.ts";
import type { Tell } from "./outbox.ts";
import type { Turn } from "./turn.ts";
import type { EventInfo } from "../user-event.ts";

/** Rows that the sweep looks at in one step: everybody else waits for it. */
const SWEPT_AT_ONCE = 200;

const FIND_REFRESHABLE = `SELECT ${REFRESHABLE_COLUMNS} FROM ${REFRESHABLE_TABLES} WHERE k.id = ?`;

/** The refresh tokens of this database; `now` is the store's clock. */
export function sqliteRefreshTokens(turn: Turn, now: () => number, tell: Tell): RefreshTokenStore {
  const { write } = turn;
  return {
    signIn: (signIn) =>
      write(() => {
        const recorded = recordSignIn(turn, signIn, now());
        if (recorded !== null) tellOfSignIn(tell, signIn, recorded.newDevice);
        return recorded;
      }),

    advance: (id, from, use) => write(() => advance(turn, id, from, use, now()), id),

    revoke: (target, reason, tenantId, info) =>
      revokeAll(turn, tell, target, { reason, at: now(), tenantId, info }),

    reused: (id, revoke, info) => write(() => noteReuse(turn, tell, id, { revoke, at: now(), info })),

    async sweep(limit) {
      for (let gone = 0; ; ) {
        const swept = await write(() => sweepPortion(turn, now(), limit - gone));
        gone += swept.gone;
        if (gone === limit || !swept.more) return gone;
      }
    },

    ...reads(turn, now),
    ...owedRevocations(turn, now, tell),
  };
}

// `sweep_at` never passes `ends`, which a use may bring forward where the policy was made stricter. It is compared, and set only then: what is indexed
// SQLite writes anew, equal or not.
const [ADVANCE, ADVANCE_AND_SHORTEN] = [
  advancing("", "AND sweep_at <= ?6"),
  advancing(", sweep_at = ?6", "AND sweep_at > ?6"),
];

function advancing(set: string, where: string): string {
  return `UPDATE refresh_tokens SET rotated = CASE WHEN generation = ?3 THEN rotated ELSE ?7 END,
      generation = ?3, key_id = ?4, expires = ?5, ends = ?6, accessed = ?7, accessed_address = ?8 ${set}
    WHERE id = ?1 AND generation = ?2 AND revoked IS NULL ${where}`;
}

function advance({ sql }: Turn, id: string, from: number, use: TokenUse, at: number): boolean {
  const { generation, keyId, expiresInstant, endsInstant, lastAccessedAddress } = use;
  const values = [id, from, generation, keyId, expiresInstant, endsInstant, at, lastAccessedAddress] as const;
  return [ADVANCE, ADVANCE_AND_SHORTEN].some((text) => sql(text).run(...values).changes === 1);
}

// A row that was extended since is looked at again when it ends.
function sweepPortion({ sql }: Turn, at: number, limit: number): { gone: number; more: boolean } {
  const seen = sql("SELECT id, ends FROM refresh_tokens WHERE sweep_at <= ? LIMIT ?").all(at, SWEPT_AT_ONCE);
  const [forget, lookAgain] = [
    sql("DELETE FROM refresh_tokens WHERE id = ?"),
    sql("UPDATE refresh_tokens SET sweep_at = ends WHERE id = ?"),
  ];
  let gone = 0;
  for (const row of seen) {
    const hasEnded = integer(row, "ends") <= at;
    if (hasEnded && gone === limit) break;
    (hasEnded ? forget : lookAgain).run(text(row, "id"));
    if (hasEnded) gone += 1;
  }
  return { gone, more: seen.length === SWEPT_AT_ONCE };
}

function reads(
  { sql, first, read }: Turn,
  now: () => number,
): Pick<RefreshTokenStore, "find" | "findRefreshable" | "list"> {
  return {
    find: (id) =>
      read(() => {
        const row = sql("SELECT * FROM refresh_tokens WHERE id = ?").get(id);
        return row === undefined ? null : { token: tokenOf(row), readAt: now() };
      }),

    findRefreshable: (id) =>
      read(() => {
        const row = first(FIND_REFRESHABLE, id);
        return row === undefined ? null : refreshableOf(row, now());
      }, id),

    list: (userId) =>
      read(() =>
        sql(
          `SELECT * FROM refresh_tokens WHERE user_id = ? AND revoked IS NULL AND expires > ?
           ORDER BY started DESC, id LIMIT 1000`,
        )
          .all(userId, now())
          .map(tokenOf),
      ),
  };
}

function owedRevocations(
  turn: Turn,
  now: () => number,
  tell: Tell,
): Pick<RefreshTokenStore, "oweRevocation" | "revokeOwed"> {
  const { sql, read, write } = turn;
  const pay = async (userId: string): Promise<void> => {
    const revoking = { reason: "login-prevented", at: now() } as const;
    const ahead = await revokedAhead(turn, { userId }, revoking);
    await write(() => {
      const isOwed = sql("DELETE FROM owed_revocations WHERE user_id = ?").run(userId).changes === 1;
      if (isOwed) revokeRows(turn, tell, { userId }, revoking, ahead);
    });
  };
  const revokeOwed = async (): Promise<void> => {
    const owed = await read(() => sql("SELECT user_id FROM owed_revocations").all());
    for (const row of owed) await pay(text(row, "user_id"));
  };

  return {
    revokeOwed,
    async oweRevocation(userId) {
      await write(() =>
        sql("INSERT INTO owed_revocations (user_id) VALUES (?) ON CONFLICT DO NOTHING").run(userId),
      );
      setTimeout(() => void revokeOwed().catch(() => undefined), AFTER_THE_ANSWER_MS).unref();
    },
  };
}

function noteReuse(
  turn: Turn,
  tell: Tell,
  id: string,
  { revoke, at, info }: { revoke: boolean; at: number; info?: EventInfo | undefined },
): number {
  const set = turn.sql("UPDATE refresh_tokens SET reuse_found = ? WHERE id = ? AND reuse_found IS NULL");
  const isFirst = set.run(at, id).changes === 1;
  const count = revoke ? revokeRows(turn, tell, { id }, { reason: "reuse", at, info }) : 0;
  // Last, so that it shows whether the family has ended.
  if (isFirst) tell({ type: "jwt.refresh-token.reuse", refreshTokenId: id, reason: "reuse", info });
  return count;
}

function recordSignIn(turn: Turn, signIn: SignIn, at: number): { newDevice: boolean } | null {
  const { sql } = turn;
  const { userId, credentialVersion, applicationId, registrationId, refreshToken, device = null } = signIn;
  const stillTrue = sql(
    `SELECT 1 FROM users WHERE id = ? AND active = 1 AND credential_version = ? AND (expiry IS NULL OR expiry > ?)
       AND (? IS NULL OR EXISTS (SELECT 1 FROM applications WHERE id = ? AND active = 1))
       AND (? IS NULL OR EXISTS (SELECT 1 FROM registrations WHERE id = ? AND user_id = users.id))`,
  );
  const ids = [applicationId, applicationId, registrationId, registrationId];
  if (stillTrue.get(userId, credentialVersion, at, ...ids) === undefined) return null;
  sql("UPDATE users SET last_login = ? WHERE id = ?").run(at, userId);
  sql("UPDATE registrations SET last_login = ? WHERE id = ?").run(at, registrationId);
  if (refreshToken !== null) insertToken(sql, refreshToken);
  const isNew = device !== null && rememberDevice(turn, userId, device, at);
  return { newDevice: isNew || signIn.saidNew === true };
}

function tellOfSignIn(tell: Tell, signIn: SignIn, newDevice: boolean): void {
  const { userId, info, refreshToken, registrationId } = signIn;
  // FusionAuth names the application only where the user is registered for it.
  const applicationId = registrationId === null ? undefined : (signIn.applicationId ?? undefined);
  const happening = { userId, applicationId, refreshTokenId: refreshToken?.id, info };
  tell({ type: "user.login.success", ...happening });
  if (newDevice) tell({ type: "user.login.new-device", ...happening });
}

function insertToken(sql: Turn["sql"], token: RefreshToken): void {
  sql(`INSERT INTO refresh_tokens (id, tenant_id, application_id, user_id, secret, key_id, generation, started, rotated, expires, ends,
       revoked, revoked_reason, meta_data, accessed_address, accessed, sweep_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
    ...tokenValues(token),
    token.endsInstant,
  );
}
