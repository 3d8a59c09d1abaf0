/**
 * Setting up what a node needs at the provider, again and again until it can be done: a node must be able to start before
 * the things it needs, or a whole installation could only be started in one order.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SetUpError } from "./errors.ts";

const firstPause = 250;
const longestPause = 2_000;

/** Tries once: `null` when it is done, else the line that says why not. Rejects with what is no SetUpError. */
export async function attempt(setUp: () => Promise<void>): Promise<string | null> {
  try {
    await setUp();
    return null;
  } catch (error) {
    if (error instanceof SetUpError) return error.message;
    throw error;
  }
}

/**
 * Goes on after an attempt that ended with `problem`. Resolves when `setUp` has succeeded, or, with `false`, when `signal` is aborted;
 * `report` gets each line that says why it is not done yet, once. Rejects with what is no SetUpError.
 */
export async function repeatUntilDone(
  setUp: () => Promise<void>,
  problem: string | null,
  { signal, report }: { readonly signal: AbortSignal; readonly report: (line: string) => void },
): Promise<boolean> {
  let [now, said] = [problem, ""];
  for (let pause = firstPause; now !== null; pause = Math.min(pause * 2, longestPause)) {
    if (now !== said) report(now);
    said = now;
    // Nodes that were started together must not ask together, every time.
    await delay(randomInt(pause / 2, pause + 1), undefined, { signal }).catch(() => {});
    if (signal.aborted) return false;
    now = await attempt(setUp);
  }
  return true;
}
