// What came of the traffic: how often each thing was done, and what must not have happened.

/** What was done, by name, and what went wrong. */
export interface Outcomes {
  readonly counts: ReadonlyMap<string, number>;
  /** What must not happen, in words; at most as many as one wants to read. */
  readonly wrong: readonly string[];
  readonly wrongCount: number;
  /** Something was done. */
  done(what: string): void;
  /** Something happened that must not. */
  mustNotBe(what: string): void;
}

const mostKept = 40;

/** Nothing yet. */
export function outcomes(): Outcomes {
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  let wrongCount = 0;
  return {
    counts,
    wrong,
    get wrongCount() {
      return wrongCount;
    },
    done: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    mustNotBe(what) {
      wrongCount += 1;
      if (wrong.length < mostKept) wrong.push(`${new Date().toISOString()} ${what}`);
    },
  };
}
