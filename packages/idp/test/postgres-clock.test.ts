// One clock for all nodes: what is reckoned from looks at the database's, whatever the way there and back takes.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDatabaseClock } from "../src/store/postgres/clock.ts";

const START = Date.UTC(2100, 0, 1);

test("before the first look the own clock counts; one look corrects it by the middle of what is possible", () => {
  const clock = createDatabaseClock(() => START);
  expect(clock.now()).toBe(START);
  clock.looked({ asked: START, theirs: START + 60_050, answered: START + 100 });
  expect(clock.now()).toBe(START + 60_000);
});

test("a slow answer moves nothing, a quick one no more than it must", () => {
  const clock = createDatabaseClock(() => START);
  clock.looked({ asked: START, theirs: START + 1_000, answered: START });
  clock.looked({ asked: START, theirs: START + 1_000, answered: START + 5_000 });
  expect(clock.now()).toBe(START + 1_000);
  clock.looked({ asked: START, theirs: START + 1_030, answered: START + 20 });
  expect(clock.now()).toBe(START + 1_010);
});

test("a look during which the own clock was set back counts for nothing", () => {
  const clock = createDatabaseClock(() => START);
  clock.looked({ asked: START, theirs: START - 7_000, answered: START - 1 });
  expect(clock.now()).toBe(START);
});

test("after any looks the clock is as wrong as the last one was slow, at most, and whole", () => {
  const looks = fc.array(
    fc.record({ there: fc.nat(3_000), back: fc.nat(3_000), pause: fc.nat(90_000), jump: fc.integer() }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(looks, fc.double({ min: -1e9, max: 1e9, noNaN: true }), (all, ahead) => {
      let own = START;
      const clock = createDatabaseClock(() => own);
      for (const { there, back, pause, jump } of all) {
        // The own clock may have been set, between looks.
        own += pause + (jump % 600_000);
        ahead -= jump % 600_000;
        clock.looked({ asked: own, theirs: own + there + ahead, answered: own + there + back });
        own += there + back;
        expect(Math.abs(clock.now() - (own + ahead))).toBeLessThanOrEqual(there + back + 1);
        expect(Number.isInteger(clock.now())).toBe(true);
      }
    }),
  );
});
