/**
 * Sessions in one SQLite file (`node:sqlite`, WAL): the embedded default, for one machine.
 *
 * What is promised when: sign-ins, and so sign-outs, are on the disk when the promise resolves (synchronous=FULL).
 * Sessions survive the process being killed, and may lose their last writes when the power goes (NORMAL): their user is
 * renewed or signs in again. Extensions are written in one transaction every `flushEvery` milliseconds; a crash loses
 * at most that much of an idle limit.
 */
import { DatabaseSync } from "node:sqlite";
import { coalescedExtensions, type Extensions } from "./sqlite-extensions.ts";
import type { Device, LiveSignIns, SessionRecord, SessionStore, SignInRecord, User } from "./store.ts";

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
  CREATE INDEX IF NOT EXISTS sign_ins_by_user ON sign_ins (user_id, authenticated_at);
  CREATE INDEX IF NOT EXISTS sign_ins_by_limit ON sign_ins (absolute_expires_at);
  CREATE INDEX IF NOT EXISTS sign_ins_live ON sign_ins (application, authenticated_at) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS sign_ins_live_of_user ON sign_ins (user_id, application, authenticated_at) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS sign_ins_owing ON sign_ins (id) WHERE revocation_owed = 1;
`;

/** Milliseconds another process may hold the file's lock: waiting is synchronous, so nothing else runs meanwhile. */
const lockPatience = 500;

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
  const extensions = coalescedExtensions(sessions, flushEvery);

  return {
    ...sessionMethods(statements, extensions),
    ...signInMethods(statements),
    async sweep(now) {
      extensions.flush();
      statements.sweepSessions.run(now, sweepPortion);
      statements.sweepSignIns.run(now, sweepPortion);
    },
    async close() {
      extensions.flush();
      sessions.close();
      signIns.close();
    },
  };
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

function sessionStatements(database: DatabaseSync) {
  return {
    insertSession: database.prepare(
      `INSERT INTO sessions VALUES (:hash, :signInId, :user, :authenticatedAt, :vouchedAt, :expiresAt,
         :absoluteExpiresAt, :presented, :questionedAt)
       ON CONFLICT (hash) DO UPDATE SET sign_in_id = excluded.sign_in_id, user = excluded.user,
         authenticated_at = excluded.authenticated_at, vouched_at = excluded.vouched_at,
         expires_at = excluded.expires_at, absolute_expires_at = excluded.absolute_expires_at,
         presented = excluded.presented,
         questioned_at = excluded.questioned_at
       WHERE sessions.expires_at <= excluded.vouched_at`,
    ),
    readSession: database.prepare("SELECT * FROM sessions WHERE hash = ?"),
    updateSession: database.prepare(
      `UPDATE sessions SET user = ?, vouched_at = ?, expires_at = ?, presented = ? WHERE hash = ?`,
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
      `INSERT INTO sign_ins VALUES (:id, :version, :userId, :user, :device, :authenticatedAt, :absoluteExpiresAt,
         :remembered, :current, :previous, :attempt, :renewedAt, :mintedAt, :presentedAt, :endedAt, :endedReason, :revocationOwed,
         :application, :mintedFor)
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
    ofUser: database.prepare("SELECT * FROM sign_ins WHERE user_id = ? ORDER BY authenticated_at DESC"),
    live: database.prepare(
      `SELECT * FROM sign_ins WHERE application = ? AND ended_at IS NULL AND (authenticated_at, id) > (?, ?)
       ORDER BY authenticated_at, id LIMIT ?`,
    ),
    liveOfUser: database.prepare(
      `SELECT * FROM sign_ins WHERE user_id = ? AND application = ? AND ended_at IS NULL
         AND (authenticated_at, id) > (?, ?)
       ORDER BY authenticated_at, id LIMIT ?`,
    ),
    owing: database.prepare("SELECT * FROM sign_ins WHERE revocation_owed = 1 LIMIT ?"),
    sweepSignIns: database.prepare(
      "DELETE FROM sign_ins WHERE id IN (SELECT id FROM sign_ins WHERE absolute_expires_at <= ? LIMIT ?)",
    ),
  };
}

function sessionMethods(statements: Statements, extensions: Extensions) {
  return {
    async insertSession(session) {
      // Whether the one that is there has expired depends on extensions that may still wait.
      extensions.flush();
      const { user, presented, ...columns } = session;
      const { changes } = statements.insertSession.run({
        ...columns,
        user: JSON.stringify(user),
        presented: presented ? 1 : 0,
      });
      return changes === 1;
    },
    async useSession(hash, now, idle) {
      const row = statements.readSession.get(hash);
      if (row === undefined || (extensions.get(hash) ?? Number(row["expires_at"])) <= now) return null;
      const session = readSession(row);
      const expiresAt = Math.min(now + idle, session.absoluteExpiresAt);
      extensions.set(hash, expiresAt);
      return { ...session, expiresAt };
    },
    async readSession(hash, now) {
      const row = statements.readSession.get(hash);
      if (row === undefined) return null;
      const expiresAt = extensions.get(hash) ?? Number(row["expires_at"]);
      return expiresAt <= now ? null : { ...readSession(row), expiresAt };
    },
    async updateSession({ hash, user, vouchedAt, expiresAt, presented }) {
      extensions.forget(hash);
      const written = statements.updateSession.run(
        JSON.stringify(user),
        vouchedAt,
        expiresAt,
        presented ? 1 : 0,
        hash,
      );
      return written.changes === 1;
    },
    async questionSession(hash, at) {
      statements.questionSession.run(at, hash);
    },
    async deleteSession(hash) {
      extensions.forget(hash);
      statements.deleteSession.run(hash);
    },
  } satisfies Partial<SessionStore>;
}

function signInMethods(statements: Statements) {
  return {
    async insertSignIn(signIn) {
      return statements.insertSignIn.run(signInRow(signIn)).changes === 1;
    },
    async readSignIn(id) {
      const row = statements.readSignIn.get(id);
      return row === undefined ? null : readSignIn(row);
    },
    async updateSignIn(next) {
      return statements.updateSignIn.run(signInRow(next)).changes === 1;
    },
    async signInsOfUser(userId) {
      return statements.ofUser.all(userId).map(readSignIn);
    },
    async liveSignIns({ application, userId, after, limit }: LiveSignIns) {
      const from = [after?.authenticatedAt ?? -1, after?.id ?? "", limit] as const;
      const rows =
        userId === null
          ? statements.live.all(application, ...from)
          : statements.liveOfUser.all(userId, application, ...from);
      return rows.map(readSignIn);
    },
    async signInsOwingRevocation(limit) {
      return statements.owing.all(limit).map(readSignIn);
    },
  } satisfies Partial<SessionStore>;
}

type Row = Record<string, unknown>;

function readSession(row: Row): SessionRecord {
  return {
    hash: String(row["hash"]),
    signInId: String(row["sign_in_id"]),
    user: JSON.parse(String(row["user"])) as User,
    authenticatedAt: Number(row["authenticated_at"]),
    vouchedAt: Number(row["vouched_at"]),
    questionedAt: Number(row["questioned_at"]),
    expiresAt: Number(row["expires_at"]),
    absoluteExpiresAt: Number(row["absolute_expires_at"]),
    presented: row["presented"] === 1,
  };
}

function signInRow(signIn: SignInRecord) {
  const { user, device, remembered, ended, revocationOwed, ...columns } = signIn;
  return {
    ...columns,
    userId: user.id,
    user: JSON.stringify(user),
    device: JSON.stringify(device),
    remembered: remembered ? 1 : 0,
    endedAt: ended?.at ?? null,
    endedReason: ended?.reason ?? null,
    revocationOwed: revocationOwed ? 1 : 0,
  };
}

function readSignIn(row: Row): SignInRecord {
  const endedAt = numberOrNull(row["ended_at"]);
  return {
    id: String(row["id"]),
    version: Number(row["version"]),
    application: String(row["application"]),
    user: JSON.parse(String(row["user"])) as User,
    device: JSON.parse(String(row["device"])) as Device,
    authenticatedAt: Number(row["authenticated_at"]),
    absoluteExpiresAt: Number(row["absolute_expires_at"]),
    remembered: row["remembered"] === 1,
    current: String(row["current"]),
    previous: textOrNull(row["previous"]),
    attempt: Number(row["attempt"]),
    renewedAt: Number(row["renewed_at"]),
    mintedAt: Number(row["minted_at"]),
    mintedFor: textOrNull(row["minted_for"]),
    presentedAt: numberOrNull(row["presented_at"]),
    ended:
      endedAt === null
        ? null
        : { at: endedAt, reason: row["ended_reason"] as NonNullable<SignInRecord["ended"]>["reason"] },
    revocationOwed: row["revocation_owed"] === 1,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
