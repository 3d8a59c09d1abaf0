// One clock for all nodes: the database's. A node looks at it now and then and reckons with its own in between. Asks nothing itself.

/** One look: when it was asked and answered by the own clock, and what the database's said in between. Epoch milliseconds. */
export interface Look {
  readonly asked: number;
  readonly theirs: number;
  readonly answered: number;
}

/** The database's clock as a node reckons it. */
export interface DatabaseClock {
  /** Epoch milliseconds, whole ones; the own clock before the first look. */
  now(): number;
  /** Corrects the clock as far as the look proves it wrong. */
  looked(look: Look): void;
}

/** The database's clock, reckoned from `own`. */
export function createDatabaseClock(own: () => number): DatabaseClock {
  let offset: number | null = null;
  return {
    now: () => Math.floor(own() + (offset ?? 0)),
    looked(look) {
      offset = corrected(offset, look);
    },
  };
}

// Whatever the way there and back took: the database's clock is ahead by no less than `least` and no more than `most`. Within these
// bounds nothing is known to be wrong, so that a slow answer never moves the clock, and a quick one moves it as little as it must.
function corrected(offset: number | null, { asked, theirs, answered }: Look): number | null {
  // The own clock was set back meanwhile.
  if (answered < asked) return offset;
  const least = theirs - answered;
  const most = theirs - asked;
  return offset === null ? (least + most) / 2 : Math.min(Math.max(offset, least), most);
}
