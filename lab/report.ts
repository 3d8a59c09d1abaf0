/** The table of a run: on the screen while it grows, and as lab/RESULTS.md. It words what was judged elsewhere. */
import type { Attack, Measured, Promised, TargetName, Verdict } from "./attack.ts";
import type { Experienced, HonestRun } from "./honest.ts";

/** One attack on one target, done; `error` where it could not be carried out. */
export interface AttackResult {
  readonly name: string;
  readonly attack: Attack;
  readonly target: TargetName;
  readonly seconds: number;
  readonly outcome: { readonly measured: Measured; readonly verdict: Verdict } | { readonly error: string };
}

/** One honest run, done. */
export interface HonestResult {
  readonly name: string;
  readonly honest: HonestRun;
  readonly seconds: number;
  readonly outcome: { readonly experienced: Experienced } | { readonly error: string };
}

/** Whether a result is what it has to be. */
export function isRight(result: AttackResult | HonestResult): boolean {
  const { outcome } = result;
  if ("error" in outcome) return false;
  return "verdict" in outcome ? outcome.verdict.right : outcome.experienced.unwantedSignOuts === 0;
}

/** A line for the screen. */
export function line(result: AttackResult | HonestResult): string {
  const { name, outcome, seconds } = result;
  const mark = isRight(result) ? "ok   " : "WRONG";
  const what = "target" in result ? `${name} on ${result.target}` : `honest: ${name}`;
  const told =
    "error" in outcome
      ? outcome.error
      : "verdict" in outcome
        ? `${outcome.verdict.words}; ${columns(outcome.measured).join(" | ")}`
        : `${outcome.experienced.unwantedSignOuts} unwanted sign-outs in ${outcome.experienced.requests} requests`;
  return `${mark} ${what.padEnd(52)} ${told}  (${seconds.toFixed(1)} s)`;
}

/** lab/RESULTS.md. */
export function markdown(
  attacks: readonly AttackResult[],
  honest: readonly HonestResult[],
  about: string,
): string {
  return `# What the lab saw

${about}

Seconds are those of the target's clock, under its default lifetimes. A control is the hardened system with the named patches
of [sabotage](sabotage) applied: there the attack has to succeed, or it proves nothing.

| attack | target | verdict | usable after theft, s | requests served | misuse to revocation, s | victim told | victim signs in again |
| --- | --- | --- | --- | --- | --- | --- | --- |
${attacks.map(attackRow).join("\n")}

## What the hardened policy does not stop

${limits(attacks).join("\n")}

## Honest people, without a thief

| run | requests | renewals | unwanted sign-outs |
| --- | --- | --- | --- |
${honest.map(honestRow).join("\n")}

## The attacks

${stories(attacks).join("\n\n")}
`;
}

function attackRow({ attack, target, outcome }: AttackResult): string {
  const where = target === "control" ? `control: ${attack.control.join(", ")}` : target;
  if ("error" in outcome) return `| ${attack.title} | ${where} | not run: ${cell(outcome.error)} | | | | | |`;
  const { verdict, measured } = outcome;
  const words = verdict.right ? verdict.words : `**${verdict.words}, and must not**`;
  return `| ${[attack.title, where, words, ...columns(measured)].join(" | ")} |`;
}

function columns(measured: Measured): string[] {
  const { usableSeconds, stillServed, served, secondsToRevocation, told, victimSignedOut } = measured;
  return [
    `${stillServed && usableSeconds > 0 ? "> " : ""}${Math.round(usableSeconds)}`,
    String(served),
    secondsToRevocation === null ? "–" : String(Math.round(secondsToRevocation)),
    told === null ? "–" : told.length === 0 ? "no" : `"${[...new Set(told)].join('", "')}"`,
    victimSignedOut ? "yes" : "no",
  ];
}

function honestRow({ honest, outcome }: HonestResult): string {
  if ("error" in outcome) return `| ${honest.title} | not run: ${cell(outcome.error)} | | |`;
  const { requests, renewals, unwantedSignOuts } = outcome.experienced;
  return `| ${honest.title} | ${requests} | ${renewals} | ${unwantedSignOuts} |`;
}

function limits(attacks: readonly AttackResult[]): string[] {
  return onceEach(attacks).flatMap(({ attack }) => {
    const bound = boundOf(attack.promised);
    return bound === null ? [] : [`- **${attack.title}**: ${bound}`];
  });
}

function boundOf(promised: Promised): string | null {
  if (promised.kind === "nothing" || promised.seconds === 0) return null;
  const ending = promised.kind === "caught" ? ", then caught" : "";
  return `at most ${promised.seconds.toLocaleString("en")} s${ending}. ${promised.why}`;
}

function stories(attacks: readonly AttackResult[]): string[] {
  return onceEach(attacks).map(
    ({ attack }) => `**${attack.title}.** ${attack.story} Source: ${attack.source}.`,
  );
}

function onceEach(attacks: readonly AttackResult[]): AttackResult[] {
  return [...new Map(attacks.map((result) => [result.name, result])).values()];
}

function cell(text: string): string {
  return text.replaceAll(/[|\n]+/g, " ").slice(0, 200);
}
