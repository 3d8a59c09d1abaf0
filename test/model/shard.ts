/** A share of the random histories, as a test: the shares are files of their own, so that they run side by side. */
import { describe, expect, test } from "vitest";
import { play } from "./play.ts";

/** 20,000 in all; `MODEL_RUNS` plays more of them, or fewer. */
const histories = Number(process.env["MODEL_RUNS"] ?? 5_000);

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
];

/** Plays one share; the file that calls it stands in for argon2 (cheap-argon2.ts). */
export function share(name: string): void {
  describe("random histories of a provider, two applications, three browsers and thieves", () => {
    test("honest people are signed out by limits, endings and found-out thefts alone, and what ended stays ended", {
      timeout: 600_000,
    }, async () => {
      const tally = await play(name, histories);
      expect(often.filter((what) => (tally[what] ?? 0) < histories / 1_000)).toEqual([]);
    });
  });
}
