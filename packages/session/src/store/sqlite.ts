/**
 * Sessions in one SQLite file (`node:sqlite`, WAL): the embedded default, for one machine.
 *
 * What is promised when: sign-ins, and so sign-outs, are on the disk when the promise resolves (synchronous=FULL).
 * Sessions survive the process being killed, and may lose their last writes when the power goes (NORMAL): their user is
 * renewed or signs in again. Extensions are written in one transaction every `flushEvery` milliseconds; a crash loses
 * at most that much of an idle limit. Everything over one connection: each change by another would empty its cache.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { asExtended, limitOf, type LateExtensions, lateExtensions, mostLate } from "./late-extensions.ts";
import { filledPortion, signInOf, signInRow } from "./rows.ts";
import { type Turns, turnsOf } from "./sqlite-turns.ts";
import type { LiveSignIns, SessionRecord, SessionStore, SignInRecord } from "./store.ts";
import { fromJson, isSessionRecord } from "./well-formed.ts";

/** Where the file is, and how long extensions may wait. */
export interface SqliteStoreOptions {
  /** Path of the file; it is created when missing. */
  readonly path: string;
  /** Milliseconds an extension of a session may wait to be written. Default 100. */
  readonly flushEvery?: number;
}

const tables = `
  CREATE TABLE IF NOT EXISTS sessions (
    hash TEXT PRIMARY KEY, sign_in_id TEXT NOT NULL, user TEXT NOT NULL, authenticated_at INTEGER NOT NULL,
    vouched_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, absolute_expires_at INTEGER NOT NULL,
    presented INTEGER NOT NULL, questioned_at INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sign_ins (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, user_id TEXT NOT NULL, user TEXT NOT NULL, device TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL, absolute_expires_at INTEGER NOT NULL, remembered INTEGER NOT NULL,
    current TEXT NOT NULL, previous TEXT, attempt INTEGER NOT NULL, renewed_at INTEGER NOT NULL, minted_at INTEGER NOT NULL, presented_at INTEGER,
    ended_at INTEGER, ended_reason TEXT, revocation_owed INTEGER NOT NULL,
    application TEXT NOT NULL DEFAULT '', minted_for TEXT
  ) STRICT, WITHOUT ROWID;
`;

/** Columns that files of the first version lack. A sign-in of then belongs to no application: events of the provider pass it by. */
const laterColumns = [
  ["sessions", "questioned_at", "INTEGER NOT NULL DEFAULT 0"],
  ["sign_ins", "application", "TEXT NOT NULL DEFAULT ''"],
  ["sign_ins", "minted_for", "TEXT"],
] as const;

const indexes = `
  CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at);
  CREATE INDEX IF NOT EXISTS sign_ins_by_limit ON sign_ins (absolute_expires_at);
  CREATE INDEX IF NOT EXISTS sign_ins_live ON sign_ins (application, authenticated_at) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS sign_ins_live_of_user ON sign_ins (user_id, application, authenticated_at) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS sign_ins_owing ON sign_ins (id) WHERE revocation_owed = 1;
`;

/** Milliseconds another process may hold the file's lock: waiting is synchronous, so nothing else runs meanwhile. */
const lockPatience = 500;

/** Milliseconds to the next try after extensions could not be written: each try may hold up everything for the whole patience. */
const retryAfter = 5_000;

/**
 * KiB of pages that are kept. Of a million sessions SQLite's own 2 MB don't even hold the inner pages, and each use and
 * each extension would read several again; what is not used is not taken.
 */
const keptPages = 65_536;

/** Pages in the log that a commit brings home. Everybody waits meanwhile: with SQLite's own 1,000 for 10 to 40 ms, with these for half of that. */
const logPages = 250;

/** Rows one sweep removes of each table, so that it never holds up requests for long. */
const sweepPortion = 1_000;

/**
 * A store in a SQLite file; throws what `node:sqlite` throws if the file can't be opened.
 *
 * @example
 * const sessions = createSessions({ store: sqliteStore({ path: "./data/store-sessions.sqlite" }), … });
 */
export function sqliteStore({ path, flushEvery = 100 }: SqliteStoreOptions): SessionStore {
  const database = new DatabaseSync(path, { timeout: lockPatience });
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA cache_size = -${keptPages}; PRAGMA wal_autocheckpoint = ${logPages}`);
  createSchema(database);
  const turns = turnsOf(database);
  const statements = { ...sessionStatements(database), ...signInStatements(database) };
  const extensions = lateExtensions({
    flushEvery,
    retryAfter,
    write: (batch) => writeExtensions(turns, statements.extend, batch),
  });

  return {
    ...sessionMethods(turns, statements, extensions),
    ...signInMethods(turns, statements),
    async sweep(now) {
      await extensions.flush();
      // What the power brings back is swept again.
      await turns.write("NORMAL", () => statements.sweepSessions.run(now - mostLate, sweepPortion));
      await turns.write("NORMAL", () => statements.sweepSignIns.run(now, sweepPortion));
    },
    async close() {
      if (!database.isOpen) return;
      turns.end();
      try {
        await extensions.flush();
      } finally {
        extensions.stop();
        database.close();
      }
    },
  };
}

/** Update-only, forwards, and within the absolute limit: none revives a session, nor one that has taken its place. */
function writeExtensions(turns: Turns, extend: StatementSync, batch: ReadonlyMap<string, number>): void {
  if (batch.size === 0) return;
  turns.atOnce("NORMAL", () => {
    for (const [hash, expiresAt] of batch) extend.run({ hash, expiresAt });
  });
}

function createSchema(database: DatabaseSync): void {
  // One transaction, because several processes may open a new file at once.
  database.exec("BEGIN IMMEDIATE");
  database.exec(tables);
  const has = database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?");
  for (const [table, column, type] of laterColumns) {
    if (has.get(table, column) === undefined)
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
  database.exec(indexes);
  database.exec("COMMIT");
}

type Statements = ReturnType<typeof sessionStatements> & ReturnType<typeof signInStatements>;

// Columns are named: later releases add some, and the processes of this one go on meanwhile.
function sessionStatements(database: DatabaseSync) {
  const readSession = database.prepare(
    `SELECT sign_in_id, user, authenticated_at, vouched_at, questioned_at, expires_at, absolute_expires_at, presented
     FROM sessions WHERE hash = ?`,
  );
  // An object with a member for each column takes half as long again.
  readSession.setReturnArrays(true);
  return {
    insertSession: database.prepare(
      `INSERT INTO sessions (hash, sign_in_id, user, authenticated_at, vouched_at, expires_at, absolute_expires_at, presented,
         questioned_at)
       VALUES (:hash, :signInId, :user, :authenticatedAt, :vouchedAt, :expiresAt, :absoluteExpiresAt, :presented,
         :questionedAt)
       ON CONFLICT (hash) DO UPDATE SET sign_in_id = excluded.sign_in_id, user = excluded.user,
         authenticated_at = excluded.authenticated_at, vouched_at = excluded.vouched_at,
         expires_at = excluded.expires_at, absolute_expires_at = excluded.absolute_expires_at,
         presented = excluded.presented,
         questioned_at = excluded.questioned_at
       WHERE max(sessions.expires_at, min(:waiting, sessions.absolute_expires_at)) <= excluded.vouched_at`,
    ),
    extend: database.prepare(
      `UPDATE sessions SET expires_at = min(:expiresAt, absolute_expires_at)
       WHERE hash = :hash AND expires_at < min(:expiresAt, absolute_expires_at)`,
    ),
    readSession,
    updateSession: database.prepare(
      `UPDATE sessions SET sign_in_id = :signInId, user = :user, authenticated_at = :authenticatedAt,
         vouched_at = :vouchedAt, expires_at = :expiresAt, absolute_expires_at = :absoluteExpiresAt, presented = :presented
       WHERE hash = :hash`,
    ),
    questionSession: database.prepare(
      "UPDATE sessions SET questioned_at = max(questioned_at, ?) WHERE hash = ?",
    ),
    deleteSession: database.prepare("DELETE FROM sessions WHERE hash = ?"),
    sweepSessions: database.prepare(
      "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires_at <= ? LIMIT ?)",
    ),
  };
}

function signInStatements(database: DatabaseSync) {
  return {
    insertSignIn: database.prepare(
      `INSERT INTO sign_ins (id, version, application, user_id, user, device, authenticated_at, absolute_expires_at, remembered,
         current, previous, attempt, renewed_at, minted_at, minted_for, presented_at, ended_at, ended_reason, revocation_owed)
       VALUES (:id, :version, :application, :userId, :user, :device, :authenticatedAt, :absoluteExpiresAt, :remembered,
         :current, :previous, :attempt, :renewedAt, :mintedAt, :mintedFor, :presentedAt, :endedAt, :endedReason, :revocationOwed)
       ON CONFLICT (id) DO NOTHING`,
    ),
    readSignIn: database.prepare("SELECT * FROM sign_ins WHERE id = ?"),
    // Almost every change of a sign-in is this one. What is indexed is compared and not set: it would be written anew, equal or not.
    moveSignIn: database.prepare(
      `UPDATE sign_ins SET version = :version, user = :user, device = :device, remembered = :remembered, current = :current,
         previous = :previous, attempt = :attempt, renewed_at = :renewedAt, minted_at = :mintedAt, minted_for = :mintedFor,
         presented_at = :presentedAt, ended_reason = :endedReason
       WHERE id = :id AND version = :version - 1 AND user_id = :userId AND application = :application
         AND authenticated_at = :authenticatedAt AND absolute_expires_at = :absoluteExpiresAt
         AND ended_at IS :endedAt AND revocation_owed = :revocationOwed`,
    ),
    updateSignIn: database.prepare(
      `UPDATE sign_ins SET version = :version, user_id = :userId, user = :user, device = :device,
         authenticated_at = :authenticatedAt, absolute_expires_at = :absoluteExpiresAt, remembered = :remembered,
         current = :current, previous = :previous, attempt = :attempt, renewed_at = :renewedAt, minted_at = :mintedAt,
         presented_at = :presentedAt, ended_at = :endedAt, ended_reason = :endedReason,
         revocation_owed = :revocationOwed, application = :application, minted_for = :mintedFor
       WHERE id = :id AND version = :version - 1`,
    ),
    live: database.prepare(
      `SELECT * FROM sign_ins WHERE application = ? AND ended_at IS NULL AND (authenticated_at, id) > (?, ?)
       ORDER BY authenticated_at, id LIMIT ?`,
    ),
    liveOfUser: database.prepare(
      `SELECT * FROM sign_ins WHERE user_id = ? AND application = ? AND ended_at IS NULL
         AND (authenticated_at, id) > (?, ?)
       ORDER BY authenticated_at, id LIMIT ?`,
    ),
    owing: database.prepare(
      "SELECT * FROM sign_ins WHERE revocation_owed = 1 AND id > ? ORDER BY id LIMIT ?",
    ),
    sweepSignIns: database.prepare(
      "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE absolute_expires_at <= ? LIMIT ?)",
    ),
  };
}

function sessionMethods(turns: Turns, statements: Statements, extensions: LateExtensions) {
  const found = (hash: string) => sessionOf(hash, statements.readSession.get(hash));
  return {
    insertSession(session) {
      const row = { ...sessionRow(session), questionedAt: session.questionedAt };
      return turns.write("NORMAL", () => {
        // Whether the one that is there has expired depends on what waits.
        const waiting = extensions.get(session.hash);
        return statements.insertSession.run({ ...row, waiting }).changes === 1;
      });
    },
    useSession: (hash, now, idle) =>
      turns.look(() => {
        const session = found(hash);
        const waiting = extensions.get(hash);
        if (session === null || limitOf(session, waiting) <= now) return null;
        const expiresAt = limitOf(session, Math.max(waiting, now + idle));
        extensions.set(hash, expiresAt);
        return { ...session, expiresAt };
      }),
    async readSession(hash, now) {
      return asExtended(found(hash), extensions.get(hash), now);
    },
    updateSession(session) {
      const row = sessionRow(session);
      const forget = () => extensions.forget(session.hash);
      return turns.write("NORMAL", () => statements.updateSession.run(row).changes === 1, forget);
    },
    async questionSession(hash, at) {
      await turns.write("NORMAL", () => statements.questionSession.run(at, hash));
    },
    async deleteSession(hash) {
      const forget = () => extensions.forget(hash);
      await turns.write("NORMAL", () => statements.deleteSession.run(hash), forget);
    },
  } satisfies Partial<SessionStore>;
}

function signInMethods(turns: Turns, statements: Statements) {
  return {
    insertSignIn(signIn) {
      const row = columnsOf(signIn);
      return turns.write("FULL", () => statements.insertSignIn.run(row).changes === 1);
    },
    async readSignIn(id) {
      return signInOf(statements.readSignIn.get(id));
    },
    updateSignIn(next) {
      const row = columnsOf(next);
      const { moveSignIn, updateSignIn } = statements;
      return turns.write(
        "FULL",
        () => moveSignIn.run(row).changes === 1 || updateSignIn.run(row).changes === 1,
      );
    },
    liveSignIns({ application, userId, after, limit }: LiveSignIns) {
      return filledPortion(limit, after, ({ authenticatedAt, id }, count) =>
        userId === null
          ? statements.live.all(application, authenticatedAt, id, count)
          : statements.liveOfUser.all(userId, application, authenticatedAt, id, count),
      );
    },
    signInsOwingRevocation(limit) {
      return filledPortion(limit, null, ({ id }, count) => statements.owing.all(id, count));
    },
  } satisfies Partial<SessionStore>;
}

/** The session of the columns that `readSession` asks for; `null` where they hold no whole record, or there are none. */
function sessionOf(hash: string, row: unknown): SessionRecord | null {
  if (!Array.isArray(row)) return null;
  const [signInId, user, authenticatedAt, vouchedAt, questionedAt, expiresAt, absoluteExpiresAt, presented] =
    row as unknown[];
  const times = { authenticatedAt, vouchedAt, questionedAt, expiresAt, absoluteExpiresAt };
  const session = { hash, signInId, user: fromJson(user), ...times, presented: presented === 1 };
  return isSessionRecord(session) ? session : null;
}

/** SQLite has no booleans. */
function sessionRow({ questionedAt: _, user, presented, ...columns }: SessionRecord) {
  return { ...columns, user: JSON.stringify(user), presented: presented ? 1 : 0 };
}

function columnsOf(signIn: SignInRecord) {
  const { remembered, revocationOwed, ...columns } = signInRow(signIn);
  return { ...columns, remembered: remembered ? 1 : 0, revocationOwed: revocationOwed ? 1 : 0 };
}
