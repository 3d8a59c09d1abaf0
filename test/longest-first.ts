// The order of test files: the longest first, so that no core is idle while the last of them ends. vitest knows how long each took once
// they have run; in a fresh clone it goes by their size, and the longest files are small.
import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  /\/faults\/kill-/,
  /\/browser\/w[12]\.test/,
  /\/model\/histories-/,
  /\/idp\/test\/(main|store)\.test/,
];

/** vitest's own order, behind the files that are known to be long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex((pattern) => pattern.test(moduleId));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
