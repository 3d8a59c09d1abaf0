// How candidates are compared: each in turn, round by round, in an order that moves on by one, so that what else happens on the machine meets
// all of them alike; and a ratio is the median of the ratios within the rounds.

/** One candidate in one round. */
export interface Sample {
  readonly requests: number;
  readonly seconds: number;
  /** Microseconds of the server's CPU over all requests. */
  readonly cpu: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** All rounds of all candidates, by name; the same index is the same round. */
export type Rounds<Measured = Sample> = ReadonlyMap<string, readonly Measured[]>;

/** Measures every candidate once a round. */
export async function rounds<Each extends { readonly name: string }, Measured>(
  candidates: readonly Each[],
  count: number,
  measure: (candidate: Each, round: number) => Promise<Measured>,
): Promise<Rounds<Measured>> {
  const measured = new Map<string, Measured[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < count; round++) {
    const first = round % candidates.length;
    for (const candidate of [...candidates.slice(first), ...candidates.slice(0, first)])
      measured.get(candidate.name)?.push(await measure(candidate, round));
  }
  return measured;
}

/** The rounds of several runs over the same candidates, one after the other. */
export function joined<Measured>(runs: readonly Rounds<Measured>[]): Rounds<Measured> {
  const all = new Map<string, Measured[]>();
  for (const run of runs)
    for (const [name, measured] of run) all.set(name, [...(all.get(name) ?? []), ...measured]);
  return all;
}

/** A middle, with the least and the most of it. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The spread of some numbers; of an even count the middle two's mean. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[half - 1], sorted[half]];
  return {
    median: sorted.length % 2 === 1 ? high : (low + high) / 2,
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
  };
}

/** Requests a second. */
export function throughput({ requests, seconds }: Sample): number {
  return requests / seconds;
}

/** Microseconds of the server's CPU a request. */
export function cpu({ cpu, requests }: Sample): number {
  return cpu / requests;
}

/** What `of` comes to in each round of a candidate. */
export function each<Measured>(
  measured: Rounds<Measured>,
  name: string,
  of: (sample: Measured) => number,
): number[] {
  const samples = measured.get(name);
  if (samples === undefined) throw new Error(`"${name}" was not measured`);
  return samples.map(of);
}

/** One candidate's number through another's, round by round. */
export function paired<Measured>(
  measured: Rounds<Measured>,
  name: string,
  base: string,
  of: (sample: Measured) => number,
): Spread {
  const below = each(measured, base, of);
  return spread(each(measured, name, of).map((value, round) => value / (below[round] ?? Number.NaN)));
}
