// What a scenario has found, as it is printed, written to RESULTS.md and drawn.
import type { Spread } from "./rounds.ts";

/** A table's cell; numbers stand as they shall be read. */
export type Cell = string;

/** A table. The first column says what the others are of. */
export interface Table {
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What was to be reached. */
export interface Target {
  readonly what: string;
  /** E.g. "≥ 0.80". */
  readonly wanted: string;
  /** E.g. "0.83 (0.79–0.86)". */
  readonly measured: string;
  /** The same where nothing of ours is done. */
  readonly limit?: string;
  readonly isReached: boolean;
  /** Whether the limit misses it as well. */
  readonly isBeyond?: boolean;
}

/** A bar chart. */
export interface Chart {
  /** The file's name, without its ending. */
  readonly file: string;
  readonly title: string;
  /** What a bar's length means. */
  readonly unit: string;
  readonly bars: readonly { readonly name: string; readonly value: number; readonly isOurs: boolean }[];
}

/** A scenario's result. */
export interface Section {
  readonly title: string;
  /** What was done, how it was checked, and how durable each candidate was; Markdown. */
  readonly text: string;
  readonly tables: readonly Table[];
  readonly targets: readonly Target[];
  readonly charts: readonly Chart[];
}

/** What a scenario is told. */
export interface Options {
  /** Fewer and shorter rounds. */
  readonly isQuick: boolean;
  /** Says what is going on. */
  readonly say: (line: string) => void;
}

/** A scenario: measures, and throws where a candidate does not do the work. */
export type Scenario = (options: Options) => Promise<Section>;

/** "0.83 (0.79–0.86)": the median, with the least and the most. */
export function shown({ median, least, most }: Spread, digits = 2): Cell {
  return `${number(median, digits)} (${number(least, digits)}–${number(most, digits)})`;
}

/** A number with thousands apart. */
export function number(value: number, digits = 0): Cell {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** How a target is shown. */
interface Shown {
  readonly digits?: number;
  /** What there is where nothing of ours is done. */
  readonly limit?: Spread | undefined;
}

/** A target of at least that. */
export function atLeast(what: string, bound: number, measured: Spread, shown: Shown = {}): Target {
  const reaches = ({ median }: Spread) => median >= bound;
  return target({ what, sign: "≥", bound, measured, reaches }, shown);
}

/** A target of at most that. */
export function atMost(what: string, bound: number, measured: Spread, shown: Shown = {}): Target {
  const reaches = ({ median }: Spread) => median <= bound;
  return target({ what, sign: "≤", bound, measured, reaches }, shown);
}

interface Aim {
  readonly what: string;
  readonly sign: "≥" | "≤";
  readonly bound: number;
  readonly measured: Spread;
  readonly reaches: (of: Spread) => boolean;
}

function target({ what, sign, bound, measured, reaches }: Aim, { digits = 2, limit }: Shown): Target {
  const isReached = reaches(measured);
  const wanted = `${sign} ${number(bound, digits)}`;
  const judged = { what, wanted, measured: shown(measured, digits), isReached };
  return limit === undefined
    ? judged
    : { ...judged, limit: shown(limit, digits), isBeyond: !isReached && !reaches(limit) };
}
