/**
 * Sessions in one SQLite file (`node:sqlite`, WAL): the embedded default, for one machine.
 *
 * What is promised when: sign-ins, and so sign-outs, are on the disk when the promise resolves (synchronous=FULL).
 * Sessions survive the process being killed, and may lose their last writes when the power goes (NORMAL): their user is
 * renewed or signs in again. Extensions are written in one transaction every `flushEvery` milliseconds; a crash loses
 * at most that much of an idle limit.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { asExtended, type LateExtensions, lateExtensions, mostLate } from "./late-extensions.ts";
import { filledPortion, sessionOf, signInOf, signInRow } from "./rows.ts";
import type { LiveSignIns, SessionRecord, SessionStore, SignInRecord } from "./store.ts";

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

/** Rows one sweep removes of each table, so that it never holds up requests for long. */
const sweepPortion = 1_000;

/**
 * A store in a SQLite file; throws what `node:sqlite` throws if the file can't be opened.
 *
 * @example
 * const sessions = createSessions({ store: sqliteStore({ path: "./data/store-sessions.sqlite" }), … });
 */
export function sqliteStore({ path, flushEvery = 100 }: SqliteStoreOptions): SessionStore {
  const sessions = openFile(path, "NORMAL");
  createSchema(sessions);
  // Its own connection, because `synchronous` is a connection's setting and a sign-out must outlive a power cut.
  const signIns = openFile(path, "FULL");
  const statements = { ...sessionStatements(sessions), ...signInStatements(signIns) };
  const extensions = lateExtensions({
    flushEvery,
    retryAfter,
    write: (batch) => writeExtensions(sessions, statements.extend, batch),
  });

  return {
    ...sessionMethods(statements, extensions),
    ...signInMethods(statements),
    async sweep(now) {
      await extensions.flush();
      statements.sweepSessions.run(now - mostLate, sweepPortion);
      statements.sweepSignIns.run(now, sweepPortion);
    },
    async close() {
      if (!sessions.isOpen) return;
      try {
        await extensions.flush();
      } finally {
        extensions.stop();
        sessions.close();
        signIns.close();
      }
    },
  };
}

/** Update-only, forwards, and within the absolute limit: none revives a session, nor one that has taken its place. */
function writeExtensions(
  database: DatabaseSync,
  extend: StatementSync,
  batch: ReadonlyMap<string, number>,
): void {
  if (batch.size === 0) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const [hash, expiresAt] of batch) extend.run({ hash, expiresAt });
    database.exec("COMMIT");
  } catch (error) {
    // An open transaction would refuse every later one.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function openFile(path: string, synchronous: "NORMAL" | "FULL"): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockPatience });
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};`);
  return database;
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
    readSession: database.prepare("SELECT * FROM sessions WHERE hash = ?"),
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

function sessionMethods(statements: Statements, extensions: LateExtensions) {
  const found = (hash: string, now: number): SessionRecord | null =>
    asExtended(sessionOf(statements.readSession.get(hash)), extensions.get(hash), now);
  return {
    async insertSession(session) {
      // Whether the one that is there has expired depends on what waits.
      const waiting = extensions.get(session.hash);
      const row = { ...sessionRow(session), questionedAt: session.questionedAt, waiting };
      return statements.insertSession.run(row).changes === 1;
    },
    async useSession(hash, now, idle) {
      const used = asExtended(found(hash, now), now + idle, now);
      if (used !== null) extensions.set(hash, used.expiresAt);
      return used;
    },
    async readSession(hash, now) {
      return found(hash, now);
    },
    async updateSession(session) {
      const { changes } = statements.updateSession.run(sessionRow(session));
      extensions.forget(session.hash);
      return changes === 1;
    },
    async questionSession(hash, at) {
      statements.questionSession.run(at, hash);
    },
    async deleteSession(hash) {
      statements.deleteSession.run(hash);
      extensions.forget(hash);
    },
  } satisfies Partial<SessionStore>;
}

function signInMethods(statements: Statements) {
  return {
    async insertSignIn(signIn) {
      return statements.insertSignIn.run(columnsOf(signIn)).changes === 1;
    },
    async readSignIn(id) {
      return signInOf(statements.readSignIn.get(id));
    },
    async updateSignIn(next) {
      return statements.updateSignIn.run(columnsOf(next)).changes === 1;
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

/** SQLite has no booleans. */
function sessionRow({ questionedAt: _, user, presented, ...columns }: SessionRecord) {
  return { ...columns, user: JSON.stringify(user), presented: presented ? 1 : 0 };
}

function columnsOf(signIn: SignInRecord) {
  const { remembered, revocationOwed, ...columns } = signInRow(signIn);
  return { ...columns, remembered: remembered ? 1 : 0, revocationOwed: revocationOwed ? 1 : 0 };
}
