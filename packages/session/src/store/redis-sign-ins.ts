/**
 * Sign-ins in Redis: one string key each, which expires an hour after the absolute limit, so that a tombstone is there by every
 * clock that still has the sign-in before it (D2). redis-index.ts says why the indexes are written before a record and cleared after it.
 */
import type { RedisConnection } from "./redis-connection.ts";
import { grace, type SignInIndex } from "./redis-index.ts";
import { readSignIn, signInValue } from "./redis-records.ts";
import { advance, insert, replace } from "./redis-scripts.ts";
import type { SessionStore, SignInRecord } from "./store.ts";

/** The methods of single sign-ins; `swept` is the instant the store was last swept at: what was over then stays over. */
export function signInMethods(
  redis: RedisConnection,
  index: SignInIndex,
  keyOf: (id: string) => string,
  swept: () => number,
): Pick<SessionStore, "insertSignIn" | "readSignIn" | "updateSignIn"> {
  /** The sign-in that was found; `null` if it is none, or over. */
  const found = (id: string, value: unknown): SignInRecord | null => {
    const signIn = readSignIn(value);
    if (signIn !== null && signIn.id !== id) redis.mistrust();
    return signIn !== null && signIn.absoluteExpiresAt > swept() ? signIn : null;
  };

  return {
    async insertSignIn(signIn) {
      const key = keyOf(signIn.id);
      const written = [signInValue(signIn), signIn.absoluteExpiresAt + grace] as const;
      await index.expect(signIn);
      const there = await redis.run(insert, key, swept(), ...written);
      if (there === 1) return true;
      const value: unknown = Array.isArray(there) ? there[0] : null;
      if (typeof value !== "string") redis.mistrust();
      if (found(signIn.id, value) !== null) return false;
      return redis.did(redis.run(replace, key, value, ...written));
    },

    readSignIn: async (id) => found(id, await redis.ask("get", keyOf(id))),

    async updateSignIn(next) {
      await index.expect(next);
      const { id, version, absoluteExpiresAt } = next;
      const written = [signInValue(next), absoluteExpiresAt + grace] as const;
      const isNext = await redis.did(redis.run(advance, keyOf(id), version - 1, ...written));
      if (isNext) await index.dismiss(next);
      return isNext;
    },
  };
}
