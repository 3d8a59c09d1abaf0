// What doctor found: one line each, and what to do about it. Pure.

/** "problem": something is broken or unsafe now. "warning": it can become that, or is not what was meant. */
export type Level = "ok" | "warning" | "problem";

/** One thing that was looked at. */
export interface Finding {
  level: Level;
  /** What was looked at, e.g. "application Store". */
  about: string;
  found: string;
  /** What to do; "" where nothing needs doing. */
  todo: string;
}

/** What was looked at is as it should be. */
export function ok(about: string, found: string): Finding {
  return { level: "ok", about, found, todo: "" };
}

/** Something to change when there is time. */
export function warning(about: string, found: string, todo: string): Finding {
  return { level: "warning", about, found, todo };
}

/** Something to change now. */
export function problem(about: string, found: string, todo: string): Finding {
  return { level: "problem", about, found, todo };
}

const EXIT_CODES: Readonly<Record<Level, number>> = { ok: 0, warning: 1, problem: 2 };

/** 0 if all is ok, 1 with warnings, 2 with problems. */
export function exitCodeOf(findings: readonly Finding[]): number {
  return Math.max(0, ...findings.map(({ level }) => EXIT_CODES[level]));
}
