/**
 * Deadlines of many calls on one coarse timer, since a timer a call would cost more than most calls do. Time is counted in ticks, an
 * eighth of the deadline each: a process that was held up finds the answers that came meanwhile before it gives any call up.
 */

/** The deadlines of calls that all have the same patience. */
export interface Deadlines {
  /** Starts one; `passed` is called when it passes, unless it is ended before. */
  start(passed: () => void): Waiting;
  /** Ends one; `false` if it has ended or passed already. */
  end(waiting: Waiting): boolean;
  /** Ends all of them; no `passed` is called any more. */
  close(): void;
}

const ticksOfDeadline = 8;

/** A deadline that runs, between those that were started before and after it: all have the same patience, so they pass in that order. */
export interface Waiting {
  /** The tick with which it passes. */
  readonly due: number;
  readonly passed: () => void;
  earlier: Waiting | null;
  later: Waiting | null;
  isOver: boolean;
}

/** Deadlines of so many milliseconds, by up to an eighth late; no timer runs while nothing waits. */
export function deadlines(milliseconds: number): Deadlines {
  const interval = Math.ceil(milliseconds / ticksOfDeadline);
  let first: Waiting | null = null;
  let last: Waiting | null = null;
  let ticks = 0;
  let timer: NodeJS.Timeout | null = null;

  const end = (waiting: Waiting): boolean => {
    if (waiting.isOver) return false;
    waiting.isOver = true;
    if (waiting.earlier === null) first = waiting.later;
    else waiting.earlier.later = waiting.later;
    if (waiting.later === null) last = waiting.earlier;
    else waiting.later.earlier = waiting.earlier;
    return true;
  };
  const stop = () => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const tick = () => {
    ticks++;
    // Not stopped with the last answer: starting it for each call is what this file is there to avoid.
    if (first === null) return stop();
    for (let each: Waiting | null = first; each !== null && each.due <= ticks; each = each.later)
      if (end(each)) each.passed();
  };

  return {
    start(passed) {
      timer ??= setInterval(tick, interval);
      // The tick that is under way has begun already.
      const due = ticks + ticksOfDeadline + 1;
      const waiting: Waiting = { due, passed, earlier: last, later: null, isOver: false };
      if (last === null) first = waiting;
      else last.later = waiting;
      last = waiting;
      return waiting;
    },
    end,
    close() {
      stop();
      for (let each = first; each !== null; each = each.later) end(each);
    },
  };
}
