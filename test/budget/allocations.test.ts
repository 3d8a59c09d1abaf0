// Bytes that the library allocates for a page, without the framework's, with a store in the same process (allocations.ts does the work).
// Without an optimizer they are the same on every run to a tenth of a percent; the bounds are 15 % above what they were when they were set.
import { expect, test } from "vitest";
import { answerOf } from "./child.ts";

const flags = [
  "--expose-gc",
  "--min-semi-space-size=256",
  "--max-semi-space-size=256",
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
];

/** Bytes of the heap for each page. */
interface Allocated {
  readonly signedIn: number;
  readonly anonymous: number;
}

test("a page allocates no more than it did", async () => {
  const { memory, sqlite } = (await answerOf("allocations.ts", {}, flags)) as {
    memory: Allocated;
    sqlite: Allocated;
  };
  // 652, 5,012 and 7,530: who asks SQLite alone has a turn of the event loop for himself.
  expect(memory.anonymous).toBeLessThan(750);
  expect(memory.signedIn).toBeLessThan(5_760);
  expect(sqlite.signedIn).toBeLessThan(8_660);
}, 120_000);
