// What the soak found, as bench/soak/RESULTS.md and a chart beside it.
import { cpus } from "node:os";
import { number } from "../section.ts";
import { lineCharts } from "./line-chart.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Sample } from "./sample.ts";
import { growingTables, judged } from "./verdict.ts";

/** A soak that is over. */
export interface Soaked {
  readonly samples: readonly Sample[];
  readonly outcomes: Outcomes;
  /** What ran, in Markdown. */
  readonly about: string;
}

/** Whether everything is flat and nothing went wrong. */
export function isPassed({ samples, outcomes }: Soaked): boolean {
  return outcomes.wrongCount === 0 && judged(samples).every(({ isFlat }) => isFlat);
}

/** The report; the chart's file is named in it. */
export function report(soaked: Soaked, chart: string): string {
  const { samples, outcomes, about } = soaked;
  const last = samples.at(-1);
  const minutes = (last?.at ?? 0) / 60;
  const verdict = isPassed(soaked) ? "Flat, and nothing happened that must not." : "NOT PASSED: see below.";
  return `# Soak

${verdict}

${about}

${number(minutes, 1)} minutes, ${cpus().length} cores, Node ${process.versions.node}; ${number(cpuShare(samples) * 100)} % of a core were used by the server on the average.

![What was watched, over time](${chart})

## What was watched

Every ten seconds the traffic pauses until all answers are there, and the server is looked at after two full collections. Judged are the
last two thirds; growth is the Theil–Sen slope over them, for 30 minutes. What SQLite writes ahead is a file of its own, filled once (250 pages) and
then written over: it is judged by its size.

| | median (min–max) | growth in 30 min | bound | flat |
| --- | --- | --- | --- | --- |
${judged(samples).map(watchedRow).join("\n")}

${lateness(samples)}

${growing(samples)}

## What was done

| | times |
| --- | --- |
${[...outcomes.counts]
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([what, count]) => `| ${what} | ${number(count)} |`)
  .join("\n")}

${outcomes.wrongCount === 0 ? "What must not happen (an honest browser signed out, a thief served, a copy that outlives the sign-out, an answer nobody expects): never." : `What must not happen: ${outcomes.wrongCount} times.\n\n${outcomes.wrong.map((each) => `- ${each}`).join("\n")}`}

## Rows and bytes

| | after a third | at the end |
| --- | --- | --- |
${sizes(samples).join("\n")}
`;
}

/** The chart of what was watched. */
export function chart(samples: readonly Sample[]): string {
  const lines = judged(samples).map(({ name, unit, of }) => ({
    title: unit === "" ? name : `${name}, ${unit}`,
    points: samples.map((sample) => [sample.at, of(sample)] as const),
  }));
  const minutes = (samples.at(-1)?.at ?? 0) / 60;
  return lineCharts(`${number(minutes)} minutes of mixed traffic`, lines);
}

function watchedRow({ name, unit, trend, bounded, isFlat }: ReturnType<typeof judged>[number]): string {
  const digits = unit === "" ? 0 : 1;
  const shown = `${number(trend.median, digits)} (${number(trend.least, digits)}–${number(trend.most, digits)}) ${unit}`;
  const growth = `${trend.growth > 0 ? "+" : ""}${number(trend.growth, 2)} ${unit}`;
  return `| ${name} | ${shown.trim()} | ${growth.trim()} | ${bounded} | ${isFlat ? "yes" : "**no**"} |`;
}

function lateness(samples: readonly Sample[]): string {
  const most = (of: (sample: Sample) => { most: number }) => samples.map((sample) => of(sample).most);
  const shown = (values: number[]) =>
    `${number(Math.max(...values), 1)} ms at most, ${number(middle(values), 1)} ms in the middle`;
  return `The event loop's worst delay between two looks: ${shown(most(({ late }) => late))}. A process beside it that does nothing: ${shown(most(({ idleLate }) => idleLate))} (p99 ${number(middle(samples.map(({ idleLate }) => idleLate.p99)), 1)} ms), which is the machine's other work.`;
}

function growing(samples: readonly Sample[]): string {
  const tables = growingTables(samples).map(
    ([name, { median, growth }]) => `${name} (${number(median)} rows, +${number(growth)} in 30 min)`,
  );
  return tables.length === 0 ? "No table grows." : `Tables that grow: ${tables.join(", ")}.`;
}

function sizes(samples: readonly Sample[]): string[] {
  const [early, last] = [samples[Math.floor(samples.length / 3)], samples.at(-1)];
  if (early === undefined || last === undefined) return [];
  const row = (name: string, was: number, is: number) => `| ${name} | ${number(was)} | ${number(is)} |`;
  return [
    ...Object.entries(last.databases.rows).map(([name, is]) =>
      row(`${name}, rows`, early.databases.rows[name] ?? 0, is),
    ),
    ...Object.entries(last.databases.bytes).map(([name, is]) =>
      row(`${name}, bytes`, early.databases.bytes[name] ?? 0, is),
    ),
    ...Object.entries(last.databases.logs).map(([name, is]) =>
      row(`${name}, log, bytes`, early.databases.logs[name] ?? 0, is),
    ),
  ];
}

function cpuShare(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at) return 0;
  return (last.cpu - first.cpu) / (last.at - first.at);
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
