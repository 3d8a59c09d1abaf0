// `latchkey-idp doctor`: how long everything lives, what contradicts what, and what is broken. Changes nothing. What it looks at is in
// program/doctor/, a file each.

import { type Command, type Invocation, JSON_OPTION, jsonOf, table } from "../command.ts";
import { type ApplicationClocks, LIBRARY_CLOCKS } from "../doctor/clocks.ts";
import { exitCodeOf, type Finding } from "../doctor/finding.ts";
import type { EffectiveLifetimes } from "../doctor/lifetimes.ts";
import { millisecondsOf, spanOf } from "../duration.ts";

/** Looks at everything. */
export const doctor: Command = {
  name: "doctor",
  does: "Prints the lifetimes in force and what is wrong: contradictions, unsafe settings, what can't be reached, what is overdue",
  when: `Before production, after every change of settings, and whenever something is odd. It changes nothing and may run while servers run,
with their variables. The applications' own clocks it can't see: it takes the library's defaults unless you say others.`,
  options: {
    application: { takes: "ID", help: "of this application only" },
    "sign-in-absolute": { takes: "30d", help: "the application's rememberedAbsolute" },
    "sign-in-idle": { takes: "14d", help: "the application's rememberedIdle" },
    "revalidate-after": { takes: "10m", help: "the application's revalidateAfter" },
    deadline: { takes: "5s", help: "the application's deadline for calls to the provider" },
    ...JSON_OPTION,
  },
  example: "latchkey-idp doctor --sign-in-absolute 7d --sign-in-idle 2d",
  prints:
    'a table of lifetimes, then a line a finding: ok, warning or problem, what was found, what to do. With --json { "lifetimes", "findings" }.',
  exits: "0 if all is ok, 1 with warnings, 2 with problems",
  async run(invocation) {
    const clocks = clocksFrom(invocation);
    const { examined } = await import("../doctor/examination.ts");
    const report = await examined(invocation, clocks);
    const { lifetimes, findings } = report;
    invocation.terminal.out(
      invocation.has("json") ? jsonOf(report) : `${lifetimeTable(lifetimes)}${findingTable(findings)}`,
    );
    return exitCodeOf(findings);
  },
};

function clocksFrom({ one }: Invocation): ApplicationClocks {
  const clock = (option: string, otherwise: number): number => {
    const text = one(option);
    return text === undefined ? otherwise : millisecondsOf(text, option);
  };
  return {
    signInAbsolute: clock("sign-in-absolute", LIBRARY_CLOCKS.signInAbsolute),
    signInIdle: clock("sign-in-idle", LIBRARY_CLOCKS.signInIdle),
    revalidateAfter: clock("revalidate-after", LIBRARY_CLOCKS.revalidateAfter),
    deadline: clock("deadline", LIBRARY_CLOCKS.deadline),
  };
}

function lifetimeTable(lifetimes: readonly EffectiveLifetimes[]): string {
  if (lifetimes.length === 0) return "";
  const span = (milliseconds: number | null): string => (milliseconds === null ? "–" : spanOf(milliseconds));
  const lines = lifetimes.map(({ about, accessToken, refreshTokens, idle, absolute, grace }) => [
    about,
    span(accessToken),
    refreshTokens,
    span(idle),
    span(absolute),
    refreshTokens === "OneTimeUse" ? span(grace) : "–",
  ]);
  return `${table([["lifetimes", "access token", "refresh token", "unused", "at most", "grace"], ...lines])}\n`;
}

function findingTable(findings: readonly Finding[]): string {
  return table(
    findings.map(({ level, about, found, todo }) => [
      level,
      about,
      todo === "" ? found : `${found} → ${todo}`,
    ]),
  );
}
