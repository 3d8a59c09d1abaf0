/**
 * Setting up what a node needs at the provider, again and again until it can be done: a node must be able to start before
 * the things it needs, or a whole installation could only be started in one order.
 */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SetUpError } from "./errors.ts";

const firstPause = 250;
const longestPause = 2_000;

/**
 * Resolves when `setUp` has succeeded, or, with `false`, when `signal` is aborted; `report` gets each line that says why it is
 * not done yet, once. Rejects with what is no SetUpError.
 */
export async function setUpUntilDone(
  setUp: () => Promise<void>,
  { signal, report }: { readonly signal: AbortSignal; readonly report: (line: string) => void },
): Promise<boolean> {
  let said = "";
  for (let pause = firstPause; !signal.aborted; pause = Math.min(pause * 2, longestPause)) {
    const problem = await attempt(setUp);
    if (problem === null) return true;
    if (problem !== said) report(problem);
    said = problem;
    // Nodes that were started together must not ask together, every time.
    await delay(randomInt(pause / 2, pause + 1), undefined, { signal }).catch(() => {});
  }
  return false;
}

async function attempt(setUp: () => Promise<void>): Promise<string | null> {
  try {
    await setUp();
    return null;
  } catch (error) {
    if (error instanceof SetUpError) return error.message;
    throw error;
  }
}
