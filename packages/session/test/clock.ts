/** The clock of a test: it stands still until the test moves it. */
import { day, hour, minute } from "./records.ts";

/** Time, for provider, sessions and browsers alike. */
export interface Clock {
  now(): number;
  /** Moves on by a length of time: `pass(10, "minutes")`. */
  pass(amount: number, unit: "milliseconds" | "seconds" | "minutes" | "hours" | "days"): void;
}

const units = { milliseconds: 1, seconds: 1_000, minutes: minute, hours: hour, days: day };

export function clock(at: number): Clock {
  let now = at;
  return {
    now: () => now,
    pass(amount, unit) {
      now += amount * units[unit];
    },
  };
}

/** Something a test lets happen when it wants it to. */
export interface Gate {
  /** Resolves when somebody has come to the gate. */
  readonly reached: Promise<void>;
  open(): void;
  /** For whoever has to wait: resolves when the gate is open. */
  pass(): Promise<void>;
}

export function gate(): Gate {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass() {
      reached.resolve();
      return opened.promise;
    },
  };
}
