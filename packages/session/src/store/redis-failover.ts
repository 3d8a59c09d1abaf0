/**
 * Listens to Sentinels for a new master. The old one, if it still runs, is told seconds after the new one is chosen, and what it
 * acknowledges until then is thrown away: a sign-out as well. So the connection to it is broken off as soon as a Sentinel says so.
 */
import { Redis } from "ioredis";
import type { RedisAddress } from "./redis-address.ts";
import { connectTimeout, longestPause, type RedisExtras } from "./redis-client.ts";

/** Calls `moved` whenever a Sentinel of this address has chosen another master; ends when what is returned is called. */
export function watchFailovers(
  address: RedisAddress,
  { tls, sentinel }: RedisExtras,
  moved: () => void,
): () => void {
  if (address.kind !== "sentinel") return () => undefined;
  const options = {
    connectTimeout,
    enableReadyCheck: false,
    // A subscription waits for as long as it takes.
    maxRetriesPerRequest: null,
    retryStrategy: () => longestPause,
    ...(address.tls && { tls: tls ?? {} }),
    ...(sentinel !== undefined && { password: sentinel.password }),
    ...(sentinel?.username !== undefined && { username: sentinel.username }),
  };
  const sentinels = address.hosts.map((host) => new Redis({ ...options, ...host }));
  for (const sentinel of sentinels) {
    // One that can't be reached is tried again; the others know as well.
    sentinel.on("error", () => undefined);
    sentinel.on("message", (_, switched: string) => {
      if (switched.startsWith(`${address.master} `)) moved();
    });
    sentinel.subscribe("+switch-master").catch(() => undefined);
  }
  return () => {
    for (const sentinel of sentinels) sentinel.disconnect();
  };
}
