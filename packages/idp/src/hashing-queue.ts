// At most so many passwords are hashed at once and at most so many wait. argon2id takes 19 MiB each, so without a bound a
// flood of sign-ins would take the machine's memory (D12, ASVS 2.4.1); beyond the bound callers hear 503 at once. One address has
// half of the places at most: whoever guesses from there must not turn everybody else's sign-in into a 503.

import { HashingBusyError } from "./errors.ts";
import type { Publish } from "./events.ts";

/** Runs expensive work within bounds. */
export interface HashingQueue {
  /**
   * What `work` answers; throws HashingBusyError at once when the queue is full, or its half that `range` may have. Null: it is not
   * known for whom, and all places may be taken.
   */
  run<T>(range: string | null, work: () => Promise<T>): Promise<T>;
  /** Throws HashingBusyError where every place is taken: what comes after it and would be refused at its end anyway need not be begun. */
  requirePlace(): void;
  /** Settles when nothing runs or waits. */
  idle(): Promise<void>;
}

/** A queue of `queue` places before `concurrency` workers. */
export function createHashingQueue(
  { concurrency, queue }: { concurrency: number; queue: number },
  publish: Publish,
  now: () => number,
): HashingQueue {
  const waiting: (() => void)[] = [];
  const idleListeners: (() => void)[] = [];
  const placesOf = new Map<string, number>();
  const share = Math.max(1, Math.floor((concurrency + queue) / 2));
  let running = 0;

  const refuse = (): never => {
    publish({ type: "password-hashing-refused", running, waiting: waiting.length });
    throw new HashingBusyError();
  };

  const requirePlace = (): void => {
    if (running >= concurrency && waiting.length >= queue) refuse();
  };

  const enter = async (): Promise<void> => {
    requirePlace();
    // Whoever leaves hands over his place, so `running` stays as it is.
    if (running === concurrency) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
  };

  const leave = (): void => {
    const next = waiting.shift();
    if (next !== undefined) return next();
    running -= 1;
    if (running === 0) for (const listener of idleListeners.splice(0)) listener();
  };

  const inPlace = async <T>(work: () => Promise<T>): Promise<T> => {
    const asked = now();
    await enter();
    const began = now();
    try {
      return await work();
    } finally {
      leave();
      const times = { waited: began - asked, milliseconds: now() - began };
      publish({ type: "password-hashed", ...times, running, waiting: waiting.length });
    }
  };

  return {
    async run(range, work) {
      if (range === null) return inPlace(work);
      const places = placesOf.get(range) ?? 0;
      if (places >= share) refuse();
      placesOf.set(range, places + 1);
      try {
        return await inPlace(work);
      } finally {
        const left = (placesOf.get(range) ?? 1) - 1;
        if (left === 0) placesOf.delete(range);
        else placesOf.set(range, left);
      }
    },
    requirePlace,
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))),
  };
}
