/**
 * A circuit breaker: whoever gave no answer several times in a row is not asked for a while, then by one call alone, and by
 * everybody again once that one was answered. What counts as no answer is the caller's business. The state machine is pure:
 *
 * | it is | a call | an answer | no answer |
 * | --- | --- | --- | --- |
 * | closed | goes out | the row of missed answers is over | the fifth in a row opens it |
 * | open | is turned away; after the pause it goes out and the circuit is half-open | – | – |
 * | half-open | is turned away: one is out already | closes it | opens it again, for twice as long, at most 5 s |
 *
 * Each change begins another era, and what a call of an earlier era brings home changes nothing: a hundred calls that were out when
 * it opened are one outage, and none of them passes for the one that tries.
 */

/** How a circuit stands. Times are milliseconds. */
export type Circuit =
  | { readonly is: "closed"; readonly era: number; readonly missed: number }
  | { readonly is: "open"; readonly era: number; readonly pause: number; readonly since: number }
  | { readonly is: "half-open"; readonly era: number; readonly pause: number };

/** Nothing was missed yet. */
export const closedCircuit: Circuit = { is: "closed", era: 0, missed: 0 };

/** Missed answers in a row that open a circuit. */
export const mostMissed = 5;

/** Milliseconds until the first call tries whether there are answers again. */
export const firstPause = 500;

/** Milliseconds the pause grows to: how long after recovery somebody may still be turned away. */
export const longestPause = 5_000;

/** The circuit with a call out, which belongs to its era; `null` if the call is turned away. */
export function admitted(circuit: Circuit, now: number): Circuit | null {
  if (circuit.is === "closed") return circuit;
  if (circuit.is === "half-open" || pauseLeft(circuit, now) > 0) return null;
  return { is: "half-open", era: circuit.era + 1, pause: circuit.pause };
}

/** The circuit after a call of that era was answered. */
export function answered(circuit: Circuit, era: number): Circuit {
  if (circuit.era !== era || circuit.is === "open") return circuit;
  if (circuit.is === "closed" && circuit.missed === 0) return circuit;
  return { is: "closed", era: circuit.is === "closed" ? era : era + 1, missed: 0 };
}

/** The circuit after a call of that era got no answer. */
export function missed(circuit: Circuit, era: number, now: number): Circuit {
  if (circuit.era !== era || circuit.is === "open") return circuit;
  if (circuit.is === "half-open")
    return { is: "open", era: era + 1, pause: Math.min(2 * circuit.pause, longestPause), since: now };
  if (circuit.missed + 1 < mostMissed) return { is: "closed", era, missed: circuit.missed + 1 };
  return { is: "open", era: era + 1, pause: firstPause, since: now };
}

/** Milliseconds until a call may try; 0 unless the circuit is open. */
function pauseLeft(circuit: Circuit, now: number): number {
  // A clock that was set back must not keep it open.
  if (circuit.is !== "open" || now < circuit.since) return 0;
  return Math.max(0, circuit.since + circuit.pause - now);
}

/** A circuit and what happens to it. */
export interface Breaker {
  /** The era of a call that may go out; `null` if it is turned away. */
  enter(): number | null;
  /** A call of that era was answered. */
  answered(era: number): void;
  /** A call of that era got no answer. */
  missed(era: number): void;
  /** Whole seconds after which it is worth coming back, at least one. */
  retryAfter(): number;
}

/** A closed circuit; `changed` hears when it opens and when it closes, not of what is tried in between. */
export function breaker(now: () => number, changed: (to: "open" | "closed") => void): Breaker {
  let circuit = closedCircuit;
  const become = (next: Circuit) => {
    const before = circuit.is;
    circuit = next;
    if (before === "closed" && next.is === "open") changed("open");
    if (before === "half-open" && next.is === "closed") changed("closed");
  };
  return {
    enter() {
      if (circuit.is === "closed") return circuit.era;
      const next = admitted(circuit, now());
      if (next === null) return null;
      become(next);
      return next.era;
    },
    answered: (era) => become(answered(circuit, era)),
    missed: (era) => become(missed(circuit, era, now())),
    retryAfter: () => Math.max(1, Math.ceil(pauseLeft(circuit, now()) / 1_000)),
  };
}
