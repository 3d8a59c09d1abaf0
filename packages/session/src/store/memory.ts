/** Sessions in this process's memory: for tests and for trying things. A restart signs everybody out. */
import type { SessionRecord, SessionStore, SignInRecord } from "./store.ts";
import { isSessionRecord, isSignInRecord } from "./well-formed.ts";

/**
 * A store that lives and dies with the process, or with `close`: then every call rejects.
 *
 * @example
 * const sessions = createSessions({ store: memoryStore(), … });
 */
export function memoryStore(): SessionStore {
  const sessions = new Map<string, SessionRecord>();
  const signIns = new Map<string, SignInRecord>();
  let closed = false;
  const opened = <Records>(records: Records): Records => {
    if (closed) throw new Error("The memory store is closed.");
    return records;
  };

  return {
    ...sessionMethods(() => opened(sessions)),
    ...signInMethods(() => opened(signIns)),
    async sweep(now) {
      for (const [hash, session] of opened(sessions)) if (session.expiresAt <= now) sessions.delete(hash);
      for (const [id, signIn] of signIns) if (signIn.absoluteExpiresAt <= now) signIns.delete(id);
    },
    async close() {
      closed = true;
    },
  };
}

function sessionMethods(sessions: () => Map<string, SessionRecord>) {
  return {
    async insertSession(session) {
      const there = sessions().get(session.hash);
      if (there !== undefined && there.expiresAt > session.vouchedAt) return false;
      sessions().set(session.hash, session);
      return true;
    },
    async useSession(hash, now, idle) {
      const session = sessions().get(hash);
      if (!isSessionRecord(session) || session.expiresAt <= now) return null;
      const expiresAt = Math.max(session.expiresAt, Math.min(now + idle, session.absoluteExpiresAt));
      const used = { ...session, expiresAt };
      sessions().set(hash, used);
      return used;
    },
    async readSession(hash, now) {
      const session = sessions().get(hash);
      return !isSessionRecord(session) || session.expiresAt <= now ? null : session;
    },
    async updateSession(session) {
      const there = sessions().get(session.hash);
      if (there === undefined) return false;
      sessions().set(session.hash, { ...session, questionedAt: there.questionedAt });
      return true;
    },
    async questionSession(hash, at) {
      const session = sessions().get(hash);
      if (session !== undefined && session.questionedAt < at)
        sessions().set(hash, { ...session, questionedAt: at });
    },
    async deleteSession(hash) {
      sessions().delete(hash);
    },
  } satisfies Partial<SessionStore>;
}

function signInMethods(signIns: () => Map<string, SignInRecord>) {
  const wellFormed = () => [...signIns().values()].filter(isSignInRecord);
  return {
    async insertSignIn(signIn) {
      if (signIns().has(signIn.id)) return false;
      signIns().set(signIn.id, signIn);
      return true;
    },
    async readSignIn(id) {
      const signIn = signIns().get(id);
      return isSignInRecord(signIn) ? signIn : null;
    },
    async updateSignIn(next) {
      if (signIns().get(next.id)?.version !== next.version - 1) return false;
      signIns().set(next.id, next);
      return true;
    },
    async liveSignIns({ application, userId, after, limit }) {
      return wellFormed()
        .filter((signIn) => signIn.application === application && signIn.ended === null)
        .filter((signIn) => userId === null || signIn.user.id === userId)
        .filter((signIn) => after === null || byAuthentication(after, signIn) < 0)
        .sort(byAuthentication)
        .slice(0, limit);
    },
    async signInsOwingRevocation(limit) {
      return wellFormed()
        .filter((signIn) => signIn.revocationOwed)
        .slice(0, limit);
    },
  } satisfies Partial<SessionStore>;
}

type Place = Pick<SignInRecord, "authenticatedAt" | "id">;

function byAuthentication(one: Place, other: Place): number {
  return one.authenticatedAt - other.authenticatedAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
