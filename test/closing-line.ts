// The vitest reporter that counts: every test, and every failure that is not a test (a file that does not
// load, a hook that throws, a rejection nobody handled). It names each skipped test with its reason, and
// lets a skipped test fail the run where CI=true, because a check that did not run must not look green.
// It must not judge type checks or lint: test/run.ts does, and prints the counts once more as its last line.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule, TestRunEndReason } from "vitest/node";

/** How a run of the tests ended, in tests. `failed` includes failures outside of a test. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Names the file that `test/run.ts` wants the counts in; without it the reporter prints the line itself. */
export const countsFileVariable = "LATCHKEY_TEST_COUNTS";

/** The line that ends every run, in the form that CI reads. */
export function closingLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/** Counts one finished run. An interrupted run, and one without any test, count as one failure at least. */
export function count(
  modules: readonly TestModule[],
  unhandled: readonly SerializedError[],
  reason: TestRunEndReason,
): Counts {
  const counts: Counts = { passed: 0, failed: unhandled.length, skipped: 0 };
  for (const module of modules) {
    counts.failed += failuresOutsideTests(module);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      counts[state === "pending" ? "failed" : state] += 1;
    }
  }
  const ranNothing = counts.passed + counts.failed + counts.skipped === 0;
  if (counts.failed === 0 && (reason !== "passed" || ranNothing)) counts.failed = 1;
  return counts;
}

function failuresOutsideTests(module: TestModule): number {
  let failures = module.errors().length;
  for (const suite of module.children.allSuites()) failures += suite.errors().length;
  return failures;
}

function* skippedTests(modules: readonly TestModule[]): Generator<string> {
  for (const module of modules) {
    for (const test of module.children.allTests("skipped")) {
      yield `${module.relativeModuleId} > ${test.fullName}: ${reasonFor(test)}`;
    }
  }
}

function reasonFor(test: TestCase): string {
  const result = test.result();
  return (result.state === "skipped" && result.note) || `marked ${test.options.mode}`;
}

/** What vitest.config.ts names: reports the skipped tests and the counts at the end of the run. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const counts = count(modules, unhandled, reason);
    for (const skipped of skippedTests(modules)) process.stdout.write(`did not run: ${skipped}\n`);
    if (counts.skipped > 0 && process.env["CI"] === "true") {
      process.stdout.write("CI=true: a test that did not run fails the run\n");
      process.exitCode = 1;
    }
    this.#report(counts);
  }

  #report(counts: Counts): void {
    const file = process.env[countsFileVariable];
    if (file === undefined) {
      process.stdout.write(`${closingLine(counts)}\n`);
      return;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(counts));
  }
}
