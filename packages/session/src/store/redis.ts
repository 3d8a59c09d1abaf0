/**
 * Sessions in Redis ≥ 7.0 (or Valkey ≥ 7.2): a server, a master behind Sentinels, or a Cluster, shared by all nodes of an
 * application. Sessions and sign-ins expire by themselves; the uses of one turn of the event loop are one command.
 *
 * What is durable when is Redis's to promise. `appendfsync always` keeps what was acknowledged, and costs a flush to disk each time.
 * `appendfsync everysec` may lose two seconds of it, when the power goes or only the process dies; a fail-over loses what the
 * replica had not received. `maxmemory-policy noeviction`: evicting costs no user a sign-in (D7), but a tombstone that is evicted
 * no longer answers for the sign-in that ended, and the provider has to.
 */
import { redisAddress } from "./redis-address.ts";
import { redisClient, type RedisExtras, type RedisTls } from "./redis-client.ts";
import { redisConnection } from "./redis-connection.ts";
import { watchFailovers } from "./redis-failover.ts";
import { signInIndex } from "./redis-index.ts";
import { listingMethods } from "./redis-listing.ts";
import { sessionMethods } from "./redis-sessions.ts";
import { signInMethods } from "./redis-sign-ins.ts";
import type { SessionStore } from "./store.ts";

export type { RedisExtras, RedisTls } from "./redis-client.ts";

/** Where Redis is, and whose sessions these are. */
export interface RedisStoreOptions extends RedisExtras {
  /**
   * `redis://[user:password@]host[:port][/database]`, `redis+sentinel://[user:password@]host:port,host:port/master[/database]` or
   * `redis+cluster://[user:password@]host:port,host:port`; with `rediss` instead of `redis` over TLS. Escapes such as `%40` are
   * decoded in user, password and master.
   */
  readonly url: string;
  /** What keeps this application's keys apart from others': 1 to 64 of A–Z a–z 0–9 `.` `_` `-`. */
  readonly application: string;
  /** Certificates that TLS needs beyond what this machine trusts. */
  readonly tls?: RedisTls;
}

/**
 * A store in Redis, which is connected to when first needed, and again by itself. Throws TypeError, naming the option and not
 * showing it, for one that can't be used. The store's methods reject while Redis can't be reached or does not write.
 *
 * @example
 * const sessions = createSessions({ store: redisStore({ url: "redis://127.0.0.1:6379", application: "store" }), … });
 */
export function redisStore({ url, application, ...extras }: RedisStoreOptions): SessionStore {
  if (!/^[\w.-]{1,64}$/.test(application))
    throw new TypeError('"application" must be 1 to 64 of A–Z a–z 0–9 . _ -');
  const address = redisAddress(url);
  const client = redisClient(address, extras);
  const redis = redisConnection(client);
  let unwatch: (() => void) | null = null;
  client.once("ready", () => {
    unwatch = watchFailovers(address, extras, () => redis.breakOff());
  });
  const prefix = `latchkey:${application}:`;
  const index = signInIndex(redis, prefix);
  let sweptAt = 0;
  const swept = () => sweptAt;
  const signIns = signInMethods(redis, index, (id) => `${prefix}i:${id}`, swept);

  return {
    ...sessionMethods(redis, (hash) => `${prefix}s:${hash}`, swept),
    ...signIns,
    ...listingMethods(index, signIns.readSignIn),
    async sweep(now) {
      // Redis itself removes records; what is left to do is trimming the lists of them.
      await index.trim(now);
      // Not the latest of all sweeps: a clock that was ahead for a moment must not shut everybody out until it is that late.
      sweptAt = now;
    },
    close() {
      unwatch?.();
      return redis.close();
    },
  };
}
