/** What an honest run is: people without a thief, on whom the defences must never close the door. */
import type { Target } from "./target.ts";

/** What happened to honest people. */
export interface Experienced {
  readonly requests: number;
  readonly renewals: number;
  /** How often somebody had to sign in again who should not have had to. */
  readonly unwantedSignOuts: number;
}

/** One honest run. */
export interface HonestRun {
  readonly title: string;
  readonly story: string;
  run(target: Target): Promise<Experienced>;
}
