/**
 * What the Postgres store asks: each statement is atomic by itself. Conditions stand in the statement, never in code that has read
 * before; none locks two rows but in the order of their keys, so that no two wait for each other.
 */
import type { Statement } from "./postgres-connections.ts";

const session = `hash, sign_in_id, "user", authenticated_at, vouched_at, expires_at, absolute_expires_at, presented, questioned_at`;

const signIn = `id, version, application, user_id, "user", device, authenticated_at, absolute_expires_at, remembered, current,
  previous, attempt, renewed_at, minted_at, minted_for, presented_at, ended_at, ended_reason, revocation_owed`;

function statement(name: string, text: string): Statement {
  return { name, text };
}

type SessionStatement =
  | "insertSession"
  | "readSession"
  | "updateSession"
  | "questionSession"
  | "deleteSession"
  | "extend"
  | "sweepSessions";

type SignInStatement =
  | "insertSignIn"
  | "readSignIn"
  | "updateSignIn"
  | "live"
  | "liveOfUser"
  | "owing"
  | "sweepSignIns";

/** Statements about sessions; values in the order of the columns, then what the statement names besides. */
export function sessionStatements(schema: string): Readonly<Record<SessionStatement, Statement>> {
  const sessions = `${schema}.sessions`;
  return {
    insertSession: statement(
      "insert-session",
      `INSERT INTO ${sessions} AS there (${session}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (hash) DO UPDATE SET sign_in_id = excluded.sign_in_id, "user" = excluded."user",
         authenticated_at = excluded.authenticated_at, vouched_at = excluded.vouched_at, expires_at = excluded.expires_at,
         absolute_expires_at = excluded.absolute_expires_at, presented = excluded.presented,
         questioned_at = excluded.questioned_at
       WHERE greatest(there.expires_at, least($10::bigint, there.absolute_expires_at)) <= excluded.vouched_at`,
    ),
    readSession: statement("read-session", `SELECT ${session} FROM ${sessions} WHERE hash = $1`),
    updateSession: statement(
      "update-session",
      `UPDATE ${sessions} SET sign_in_id = $2, "user" = $3, authenticated_at = $4, vouched_at = $5, expires_at = $6,
         absolute_expires_at = $7, presented = $8
       WHERE hash = $1`,
    ),
    questionSession: statement(
      "question-session",
      `UPDATE ${sessions} SET questioned_at = $2 WHERE hash = $1 AND questioned_at < $2`,
    ),
    deleteSession: statement("delete-session", `DELETE FROM ${sessions} WHERE hash = $1`),
    // Two nodes that extend the same sessions lock them in one order.
    extend: statement(
      "extend-sessions",
      `WITH late AS (SELECT * FROM unnest($1::text[], $2::bigint[]) AS late (hash, expires_at)),
       held AS (
         SELECT there.hash, least(late.expires_at, there.absolute_expires_at) AS expires_at
         FROM ${sessions} AS there JOIN late ON there.hash = late.hash COLLATE "C"
         WHERE there.expires_at < least(late.expires_at, there.absolute_expires_at)
         ORDER BY there.hash FOR NO KEY UPDATE OF there
       )
       UPDATE ${sessions} AS there SET expires_at = held.expires_at FROM held
       WHERE there.hash = held.hash AND there.expires_at < held.expires_at`,
    ),
    // Rows another node is at are left to it.
    sweepSessions: statement(
      "sweep-sessions",
      `DELETE FROM ${sessions} WHERE hash = ANY(ARRAY(
         SELECT hash FROM ${sessions} WHERE sweep_after <= $1 ORDER BY sweep_after LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    ),
  };
}

/** Statements about sign-ins; values in the order of the columns. */
export function signInStatements(schema: string): Readonly<Record<SignInStatement, Statement>> {
  const signIns = `${schema}.sign_ins`;
  return {
    insertSignIn: statement(
      "insert-sign-in",
      `INSERT INTO ${signIns} (${signIn})
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
       ON CONFLICT (id) DO NOTHING`,
    ),
    readSignIn: statement("read-sign-in", `SELECT ${signIn} FROM ${signIns} WHERE id = $1`),
    updateSignIn: statement(
      "update-sign-in",
      `UPDATE ${signIns} SET version = $2, application = $3, user_id = $4, "user" = $5, device = $6, authenticated_at = $7,
         absolute_expires_at = $8, remembered = $9, current = $10, previous = $11, attempt = $12, renewed_at = $13,
         minted_at = $14, minted_for = $15, presented_at = $16, ended_at = $17, ended_reason = $18, revocation_owed = $19
       WHERE id = $1 AND version = $2::bigint - 1`,
    ),
    live: statement(
      "live-sign-ins",
      `SELECT ${signIn} FROM ${signIns}
       WHERE application = $1 AND ended_at IS NULL AND (authenticated_at, id) > ($2, $3)
       ORDER BY authenticated_at, id LIMIT $4`,
    ),
    liveOfUser: statement(
      "live-sign-ins-of-user",
      `SELECT ${signIn} FROM ${signIns}
       WHERE user_id = $5 AND application = $1 AND ended_at IS NULL AND (authenticated_at, id) > ($2, $3)
       ORDER BY authenticated_at, id LIMIT $4`,
    ),
    owing: statement(
      "sign-ins-owing",
      `SELECT ${signIn} FROM ${signIns} WHERE revocation_owed AND id > $1 ORDER BY id LIMIT $2`,
    ),
    sweepSignIns: statement(
      "sweep-sign-ins",
      `DELETE FROM ${signIns} WHERE id = ANY(ARRAY(
         SELECT id FROM ${signIns} WHERE absolute_expires_at <= $1 ORDER BY absolute_expires_at LIMIT $2
         FOR UPDATE SKIP LOCKED))`,
    ),
  };
}
