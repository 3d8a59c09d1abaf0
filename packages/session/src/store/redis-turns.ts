/**
 * Commands of one turn of the event loop leave in one write. Without it each is a system call here and one for Redis, and these cost
 * more than the rest of using a session; nobody waits longer, since the loop would not look for answers before the turn is over.
 */
import type { Socket } from "node:net";
import { type Cluster, Redis } from "ioredis";

/** The turns of one client. */
export interface Turns {
  /** Asked before each command. A Cluster's commands go to several connections, and leave one by one. */
  hold(): void;
  /** Does something when the turn is over, right before what it holds leaves. */
  atEnd(act: () => void): void;
  /** The turn is over. */
  end(): void;
}

/** Nothing is held yet. */
export function turnsOf(client: Redis | Cluster): Turns {
  let held: Socket | null = null;
  const acts: (() => void)[] = [];
  let isUnderWay = false;

  const end = () => {
    try {
      for (let act = acts.shift(); act !== undefined; act = acts.shift()) act();
    } finally {
      held?.uncork();
      held = null;
      isUnderWay = false;
    }
  };
  const begin = () => {
    if (!isUnderWay) setImmediate(end);
    isUnderWay = true;
  };
  return {
    hold() {
      if (held !== null || !(client instanceof Redis) || client.status !== "ready") return;
      held = client.stream;
      held.cork();
      begin();
    },
    atEnd(act) {
      acts.push(act);
      begin();
    },
    end,
  };
}
