/**
 * Sessions in Redis: one string key each, whose expiry is the idle limit. Redis forgets a session by itself; the caller's clock
 * decides exactly, also where Redis's clock differs a little. Those used in one turn of the event loop are one command.
 */
import type { RedisConnection } from "./redis-connection.ts";
import { readSession, sessionJson, sessionValue } from "./redis-records.ts";
import { insert, look, raise, replace, rewrite } from "./redis-scripts.ts";
import { usesOf } from "./redis-uses.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** The methods of sessions; `swept` is the instant the store was last swept at: what was over then stays over. */
export function sessionMethods(
  redis: RedisConnection,
  keyOf: (hash: string) => string,
  swept: () => number,
): Pick<
  SessionStore,
  "insertSession" | "useSession" | "readSession" | "updateSession" | "questionSession" | "deleteSession"
> {
  const useKey = usesOf(redis);
  /** The session that was found; `null` if it is none, or over. */
  const found = (hash: string, value: unknown, limit: unknown, over: number): SessionRecord | null => {
    const session = readSession(value, limit);
    if (session !== null && session.hash !== hash) redis.mistrust();
    return session !== null && session.expiresAt > over ? session : null;
  };

  return {
    async insertSession(session) {
      const key = keyOf(session.hash);
      const over = Math.max(session.vouchedAt, swept());
      const written = [sessionValue(session), session.expiresAt] as const;
      const there = await redis.run(insert, key, over, ...written);
      if (there === 1) return true;
      const [value, limit] = pair(there);
      if (typeof value !== "string") redis.mistrust();
      if (found(session.hash, value, limit, over) !== null) return false;
      // Past its absolute limit, or no session at all.
      return redis.did(redis.run(replace, key, value, ...written));
    },

    async useSession(hash, now, idle) {
      const over = Math.max(now, swept());
      const answer = await useKey(keyOf(hash), over, now + idle);
      const [value, limit] = Array.isArray(answer) ? pair(answer) : [answer, now + idle];
      return found(hash, value, limit, over);
    },

    async readSession(hash, now) {
      const over = Math.max(now, swept());
      const [value, limit] = pair(await redis.run(look, keyOf(hash), over));
      return found(hash, value, limit, over);
    },

    async updateSession(session) {
      const written = [sessionJson(session), session.expiresAt] as const;
      return redis.did(redis.run(rewrite, keyOf(session.hash), swept(), ...written));
    },

    async questionSession(hash, at) {
      await redis.did(redis.run(raise, keyOf(hash), at));
    },

    async deleteSession(hash) {
      await redis.did(redis.ask("del", keyOf(hash)));
    },
  };
}

function pair(answer: unknown): [unknown, unknown] {
  return Array.isArray(answer) ? [answer[0], answer[1]] : [null, null];
}
