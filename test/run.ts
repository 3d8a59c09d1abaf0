// What `npm test` (all) and `npm run check` (check: without a browser) run, at home and in CI alike: one
// readable list of steps. Every step runs even if an earlier one failed, so that one run shows everything.
// The very last line is `N passed, N failed, N skipped`; a failed step that is not a test counts as one.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Counts, closingLine, countsFileVariable } from "./closing-line.ts";

interface Step {
  name: string;
  command: string;
}

const root = join(import.meta.dirname, "..");
const countsFile = join(root, "node_modules/.cache/latchkey/counts.json");

const staticChecks: readonly Step[] = [
  { name: "types", command: "tsc -p tsconfig.json --noEmit" },
  { name: "build, as published", command: "tsc -b packages/session packages/idp" },
  { name: "lint", command: "oxlint --type-aware --deny-warnings --report-unused-disable-directives" },
  { name: "format", command: "biome format ." },
];

const runs: Record<string, readonly Step[]> = {
  check: [...staticChecks, { name: "tests", command: "vitest run --project !browser*" }],
  all: [...staticChecks, { name: "tests", command: "vitest run" }],
};

const steps = runs[process.argv[2] ?? ""];
if (steps === undefined) {
  process.stderr.write("usage: node test/run.ts check|all\n");
  process.exitCode = 2;
} else {
  await runAll(steps);
}

async function runAll(all: readonly Step[]): Promise<void> {
  rmSync(countsFile, { force: true });
  const failed: string[] = [];
  for (const step of all) if (!(await succeeds(step))) failed.push(step.name);

  const counts = countsWritten();
  const failedBesidesTests = failed.filter((name) => name !== "tests" || counts.failed === 0);
  counts.failed += failedBesidesTests.length;
  if (failed.length > 0) print(`failed: ${failed.join("; ")}`);
  print(closingLine(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

async function succeeds(step: Step): Promise<boolean> {
  print(`\n── ${step.name}: ${step.command}`);
  const started = performance.now();
  const code = await exitCode(step.command);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`── ${step.name}: ${code === 0 ? "passed" : "FAILED"} in ${seconds} s`);
  return code === 0;
}

/** The exit code of a command with this project's tools first on its PATH; null when it could not start or a signal ended it. */
function exitCode(command: string): Promise<number | null> {
  const [name = "", ...args] = command.split(" ");
  const PATH = join(root, "node_modules/.bin") + delimiter + (process.env["PATH"] ?? "");
  const child = spawn(name, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH, [countsFileVariable]: countsFile },
    // npm's command shims on Windows are .cmd files, which only a shell starts.
    shell: process.platform === "win32",
  });
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", (error) => {
      print(error.message);
      resolve(null);
    });
  });
}

function countsWritten(): Counts {
  try {
    return JSON.parse(readFileSync(countsFile, "utf8"));
  } catch {
    // vitest ended before its reporter could: then no test is known to have passed.
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
