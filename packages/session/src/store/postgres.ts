/**
 * Sessions in Postgres, for many nodes.
 *
 * What is promised when: all that an answer acknowledges is committed before it; whether it outlives a power cut is the server's
 * `synchronous_commit`. Extensions alone are written late, in one statement every `flushEvery` milliseconds; a node that is killed
 * loses at most that much of an idle limit. Sessions and sign-ins live in a schema of their own, made when it is first needed.
 */
import { asExtended, type LateExtensions, lateExtensions, mostLate } from "./late-extensions.ts";
import { type Connections, openConnections } from "./postgres-connections.ts";
import { schemaName } from "./postgres-schema.ts";
import { sessionStatements, signInStatements } from "./postgres-statements.ts";
import { filledPortion, sessionOf, signInOf, signInRow } from "./rows.ts";
import type { LiveSignIns, SessionRecord, SessionStore, SignInRecord } from "./store.ts";

/** Where the sessions are, and how they are reached. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:5432/database`; TLS by `?sslmode=verify-full`. */
  readonly url: string;
  /** The schema of the tables, `a–z 0–9 _`, not shared with anything else. Default `latchkey`. */
  readonly schema?: string;
  /** Connections of this process at most. Default 10. */
  readonly connections?: number;
  /** Milliseconds an extension of a session may wait to be written. Default 100. */
  readonly flushEvery?: number;
}

/** Milliseconds to the next try after extensions could not be written. */
const retryAfter = 1_000;

/** Rows one sweep removes of each table, so that it never holds up requests for long. */
const sweepPortion = 1_000;

/**
 * A store in Postgres 14 or later; nothing is connected before the first call, and what Postgres does not answer in two seconds rejects.
 * Throws a TypeError naming the option that is wrong.
 *
 * @example
 * import { postgresStore } from "@latchkey/session/postgres";
 * const sessions = createSessions({ store: postgresStore({ url: process.env.DATABASE_URL }), … });
 */
export function postgresStore({
  url,
  schema = "latchkey",
  connections = 10,
  flushEvery = 100,
}: PostgresStoreOptions): SessionStore {
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new TypeError('"schema" must be 1 to 63 of a–z 0–9 _, not a digit first, nor pg_');
  const database = openConnections({ url, schema, connections });
  const name = schemaName(schema);
  const statements = { ...sessionStatements(name), ...signInStatements(name) };
  const extensions = lateExtensions({
    flushEvery,
    retryAfter,
    async write(batch) {
      await database.run(statements.extend, [...batch.keys()], [...batch.values()]);
    },
  });
  let closing: Promise<void> | null = null;

  return {
    ...sessionMethods(database, statements, extensions),
    ...signInMethods(database, statements),
    async sweep(now) {
      await extensions.flush();
      await database.run(statements.sweepSessions, now - mostLate, sweepPortion);
      await database.run(statements.sweepSignIns, now, sweepPortion);
    },
    close: () => (closing ??= close(database, extensions)),
  };
}

async function close(database: Connections, extensions: LateExtensions): Promise<void> {
  try {
    await extensions.flush();
  } finally {
    extensions.stop();
    await database.close();
  }
}

function sessionMethods(
  database: Connections,
  statements: ReturnType<typeof sessionStatements>,
  extensions: LateExtensions,
) {
  const found = async (hash: string, now: number): Promise<SessionRecord | null> => {
    // What waited when the row was read may have been written, and forgotten here, before the row arrives.
    const waited = extensions.get(hash);
    const session = sessionOf((await database.rows(statements.readSession, hash))[0]);
    return asExtended(session, Math.max(waited, extensions.get(hash)), now);
  };
  return {
    async insertSession(session) {
      // Whether the one that is there has expired depends on what waits.
      const waiting = extensions.get(session.hash);
      const values = [...sessionValues(session), session.questionedAt, waiting];
      return (await database.run(statements.insertSession, ...values)) === 1;
    },
    async useSession(hash, now, idle) {
      const used = asExtended(await found(hash, now), now + idle, now);
      if (used !== null) extensions.set(hash, used.expiresAt);
      return used;
    },
    readSession: found,
    async updateSession(session) {
      const waiting = extensions.get(session.hash);
      const { questionedAt: _, ...changed } = session;
      const isThere = (await database.run(statements.updateSession, ...sessionValues(changed))) === 1;
      // Uses since then count; those before are replaced.
      if (extensions.get(session.hash) === waiting) extensions.forget(session.hash);
      return isThere;
    },
    async questionSession(hash, at) {
      await database.run(statements.questionSession, hash, at);
    },
    async deleteSession(hash) {
      await database.run(statements.deleteSession, hash);
      extensions.forget(hash);
    },
  } satisfies Partial<SessionStore>;
}

function sessionValues(session: Omit<SessionRecord, "questionedAt">): readonly unknown[] {
  return [
    session.hash,
    session.signInId,
    JSON.stringify(session.user),
    session.authenticatedAt,
    session.vouchedAt,
    session.expiresAt,
    session.absoluteExpiresAt,
    session.presented,
  ];
}

function signInMethods(database: Connections, statements: ReturnType<typeof signInStatements>) {
  return {
    async insertSignIn(signIn) {
      return (await database.run(statements.insertSignIn, ...signInValues(signIn))) === 1;
    },
    async readSignIn(id) {
      return signInOf((await database.rows(statements.readSignIn, id))[0]);
    },
    async updateSignIn(next) {
      return (await database.run(statements.updateSignIn, ...signInValues(next))) === 1;
    },
    liveSignIns({ application, userId, after, limit }: LiveSignIns) {
      return filledPortion(limit, after, ({ authenticatedAt, id }, count) =>
        userId === null
          ? database.rows(statements.live, application, authenticatedAt, id, count)
          : database.rows(statements.liveOfUser, application, authenticatedAt, id, count, userId),
      );
    },
    signInsOwingRevocation(limit) {
      return filledPortion(limit, null, ({ id }, count) => database.rows(statements.owing, id, count));
    },
  } satisfies Partial<SessionStore>;
}

function signInValues(signIn: SignInRecord): readonly unknown[] {
  const row = signInRow(signIn);
  return [
    row.id,
    row.version,
    row.application,
    row.userId,
    row.user,
    row.device,
    row.authenticatedAt,
    row.absoluteExpiresAt,
    row.remembered,
    row.current,
    row.previous,
    row.attempt,
    row.renewedAt,
    row.mintedAt,
    row.mintedFor,
    row.presentedAt,
    row.endedAt,
    row.endedReason,
    row.revocationOwed,
  ];
}
