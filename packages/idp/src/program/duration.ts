// Spans of time as an operator writes and reads them: 90d, 12h, 10m, 30s. Pure.

import { CommandError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** Milliseconds of a text like "90d"; throws CommandError that names the option for any other. */
export function millisecondsOf(text: string, option: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([dhms])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  if (milliseconds === 0) throw new CommandError(`--${option} must be like 90d, 12h, 10m or 30s`);
  return milliseconds;
}

/** The span in its two largest units: "30 d", "1 h 30 m", "0 s". */
export function spanOf(milliseconds: number): string {
  let left = Math.max(0, Math.round(milliseconds / 1_000)) * 1_000;
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

/** An instant as ISO 8601, without fractions. */
export function instantOf(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}
