// At most so many passwords are hashed at once and at most so many wait. argon2id takes 19 MiB each, so without a bound a
// flood of sign-ins would take the machine's memory (D12, ASVS 2.4.1); beyond the bound callers hear 503 at once.

import { HashingBusyError } from "./errors.ts";
import type { Publish } from "./events.ts";

/** Runs expensive work within bounds. */
export interface HashingQueue {
  /** What `work` answers; throws HashingBusyError at once when the queue is full. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Settles when nothing runs or waits. */
  idle(): Promise<void>;
}

/** A queue of `queue` places before `concurrency` workers. */
export function createHashingQueue(
  { concurrency, queue }: { concurrency: number; queue: number },
  publish: Publish,
): HashingQueue {
  const waiting: (() => void)[] = [];
  const idleListeners: (() => void)[] = [];
  let running = 0;

  const enter = async (): Promise<void> => {
    if (running < concurrency) {
      running += 1;
      return;
    }
    if (waiting.length >= queue) {
      publish({ type: "password-hashing-refused", running, waiting: waiting.length });
      throw new HashingBusyError();
    }
    // Whoever leaves hands over his place, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  };

  const leave = (): void => {
    const next = waiting.shift();
    if (next !== undefined) return next();
    running -= 1;
    if (running === 0) for (const listener of idleListeners.splice(0)) listener();
  };

  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))),
  };
}
