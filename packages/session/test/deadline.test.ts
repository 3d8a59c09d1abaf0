// Deadlines on one coarse timer: each passes once, never early, at most an eighth late; what has ended never does.
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deadlines } from "../src/deadline.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a deadline passes once, at its time or up to an eighth later", () => {
  const waiting = deadlines(1_000);
  const passed = vi.fn();
  waiting.start(passed);
  vi.advanceTimersByTime(999);
  expect(passed).not.toHaveBeenCalled();
  vi.advanceTimersByTime(126);
  expect(passed).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000);
  expect(passed).toHaveBeenCalledOnce();
});

test("one that has ended never passes, and says so when it is ended again; one that has passed can't be ended", () => {
  const waiting = deadlines(100);
  const passed = vi.fn();
  const [ended, late] = [waiting.start(passed), waiting.start(() => {})];
  expect(waiting.end(ended)).toBe(true);
  expect(waiting.end(ended)).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(passed).not.toHaveBeenCalled();
  expect(waiting.end(late)).toBe(false);
});

test("no timer runs while nothing waits, nor after closing", () => {
  const waiting = deadlines(1_000);
  expect(vi.getTimerCount()).toBe(0);
  waiting.end(waiting.start(() => {}));
  vi.advanceTimersByTime(125);
  expect(vi.getTimerCount()).toBe(0);
  const passed = vi.fn();
  waiting.start(passed);
  waiting.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(10_000);
  expect(passed).not.toHaveBeenCalled();
});

test("ten thousand calls share one timer", () => {
  const waiting = deadlines(1_000);
  let passed = 0;
  for (let call = 0; call < 10_000; call++) waiting.start(() => passed++);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1_125);
  expect(passed).toBe(10_000);
});

test("what passes may end others and start new ones", () => {
  const waiting = deadlines(80);
  const heard: string[] = [];
  const first = waiting.start(() => {
    heard.push("first");
    waiting.end(second);
    waiting.start(() => heard.push("third"));
  });
  const second = waiting.start(() => heard.push("second"));
  vi.advanceTimersByTime(90);
  expect(heard).toEqual(["first"]);
  expect(waiting.end(first)).toBe(false);
  vi.advanceTimersByTime(100);
  expect(heard).toEqual(["first", "third"]);
});

test("whatever is started and ended when: each passes in time if it has not ended, and only then", () => {
  const [deadline, latest] = [160, 180];
  const call = fc.record({ after: fc.nat(40), endedAfter: fc.option(fc.nat(400)) });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
      const waiting = deadlines(deadline);
      const passedAt = new Map<number, number>();
      const startedAt: number[] = [];
      let start = 0;
      for (const [index, { after, endedAfter }] of calls.entries()) {
        start += after;
        setTimeout(() => {
          startedAt[index] = Date.now();
          const running = waiting.start(() => passedAt.set(index, Date.now()));
          if (endedAfter !== null) setTimeout(() => waiting.end(running), endedAfter);
        }, start);
      }
      vi.advanceTimersByTime(start + 1_000);
      for (const [index, { endedAfter }] of calls.entries()) {
        const at = passedAt.get(index);
        const took = at === undefined ? null : at - (startedAt[index] ?? 0);
        const mustNot = endedAfter !== null && endedAfter < deadline;
        const must = endedAfter === null || endedAfter > latest;
        const isInTime = took === null ? !must : !mustNot && took >= deadline && took <= latest;
        expect({ took, endedAfter, isInTime }).toMatchObject({ isInTime: true });
      }
      waiting.close();
    }),
  );
});
