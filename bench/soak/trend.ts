// Whether something grows: the line through the samples of the last two thirds, when sessions end as fast as they begin.

/** A point: seconds, and what was seen then. */
export type Point = readonly [at: number, value: number];

/** How a number went. */
export interface Trend {
  /** Its middle in the time judged. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** By how much it grows in 30 minutes. */
  readonly growth: number;
}

const halfAnHour = 1_800;

/**
 * The trend of the last two thirds. The slope is the median of the slopes between all pairs (Theil–Sen), which single outliers do not
 * move.
 */
export function trend(points: readonly Point[]): Trend {
  const end = points.at(-1)?.[0] ?? 0;
  const judged = points.filter(([at]) => at >= end / 3);
  const values = judged.map(([, value]) => value);
  const slopes = judged.flatMap(([at, value], index) =>
    judged.slice(index + 1).map(([later, then]) => (then - value) / (later - at)),
  );
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
    growth: slopes.length === 0 ? 0 : median(slopes) * halfAnHour,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
