/**
 * What an attack is: a story, its source, the steps, what the hardened target promises about it, and the weakened
 * control that shows that the attack has teeth. It judges what was measured; it measures nothing itself.
 */
import type { Target, TargetOptions } from "./target.ts";

/** What an attacker got, as far as a stranger can see. */
export interface Measured {
  /** Successful requests of the attacker, after the theft. */
  readonly served: number;
  /** Seconds on the target's clock from the theft to the attacker's last success; 0 where there was none. */
  readonly usableSeconds: number;
  /** Whether the attacker was still served when the lab stopped watching. */
  readonly stillServed: boolean;
  /** Seconds from the attacker's first use to the moment the provider had revoked the family because of it; `null`: it never did. */
  readonly secondsToRevocation: number | null;
  /** The subjects of the messages the victim got after the theft; `null` where the target can send none. */
  readonly told: readonly string[] | null;
  /** Whether the victim had to sign in again because of the attack. */
  readonly victimSignedOut: boolean;
}

/**
 * What the hardened target promises.
 * - `nothing`: the attacker is never served, and the victim is not disturbed.
 * - `caught`: served for at most `seconds`; the sign-in is revoked, and the victim is told.
 * - `bounded`: served for at most `seconds`, and nobody notices: what can't be stopped, with its bound.
 */
export type Promised =
  | { readonly kind: "nothing" }
  | { readonly kind: "caught" | "bounded"; readonly seconds: number; readonly why: string };

/** One attack. */
export interface Attack {
  readonly title: string;
  /** Three sentences: what the attacker has, what they do, what would follow. */
  readonly story: string;
  readonly source: string;
  readonly promised: Promised;
  /** What the workflows as published do: they fall, or the attack passes them by. */
  readonly asDescribed: "falls" | "holds";
  /** Patches of lab/sabotage, one for each layer the attack has to pass; with them it must succeed. */
  readonly control: readonly string[];
  /** More of the target than its policy. */
  readonly target?: Pick<TargetOptions, "workflow" | "environment" | "tls">;
  run(target: Target): Promise<Measured>;
}

/** Which target an attack ran against. */
export type TargetName = "as-described" | "hardened" | "control";

/** One attack on one target. `right` is whether it went as it has to. */
export interface Verdict {
  readonly words: string;
  readonly right: boolean;
}

/** Judges what was measured: the hardened target must keep its promise, the control must break it. */
export function verdictOn({ promised, asDescribed }: Attack, name: TargetName, measured: Measured): Verdict {
  const kept = keeps(promised, measured);
  const mustBeKept = name === "hardened" || (name === "as-described" && asDescribed === "holds");
  return { words: kept ? wordsFor(measured) : "SUCCEEDS", right: kept === mustBeKept };
}

function keeps(promised: Promised, measured: Measured): boolean {
  if (promised.kind === "nothing") return measured.served === 0 && !measured.victimSignedOut;
  const isOver = !measured.stillServed && measured.usableSeconds <= promised.seconds;
  const isCaught =
    measured.secondsToRevocation !== null && measured.told !== null && measured.told.length > 0;
  return isOver && (promised.kind === "bounded" || isCaught);
}

function wordsFor({ served, secondsToRevocation, usableSeconds }: Measured): string {
  if (secondsToRevocation !== null) return "caught";
  return served === 0 ? "fails" : `ends after ${Math.round(usableSeconds)} s`;
}
