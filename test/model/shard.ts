/** A share of the random histories, as a test: the shares are files of their own, so that they run side by side. */
import { describe, expect, test } from "vitest";
import { play } from "./play.ts";
import type { Backend } from "./provider.ts";

/** Things that must have happened often for a share to have proved anything. */
const often = [
  "signed-in",
  "renewed due",
  "renewed concurrent",
  "renewed lost-answer",
  "sign-in-ended reuse-detected",
  "sign-in-ended signed-out",
  "sign-in-ended signed-out-everywhere",
  "sign-in-ended ended-from-another-device",
  "sign-in-ended refused-by-provider",
  "password-changed",
  "mismatched-pair",
  "thefts followed to their end",
  "shadow far away: found out",
];

/**
 * Plays so many histories, or `MODEL_RUNS`, as one test. They are the same in every run, so that a red one is about the
 * change at hand; other seeds look for what nobody has thought of: `MODEL_SEED=$RANDOM vitest run test/model`.
 */
export function share(histories: number, seed: number, start: (now: () => number) => Promise<Backend>): void {
  const runs = Number(process.env["MODEL_RUNS"] ?? histories);
  describe(`${runs} random histories of a provider, two applications, three browsers and thieves`, () => {
    test("honest people are signed out by limits, endings and found-out thefts alone, and what ended stays ended", {
      timeout: 900_000,
    }, async () => {
      const tally = await play(start, runs, Number(process.env["MODEL_SEED"] ?? seed));
      if (process.env["MODEL_TALLY"]) console.log(tally);
      // One history that is played again proves nothing but itself.
      if (process.env["MODEL_PATH"] !== undefined) return;
      expect(often.filter((what) => (tally[what] ?? 0) < runs / 1_000)).toEqual([]);
      // Some histories end before their thief does. Handed what nobody had presented, five in six were undetected.
      const { "shadow far away: found out": found = 0, "shadow far away: undetected": undetected = 0 } =
        tally;
      expect(undetected).toBeLessThan(found / 10);
    });
  });
}
