// Delivers what stands in the outbox: to each receiver at least once, the events of one user in order. A failing attempt is made
// again after 0.5–1 s, then after twice as long each time up to 5 minutes, for 24 hours; then the event is given up, with an event of
// its own. It holds up nobody but the same user at the same receiver. This file says when; delivery-attempt.ts does it.

import { setImmediate as nextTurn } from "node:timers/promises";
import { deliver, type DeliveryParts } from "./delivery-attempt.ts";

/** A running delivery. */
export interface Delivering {
  /** Tries everything that is due now and waits until nothing is. */
  settled(): Promise<void>;
  /** Breaks off what is under way; it is due again at once, for whoever opens the database next. */
  stop(): Promise<void>;
}

// At one receiver. Bounds memory and connections, and what a receiver that hangs can hold.
const AT_ONCE = 8;

// Longer than any attempt, so that no other process begins one while it is under way.
const LEASE_MS = 60_000;

// What other processes wrote, or held until they died, is looked for this often.
const POLL_MS = 5_000;

/** Begins to deliver, without keeping the process alive. */
export function startDelivering(parts: DeliveryParts): Delivering {
  const { outbox } = parts;
  const attempts = createAttempts(parts, () => void round());
  let timer: NodeJS.Timeout | undefined;
  const round = oneAtATime(async () => {
    clearTimeout(timer);
    if (attempts.stopped()) return;
    const pause = await claimDue(parts, attempts);
    if (!attempts.stopped()) timer = setTimeout(() => void round(), pause).unref();
  });
  outbox.listen(() => void round());
  void round();
  return {
    async settled() {
      // Behind what is told later.
      await new Promise(setImmediate);
      // What ended while a round looked may have made the next one due behind its back.
      let before: number;
      do {
        before = attempts.count();
        await round();
      } while ((await attempts.ended()) > before);
    },
    async stop() {
      attempts.stop();
      await round();
      await attempts.ended();
    },
  };
}

interface Attempts {
  /** How many more may be made at this receiver now. */
  room(receiver: string): number;
  begin(delivery: Parameters<typeof deliver>[1]): void;
  /** How many have ended so far. */
  count(): number;
  /** Waits for those under way and answers how many have ended by then. */
  ended(): Promise<number>;
  stop(): void;
  stopped(): boolean;
}

function createAttempts(parts: DeliveryParts, onEnd: () => void): Attempts {
  const underWay = new Map<Promise<void>, string>();
  const stopping = new AbortController();
  let count = 0;
  return {
    count: () => count,
    room: (receiver) => AT_ONCE - [...underWay.values()].filter((one) => one === receiver).length,
    begin(delivery) {
      const attempt = deliver(parts, delivery, stopping.signal)
        .catch((error: unknown) => publishFailure(parts, error))
        .finally(() => {
          underWay.delete(attempt);
          count += 1;
          onEnd();
        });
      underWay.set(attempt, delivery.receiver);
    },
    async ended() {
      await Promise.all(underWay.keys());
      return count;
    },
    stop: () => stopping.abort(),
    stopped: () => stopping.signal.aborted,
  };
}

// Claims what is due, as far as there is room, and answers after how many ms to look again.
async function claimDue(parts: DeliveryParts, attempts: Attempts): Promise<number> {
  const { outbox, config } = parts;
  let pause = POLL_MS;
  try {
    for (const { receiver, due } of await outbox.due()) {
      const wait = due - config.now();
      const room = attempts.room(receiver);
      if (wait > 0) pause = Math.min(pause, wait);
      if (wait > 0 || room <= 0) continue;
      (await outbox.claim(receiver, room, LEASE_MS)).forEach(attempts.begin);
      // Where stores answer at once, the attempts of all receivers would be one turn of the event loop, and everybody else would wait.
      await nextTurn();
    }
  } catch (error) {
    // A store that is down is asked again; what was claimed is due again when its lease is over.
    publishFailure(parts, error);
  }
  return pause;
}

function publishFailure({ publish }: DeliveryParts, error: unknown): void {
  const name = error instanceof Error ? error.name : "unknown";
  publish({ type: "failed", name, code: null, path: null });
}

// Two rounds at once would both count the same room. Whoever asks while one runs gets the one after it.
function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  let next: Promise<void> | null = null;
  return () => {
    next ??= last.then(() => {
      next = null;
      last = run();
      return last;
    });
    return next;
  };
}
