/**
 * What a row of OWASP ASVS 5.0 is to this project: its id, its level, what it asks for in a few words of our own, and, where no
 * test verifies it, why. The rows stand in v3.ts, v6.ts, v7.ts and v9-v11.ts.
 */

/** Why no test verifies a row, or what a reader of its tests has to know besides. */
export interface Remark {
  readonly kind: "does not apply" | "the operator's" | "in writing" | "not there" | "note";
  readonly text: string;
}

/** One requirement. */
export interface Row {
  readonly id: string;
  readonly level: 1 | 2 | 3;
  readonly about: string;
  readonly remark: Remark | null;
}

/** A row; without a remark its tests must speak for it. */
export function row(id: string, level: Row["level"], about: string, remark: Remark | null = null): Row {
  return { id, level, about, remark };
}

/** There is nothing here that the row could be about. */
export const doesNotApply = (text: string): Remark => ({ kind: "does not apply", text });
/** Only whoever runs it can do this. */
export const operators = (text: string): Remark => ({ kind: "the operator's", text });
/** The row asks for a text: this is where it stands. */
export const inWriting = (text: string): Remark => ({ kind: "in writing", text });
/** The row applies, and is not met. */
export const notThere = (text: string): Remark => ({ kind: "not there", text });
/** What the row's tests leave open. */
export const note = (text: string): Remark => ({ kind: "note", text });
