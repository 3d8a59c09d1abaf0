// The circuit breaker: whatever happens in whatever order, it opens only for a row of missed answers, lets one call try, and never
// shuts anybody out for longer than its longest pause.
import fc from "fast-check";
import { expect, test } from "vitest";
import { breaker, closedCircuit, firstPause, longestPause, mostMissed } from "../src/circuit.ts";

type Step =
  | { readonly do: "enter" }
  | { readonly do: "pass"; readonly milliseconds: number }
  /** A call that is out comes home: the one with that number, modulo how many there are. */
  | { readonly do: "answered" | "missed"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: "enter" }),
  fc.record({
    do: fc.constant("pass" as const),
    milliseconds: fc.integer({ min: 0, max: 2 * longestPause }),
  }),
  fc.record({
    do: fc.constantFrom("answered" as const, "missed" as const, "missed" as const),
    which: fc.nat(20),
  }),
);

/** The time, and the calls that are out: of which era, and whether the circuit was open when they went. */
interface Seen {
  now: number;
  readonly out: { readonly era: number; readonly tried: boolean }[];
}

function start() {
  const seen: Seen = { now: 1_000_000, out: [] };
  const changes: string[] = [];
  const circuit = breaker(
    () => seen.now,
    (to) => changes.push(to),
  );
  return { seen, changes, circuit };
}

test("a closed circuit lets everybody through, and opens at the fifth missed answer in a row, not before", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), (answers) => {
      const { circuit, changes } = start();
      let row = 0;
      for (const isAnswered of answers) {
        const era = circuit.enter();
        if (era === null) throw new Error("a closed circuit turned a call away");
        if (isAnswered) circuit.answered(era);
        else circuit.missed(era);
        row = isAnswered ? 0 : row + 1;
        expect(changes).toEqual(row === mostMissed ? ["open"] : []);
        expect(circuit.enter() === null).toBe(row === mostMissed);
        if (row === mostMissed) return;
      }
    }),
  );
});

test("whatever happens: at most one call tries at a time, never before the pause is over, and what is old changes nothing", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { circuit, changes, seen } = start();
      const wrong: string[] = [];
      for (const each of steps) {
        const isClosed = changes.at(-1) !== "open";
        if (each.do === "pass") seen.now += each.milliseconds;
        else if (each.do === "enter") {
          const era = circuit.enter();
          const trying = seen.out.filter(({ tried, era: of }) => tried && of === era);
          const tooMany = !isClosed && trying.length > 0;
          if (tooMany || (isClosed && era === null)) wrong.push(`${circuit.retryAfter()} ${era}`);
          if (era !== null) seen.out.push({ era, tried: !isClosed });
        } else if (seen.out.length > 0) {
          const [home] = seen.out.splice(each.which % seen.out.length, 1);
          if (home !== undefined) circuit[each.do](home.era);
        }
        expect(circuit.retryAfter()).toBeGreaterThanOrEqual(1);
        expect(circuit.retryAfter()).toBeLessThanOrEqual(longestPause / 1_000);
      }
      expect(wrong).toEqual([]);
      // It opens and closes by turns, and begins by opening.
      expect(changes).toEqual(changes.map((_, at) => (at % 2 === 0 ? "open" : "closed")));
    }),
  );
});

test("whatever happened: once all calls are home, the longest pause later one is let through, and closes it if it is answered", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { circuit, changes, seen } = start();
      for (const each of steps) {
        if (each.do === "pass") seen.now += each.milliseconds;
        else if (each.do === "enter") {
          const era = circuit.enter();
          if (era !== null) seen.out.push({ era, tried: false });
        } else {
          const home = seen.out.shift();
          if (home !== undefined) circuit[each.do](home.era);
        }
      }
      for (const { era } of seen.out) circuit.missed(era);
      seen.now += longestPause;
      const era = circuit.enter();
      if (era === null) throw new Error("somebody is shut out for ever");
      circuit.answered(era);
      expect(changes.at(-1)).not.toBe("open");
      expect(circuit.enter()).not.toBeNull();
    }),
  );
});

test("the pause doubles with each try that gets no answer, up to the longest", () => {
  const { circuit, seen, changes } = start();
  for (let missed = 0; missed < mostMissed; missed++) circuit.missed(circuit.enter() ?? -1);
  let pause = firstPause;
  for (let tried = 0; tried < 8; tried++) {
    seen.now += pause - 1;
    expect(circuit.enter()).toBeNull();
    seen.now += 1;
    const era = circuit.enter();
    expect(era).not.toBeNull();
    expect(circuit.enter()).toBeNull();
    circuit.missed(era ?? -1);
    pause = Math.min(2 * pause, longestPause);
  }
  expect(pause).toBe(longestPause);
  expect(changes).toEqual(["open"]);
});

test("after it has closed, the pauses begin anew", () => {
  const { circuit, seen } = start();
  const open = () => {
    for (let missed = 0; missed < mostMissed; missed++) circuit.missed(circuit.enter() ?? -1);
  };
  open();
  seen.now += firstPause;
  circuit.missed(circuit.enter() ?? -1);
  seen.now += 2 * firstPause;
  circuit.answered(circuit.enter() ?? -1);
  open();
  seen.now += firstPause;
  expect(circuit.enter()).not.toBeNull();
});

test("a hundred calls that were out when it opened are one outage: coming home later, they neither close it nor make it longer", () => {
  const { circuit, seen, changes } = start();
  const eras = Array.from({ length: 100 }, () => circuit.enter() ?? -1);
  for (const era of eras.slice(0, 50)) circuit.missed(era);
  expect(circuit.enter()).toBeNull();
  for (const era of eras.slice(50, 75)) circuit.answered(era);
  expect(circuit.enter()).toBeNull();
  seen.now += firstPause;
  const trying = circuit.enter() ?? -1;
  for (const era of eras.slice(75)) circuit.missed(era);
  expect(circuit.enter()).toBeNull();
  circuit.answered(trying);
  expect(changes).toEqual(["open", "closed"]);
});

test("a clock that is set back does not keep it open", () => {
  const { circuit, seen } = start();
  for (let missed = 0; missed < mostMissed; missed++) circuit.missed(circuit.enter() ?? -1);
  expect(circuit.enter()).toBeNull();
  seen.now -= 3_600_000;
  expect(circuit.enter()).not.toBeNull();
});

test("it begins closed", () => {
  expect(closedCircuit).toEqual({ is: "closed", era: 0, missed: 0 });
});
