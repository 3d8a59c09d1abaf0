// What "flat" means, number by number.
import type { Sample } from "./sample.ts";
import { type Trend, trend } from "./trend.ts";

/** A number that was watched, how it went, and whether it is flat. */
export interface Watched {
  readonly name: string;
  readonly unit: string;
  readonly trend: Trend;
  /** By how much it may grow in 30 minutes, in its own unit. */
  readonly bound: number;
  /** The same in words. */
  readonly bounded: string;
  readonly isFlat: boolean;
  /** What it may be at the most, where that is what is judged, and not its growth. */
  readonly most?: number;
  readonly of: (sample: Sample) => number;
}

type Watching = Omit<Watched, "trend" | "isFlat" | "bound"> & { readonly bound: (median: number) => number };

const mebibyte = 1_048_576;
const portion = (share: number) => (median: number) => median * share;
const whole = (count: number) => () => count;
const percent = (share: number) => `≤ ${share * 100} % in 30 min`;

const watching: readonly Watching[] = [
  {
    name: "heap after a full collection",
    unit: "MiB",
    bound: portion(0.05),
    bounded: percent(0.05),
    of: ({ heap }) => heap / mebibyte,
  },
  {
    name: "resident memory",
    unit: "MiB",
    bound: portion(0.1),
    bounded: percent(0.1),
    of: ({ rss }) => rss / mebibyte,
  },
  { name: "handles", unit: "", bound: whole(1), bounded: "≤ 1 in 30 min", of: ({ handles }) => handles },
  { name: "open files", unit: "", bound: whole(1), bounded: "≤ 1 in 30 min", of: ({ files }) => files },
  {
    name: "event loop late, p99",
    unit: "ms",
    bound: whole(2),
    bounded: "≤ 2 ms in 30 min",
    of: ({ late }) => late.p99,
  },
  {
    name: "rows",
    unit: "",
    bound: portion(0.05),
    bounded: percent(0.05),
    of: ({ databases }) => sum(databases.rows),
  },
  {
    name: "databases",
    unit: "MiB",
    bound: portion(0.05),
    bounded: percent(0.05),
    of: ({ databases }) => sum(databases.bytes) / mebibyte,
  },
  {
    name: "largest of SQLite's logs",
    unit: "MiB",
    bound: whole(0),
    bounded: "≤ 4.2 MiB, where SQLite begins it anew",
    most: 4.2,
    of: ({ databases }) => Math.max(0, ...Object.values(databases.logs)) / mebibyte,
  },
];

/** Each number, judged. */
export function judged(samples: readonly Sample[]): readonly Watched[] {
  return watching.map((each) => {
    const went = trend(samples.map((sample) => [sample.at, each.of(sample)]));
    const bound = each.bound(went.median);
    const isFlat = each.most === undefined ? went.growth <= bound : went.most <= each.most;
    return { ...each, trend: went, bound, isFlat };
  });
}

/** The tables that grow all the same, by name, with their trends: more than 5 % and 10 rows in 30 minutes. */
export function growingTables(samples: readonly Sample[]): readonly (readonly [string, Trend])[] {
  const names = Object.keys(samples.at(-1)?.databases.rows ?? {});
  return names
    .map(
      (name) => [name, trend(samples.map(({ at, databases }) => [at, databases.rows[name] ?? 0]))] as const,
    )
    .filter(([, { growth, median }]) => growth > Math.max(10, median * 0.05));
}

function sum(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((total, each) => total + each, 0);
}
