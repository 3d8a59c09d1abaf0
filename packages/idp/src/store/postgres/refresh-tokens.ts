// Refresh tokens in Postgres: the one place where a generation changes and where a family is revoked. A sign-in holds what it rests on
// – application, user, registration – until it has committed, so that whoever takes one of them away either waits and then sees the
// token, or is seen by the sign-in, which then stores none (CWE-367).

import type { RevocationReason } from "../../events.ts";
import { AFTER_THE_ANSWER_MS } from "../bounds.ts";
import { integer, text } from "../columns.ts";
import { type Connection, type Database, lengthy, type Statement, statement } from "./database.ts";
import { rememberDevice } from "./known-devices.ts";
import type { Tell } from "./outbox.ts";
import type { RefreshToken } from "../records.ts";
import { REFRESHABLE_COLUMNS, REFRESHABLE_TABLES, refreshableOf, tokenOf, tokenValues } from "../rows.ts";
import type { RefreshTokenStore, RevocationTarget, SignIn } from "../store.ts";
import type { EventInfo } from "../user-event.ts";

const COLUMNS = `id, tenant_id, application_id, user_id, secret, key_id, generation, started, rotated, expires, ends,
  revoked, revoked_reason, meta_data, accessed_address, accessed`;

const FIND = statement("token-find", `SELECT ${COLUMNS} FROM refresh_tokens WHERE id = $1`);

const FIND_REFRESHABLE = statement(
  "token-find-refreshable",
  `SELECT ${REFRESHABLE_COLUMNS} FROM ${REFRESHABLE_TABLES} WHERE k.id = $1`,
);

// sweep_at stays as long as it can: it is indexed, and a row whose indexed columns stay is written in its place.
const ADVANCE = statement(
  "token-advance",
  `UPDATE refresh_tokens SET rotated = CASE WHEN generation = $3 THEN rotated ELSE $4 END,
     generation = $3, key_id = $5, expires = $6, ends = $7, sweep_at = least(sweep_at, $7),
     accessed = $4, accessed_address = $8
   WHERE id = $1 AND generation = $2 AND revoked IS NULL`,
);

const LIST = statement(
  "token-list",
  `SELECT ${COLUMNS} FROM refresh_tokens WHERE user_id = $1 AND revoked IS NULL AND expires > $2
   ORDER BY started DESC, id LIMIT 1000`,
);

// A row that was extended since is looked at again when it ends; one that somebody holds is in use.
const SWEEP = statement(
  "token-sweep",
  `WITH seen AS MATERIALIZED (
     SELECT id FROM refresh_tokens WHERE sweep_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
   ), extended AS (
     UPDATE refresh_tokens SET sweep_at = ends FROM seen WHERE refresh_tokens.id = seen.id AND ends > $1
   ), gone AS (
     DELETE FROM refresh_tokens USING seen WHERE refresh_tokens.id = seen.id AND ends <= $1 RETURNING 1
   ) SELECT (SELECT count(*) FROM seen) AS seen, (SELECT count(*) FROM gone) AS gone`,
);

const INSERT = statement(
  "token-insert",
  `INSERT INTO refresh_tokens (${COLUMNS}, sweep_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $11)`,
);

/**
 * The key of the advisory lock on an application, whose id is this SQL expression; taken before the row. A row that some hold FOR SHARE is
 * given to all who want the same, past those who wait to change it: as long as people sign in without a pause nobody could deactivate the
 * application or change its secret. Advisory locks keep a queue. What holds the application is the lock on its row, never this one.
 */
export function queueAt(id: string): string {
  return `hashtextextended('application ' || ${id}::text, 0)`;
}

const HOLD_APPLICATION = statement(
  "sign-in-application",
  `WITH queue AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(${queueAt("$1")}))
   SELECT 1 FROM queue CROSS JOIN applications JOIN tenants ON tenants.id = tenant_id
   WHERE applications.id = $1 AND active FOR KEY SHARE OF tenants FOR SHARE OF applications`,
);
const SIGN_IN_USER = statement(
  "sign-in-user",
  `UPDATE users SET last_login = $3
   WHERE id = $1 AND active AND credential_version = $2 AND (expiry IS NULL OR expiry > $3)`,
);
const SIGN_IN_REGISTRATION = statement(
  "sign-in-registration",
  "UPDATE registrations SET last_login = $3 WHERE id = $1 AND user_id = $2",
);

// By id, so that two revocations wait for each other but never in a circle.
const revoking = (name: string, which: string, made = statement): Statement =>
  made(
    name,
    `WITH held AS MATERIALIZED (
       SELECT id FROM refresh_tokens WHERE revoked IS NULL AND ($3::text IS NULL OR tenant_id = $3) AND ${which}
       ORDER BY id FOR NO KEY UPDATE
     ) UPDATE refresh_tokens SET revoked = $1, revoked_reason = $2 FROM held WHERE refresh_tokens.id = held.id`,
  );
const REVOKE_ONE = revoking("token-revoke-one", "id = $4");
const REVOKE_OF_APPLICATION = revoking("token-revoke-of-application", "application_id = $4", lengthy);
const REVOKE_OF_USER = revoking(
  "token-revoke-of-user",
  "user_id = $4 AND ($5::text IS NULL OR application_id = $5)",
);

const REUSE_FOUND = statement(
  "token-reuse-found",
  "UPDATE refresh_tokens SET reuse_found = $2 WHERE id = $1 AND reuse_found IS NULL",
);

const OWE = statement(
  "token-owe",
  "INSERT INTO owed_revocations (user_id) VALUES ($1) ON CONFLICT DO NOTHING",
);
const IS_OWED = statement("token-is-owed", "SELECT 1 FROM owed_revocations LIMIT 1");
const TAKE_OWED = statement(
  "token-take-owed",
  `DELETE FROM owed_revocations WHERE user_id =
     (SELECT user_id FROM owed_revocations LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING user_id`,
);

// Undoes the step in which it is thrown: what the sign-in rests on is true no more.
const OUTDATED = new Error("The sign-in is outdated");

/** The refresh tokens of this database; `now` is the store's clock. */
export function postgresRefreshTokens(database: Database, now: () => number, tell: Tell): RefreshTokenStore {
  return {
    signIn: (signIn) => recordSignIn(database, tell, signIn, now()),

    async find(id) {
      // Before the row is asked for: that the database is slow must not count against a grace.
      const readAt = now();
      const token = await findRefreshToken(database, id);
      return token === null ? null : { token, readAt };
    },

    async findRefreshable(id) {
      const readAt = now();
      const row = await database.row(FIND_REFRESHABLE, id);
      return row === null ? null : refreshableOf(row, readAt);
    },

    async advance(id, from, { generation, keyId, expiresInstant, endsInstant, lastAccessedAddress }) {
      const use = [generation, now(), keyId, expiresInstant, endsInstant, lastAccessedAddress];
      return (await database.run(ADVANCE, id, from, ...use)) === 1;
    },

    list: async (userId) => (await database.rows(LIST, userId, now())).map(tokenOf),

    revoke: (target, reason, tenantId, info) =>
      database.step((connection) =>
        revokeRows(connection, tell, target, { reason, at: now(), tenantId, info }),
      ),

    reused: (id, revoke, info) =>
      database.step((connection) => noteReuse(connection, tell, id, { revoke, at: now(), info })),

    sweep: (limit) => sweep(database, now(), limit),

    ...owedRevocations(database, now, tell),
  };
}

/** The token of this id, also a revoked or expired one; null if there is none. */
export async function findRefreshToken(connection: Connection, id: string): Promise<RefreshToken | null> {
  const row = await connection.row(FIND, id);
  return row === null ? null : tokenOf(row);
}

async function recordSignIn(
  database: Database,
  tell: Tell,
  signIn: SignIn,
  at: number,
): Promise<{ newDevice: boolean } | null> {
  const { userId, refreshToken, device = null } = signIn;
  try {
    return await database.step(async (connection) => {
      if (!(await isStillTrue(connection, signIn, at))) throw OUTDATED;
      if (refreshToken !== null) await insertToken(connection, refreshToken);
      const isNew = device !== null && (await rememberDevice(connection, userId, device, at));
      const newDevice = isNew || signIn.saidNew === true;
      await tellOfSignIn(connection, tell, signIn, newDevice);
      return { newDevice };
    });
  } catch (error) {
    if (error === OUTDATED) return null;
    throw error;
  }
}

// Each is held from here on, in the order that everybody takes them in.
async function isStillTrue(connection: Connection, signIn: SignIn, at: number): Promise<boolean> {
  const { userId, credentialVersion, applicationId, registrationId } = signIn;
  if (applicationId !== null && (await connection.row(HOLD_APPLICATION, applicationId)) === null)
    return false;
  if ((await connection.run(SIGN_IN_USER, userId, credentialVersion, at)) === 0) return false;
  return (
    registrationId === null || (await connection.run(SIGN_IN_REGISTRATION, registrationId, userId, at)) === 1
  );
}

async function insertToken(connection: Connection, token: RefreshToken): Promise<void> {
  await connection.run(INSERT, ...tokenValues(token));
}

async function tellOfSignIn(
  connection: Connection,
  tell: Tell,
  signIn: SignIn,
  newDevice: boolean,
): Promise<void> {
  const { userId, info, refreshToken, registrationId } = signIn;
  // FusionAuth names the application only where the user is registered for it.
  const applicationId = registrationId === null ? undefined : (signIn.applicationId ?? undefined);
  const happening = { userId, applicationId, refreshTokenId: refreshToken?.id, info };
  await tell(connection, { type: "user.login.success", ...happening });
  if (newDevice) await tell(connection, { type: "user.login.new-device", ...happening });
}

/** Why, when and under which limits rows are revoked. */
export interface Revoking {
  reason: RevocationReason;
  at: number;
  /** Only in this tenant unless null or left out. */
  tenantId?: string | null;
  info?: EventInfo | undefined;
}

/**
 * Revokes inside the caller's step and tells of it there; answers how many tokens were alive until now. What lets nobody sign in any
 * more – the user, application or registration that was changed or deleted – must be held for that change before this is asked.
 */
export async function revokeRows(
  connection: Connection,
  tell: Tell,
  target: RevocationTarget,
  { reason, at, tenantId = null, info }: Revoking,
): Promise<number> {
  const count = await connection.run(...revocationOf(target, [at, reason, tenantId]));
  const { id, ...several } = { id: undefined, ...target };
  // Who ends all of a user's or an application's sign-ins means also those that have no refresh token.
  if (id === undefined)
    await tell(connection, { type: "jwt.refresh-token.revoke", ...several, reason, info });
  else if (count > 0)
    await tell(connection, { type: "jwt.refresh-token.revoke", refreshTokenId: id, reason, info });
  return count;
}

function revocationOf(target: RevocationTarget, how: readonly unknown[]): [Statement, ...unknown[]] {
  if ("id" in target) return [REVOKE_ONE, ...how, target.id];
  if (!("userId" in target)) return [REVOKE_OF_APPLICATION, ...how, target.applicationId];
  return [REVOKE_OF_USER, ...how, target.userId, target.applicationId ?? null];
}

async function noteReuse(
  connection: Connection,
  tell: Tell,
  id: string,
  { revoke, at, info }: { revoke: boolean; at: number; info?: EventInfo | undefined },
): Promise<number> {
  const isFirst = (await connection.run(REUSE_FOUND, id, at)) === 1;
  const count = revoke ? await revokeRows(connection, tell, { id }, { reason: "reuse", at, info }) : 0;
  // Last, so that it shows whether the family has ended.
  if (isFirst)
    await tell(connection, { type: "jwt.refresh-token.reuse", refreshTokenId: id, reason: "reuse", info });
  return count;
}

// As many portions as it takes to find `limit` that have ended, or to have seen all: most may have been extended meanwhile.
async function sweep(database: Database, at: number, limit: number): Promise<number> {
  for (let gone = 0; ; ) {
    const asked = limit - gone;
    const row = await database.row(SWEEP, at, asked);
    gone += integer(row ?? {}, "gone");
    if (gone === limit || integer(row ?? {}, "seen") < asked) return gone;
  }
}

function owedRevocations(
  database: Database,
  now: () => number,
  tell: Tell,
): Pick<RefreshTokenStore, "oweRevocation" | "revokeOwed"> {
  // A step for each user: the debt and what it demands are gone together, by one node.
  const payOne = (): Promise<boolean> =>
    database.step(async (connection) => {
      const row = await connection.row(TAKE_OWED);
      if (row === null) return false;
      const userId = text(row, "user_id");
      await revokeRows(connection, tell, { userId }, { reason: "login-prevented", at: now() });
      return true;
    });

  const revokeOwed = async (): Promise<void> => {
    if ((await database.row(IS_OWED)) === null) return;
    while (await payOne());
  };

  return {
    revokeOwed,
    async oweRevocation(userId) {
      await database.run(OWE, userId);
      setTimeout(() => void revokeOwed().catch(() => undefined), AFTER_THE_ANSWER_MS).unref();
    },
  };
}
