/**
 * The client of an address: ioredis, set so that it sends nothing twice and waits for nothing by itself. What is done about its
 * connection is redis-connection.ts's.
 */
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import type { RedisAddress } from "./redis-address.ts";

/** Milliseconds a connection may take, and a call waits for one. */
export const connectTimeout = 800;

/** Milliseconds without a byte while answers are due, after which a connection counts as dead. Both together stay below the contract's two seconds. */
const silence = 1_000;

/** Milliseconds between two attempts to connect, at most: how long a store that is back may go unnoticed. */
export const longestPause = 1_000;

/** What TLS needs beyond the authorities this machine trusts; there is no way to trust everybody. */
export type RedisTls = Pick<ConnectionOptions, "ca" | "cert" | "key" | "servername">;

/** What an address can't say. */
export interface RedisExtras {
  readonly tls?: RedisTls;
  /** Who to be towards Sentinels, where they ask. */
  readonly sentinel?: { readonly username?: string; readonly password: string };
}

/** A client that connects when told to. Throws TypeError for settings that don't fit the address, or that TLS can't use. */
export function redisClient(address: RedisAddress, { tls, sentinel }: RedisExtras): Redis | Cluster {
  if (tls !== undefined && !address.tls)
    throw new TypeError('"tls" is given, but "url" does not start with rediss');
  const { username, password } = address.credentials ?? {};
  const options = {
    ...everyConnection,
    ...(username !== undefined && username !== null && { username }),
    ...(password !== undefined && { password }),
    ...(address.tls && { tls: checked(tls ?? {}) }),
  };
  if (address.kind === "cluster") return new Cluster([...address.hosts], clusterOptions(options));
  const single = { ...options, ...onlyConnection, db: address.database };
  if (address.kind === "server") return new Redis({ ...single, ...address.at });
  return new Redis({
    ...single,
    name: address.master,
    sentinels: [...address.hosts],
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: connectTimeout,
    ...(address.tls && { sentinelTLS: options.tls ?? {}, enableTLSForSentinelMode: true }),
    ...(sentinel !== undefined && { sentinelPassword: sentinel.password }),
    ...(sentinel?.username !== undefined && { sentinelUsername: sentinel.username }),
  });
}

// OpenSSL would say so when the first request comes.
function checked(tls: RedisTls): RedisTls {
  try {
    createSecureContext(tls);
    return tls;
  } catch {
    throw new TypeError('"tls" holds a certificate or a key that can\'t be used');
  }
}

const everyConnection = {
  autoResendUnfulfilledCommands: false,
  connectTimeout,
  socketTimeout: silence,
} satisfies RedisOptions;

const onlyConnection = {
  lazyConnect: true,
  // Both, so that what waits or is under way when a connection breaks fails there and then.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  maxLoadingRetryTime: 250,
  retryStrategy: pause,
} satisfies RedisOptions;

function clusterOptions(redisOptions: typeof everyConnection & { tls?: RedisTls }) {
  return {
    redisOptions,
    lazyConnect: true,
    clusterRetryStrategy: pause,
    // These would send again what may have been carried out by a node that is gone; and waiting is for the caller to decide.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshInterval: 10_000,
    // A certificate names hosts, not the addresses they resolve to.
    ...(redisOptions.tls !== undefined && { dnsLookup: keepName }),
  } satisfies ClusterOptions;
}

const keepName: NonNullable<ClusterOptions["dnsLookup"]> = (host, found) => found(null, host);

/** Milliseconds until the next attempt. The first comes at once: an idle connection that was closed is no outage. */
function pause(attempt: number): number {
  return attempt === 1 ? 20 : Math.min(longestPause, 20 * 2 ** attempt);
}
