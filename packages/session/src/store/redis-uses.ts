/**
 * Uses of sessions, all those of one turn of the event loop in one script: the client, the protocol and Redis's interpreter cost several
 * times what using one costs (docs/performance.md).
 */
import type { RedisConnection } from "./redis-connection.ts";
import { use } from "./redis-scripts.ts";

/** One use: moves the limit of a key to `until`, unless it is over; resolves to what the script says of it. */
export type UseKey = (key: string, over: number, until: number) => Promise<unknown>;

/** Keys of one script: Redis does nothing else meanwhile, some hundred microseconds. What it refuses, it refuses to all of them. */
const mostAtOnce = 100;

/** A use that waits. */
interface Waiting {
  readonly key: string;
  readonly over: number;
  readonly until: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Uses of keys over this connection. */
export function usesOf(redis: RedisConnection): UseKey {
  let waiting: Waiting[] = [];
  let most = redis.isCluster ? 1 : mostAtOnce;

  const settle = (uses: readonly Waiting[], answers: unknown): void => {
    if (answers === null && uses.length > 1) {
      // A key of another type, or a Cluster behind one address: each is asked for again, alone, and so is what comes after.
      most = 1;
      for (const each of uses) send([each]);
      return;
    }
    const each = answers === null ? [null] : answers;
    if (!Array.isArray(each) || each.length !== uses.length) redis.mistrust();
    else for (const [at, { resolve }] of uses.entries()) resolve(each[at]);
  };
  const send = (uses: readonly Waiting[]): void => {
    const keys = uses.map(({ key }) => key);
    const limits = uses.flatMap(({ over, until }) => [over, until]);
    redis
      .runOnAll(use, keys, limits)
      .then((answers) => settle(uses, answers))
      .catch((error: unknown) => {
        for (const { reject } of uses) reject(error);
      });
  };
  const sendAll = (): void => {
    const uses = waiting;
    waiting = [];
    for (let from = 0; from < uses.length; from += most) send(uses.slice(from, from + most));
  };
  return (key, over, until) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, over, until, resolve, reject }) === 1) redis.atEndOfTurn(sendAll);
    });
}
