// What is told later than the step in which it came to pass: collected in memory, written together, and kept while the database is
// down. The same for every store; how it is written is the store's matter.

import { StoreUnavailableError } from "../errors.ts";
import { AFTER_THE_ANSWER_MS, MOST_TOLD_LATER } from "./bounds.ts";
import type { OutboxStore } from "./store.ts";
import type { Happening } from "./user-event.ts";

/** What waits to be told. */
export interface TellingLater extends Pick<OutboxStore, "tellLater"> {
  /** Writes what waits now; rejects as `write` does, and while the database is down what waits goes on waiting. */
  flush(): Promise<void>;
}

/** Nothing waits yet; `write` tells all it is given in one step. */
export function tellingLater(write: (happenings: readonly Happening[]) => Promise<void>): TellingLater {
  const later: Happening[] = [];
  const flush = async (): Promise<void> => {
    const happenings = later.splice(0);
    if (happenings.length === 0) return;
    try {
      await write(happenings);
    } catch (error) {
      // What can't be told for another reason must not hold up the others for ever.
      if (error instanceof StoreUnavailableError) later.unshift(...happenings.slice(0, MOST_TOLD_LATER));
      throw error;
    }
  };
  return {
    flush,
    tellLater(happening) {
      if (later.push(happening) > 1) return;
      setTimeout(() => void flush().catch(() => undefined), AFTER_THE_ANSWER_MS).unref();
    },
  };
}
