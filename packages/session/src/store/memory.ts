/** Sessions in this process's memory: for tests and for trying things. A restart signs everybody out. */
import type { SessionRecord, SessionStore, SignInRecord } from "./store.ts";

/**
 * A store that lives and dies with the process.
 *
 * @example
 * const sessions = createSessions({ store: memoryStore(), … });
 */
export function memoryStore(): SessionStore {
  const sessions = new Map<string, SessionRecord>();
  const signIns = new Map<string, SignInRecord>();

  return {
    ...sessionMethods(sessions),
    ...signInMethods(signIns),
    async sweep(now) {
      for (const [hash, session] of sessions) if (session.expiresAt <= now) sessions.delete(hash);
      for (const [id, signIn] of signIns) if (signIn.absoluteExpiresAt <= now) signIns.delete(id);
    },
    async close() {},
  };
}

function sessionMethods(sessions: Map<string, SessionRecord>) {
  return {
    async insertSession(session) {
      const there = sessions.get(session.hash);
      if (there !== undefined && there.expiresAt > session.vouchedAt) return false;
      sessions.set(session.hash, session);
      return true;
    },
    async useSession(hash, now, idle) {
      const session = sessions.get(hash);
      if (session === undefined || session.expiresAt <= now) return null;
      const used = { ...session, expiresAt: Math.min(now + idle, session.absoluteExpiresAt) };
      sessions.set(hash, used);
      return used;
    },
    async readSession(hash, now) {
      const session = sessions.get(hash);
      return session === undefined || session.expiresAt <= now ? null : session;
    },
    async updateSession(session) {
      const there = sessions.get(session.hash);
      if (there === undefined) return false;
      sessions.set(session.hash, { ...session, questionedAt: there.questionedAt });
      return true;
    },
    async questionSession(hash, at) {
      const session = sessions.get(hash);
      if (session !== undefined && session.questionedAt < at)
        sessions.set(hash, { ...session, questionedAt: at });
    },
    async deleteSession(hash) {
      sessions.delete(hash);
    },
  } satisfies Partial<SessionStore>;
}

function signInMethods(signIns: Map<string, SignInRecord>) {
  return {
    async insertSignIn(signIn) {
      if (signIns.has(signIn.id)) return false;
      signIns.set(signIn.id, signIn);
      return true;
    },
    async readSignIn(id) {
      return signIns.get(id) ?? null;
    },
    async updateSignIn(next) {
      if (signIns.get(next.id)?.version !== next.version - 1) return false;
      signIns.set(next.id, next);
      return true;
    },
    async signInsOfUser(userId) {
      return [...signIns.values()]
        .filter((signIn) => signIn.user.id === userId)
        .sort((a, b) => b.authenticatedAt - a.authenticatedAt);
    },
    async liveSignIns({ application, userId, after, limit }) {
      return [...signIns.values()]
        .filter((signIn) => signIn.application === application && signIn.ended === null)
        .filter((signIn) => userId === null || signIn.user.id === userId)
        .filter((signIn) => after === null || byAuthentication(after, signIn) < 0)
        .sort(byAuthentication)
        .slice(0, limit);
    },
    async signInsOwingRevocation(limit) {
      return [...signIns.values()].filter((signIn) => signIn.revocationOwed).slice(0, limit);
    },
  } satisfies Partial<SessionStore>;
}

type Place = Pick<SignInRecord, "authenticatedAt" | "id">;

function byAuthentication(one: Place, other: Place): number {
  return one.authenticatedAt - other.authenticatedAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
}
