/**
 * `npm run mutants [name…]`: shows that the tests have teeth. Each patch of lab/sabotage/ is applied to a copy of the
 * tree, and every test file it names must fail there, by a test and not because the copy does not load; unpatched, the
 * same files must pass. Exits non-zero if a mutant survives. Two at a time.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  applyPatch,
  type Patch,
  patchedFiles,
  patches,
  type WeakenedCopy,
  weakenedCopy,
} from "./sabotage.ts";

/** What became of one test file. */
interface FileResult {
  readonly path: string;
  readonly failed: readonly string[];
  /** Tests that ran; 0 where the file did not even load. */
  readonly ran: number;
}

const atOnce = 2;
const longestRun = 600_000;

const started = performance.now();
const chosen = patches().filter(({ name }) => process.argv.length < 3 || process.argv.includes(name));
if (chosen.length === 0) throw new Error("No patch of lab/sabotage/ has such a name.");

print(`${chosen.length} mutants. First the tests they name, unpatched:`);
const copies = Array.from({ length: Math.min(atOnce, chosen.length) }, () => weakenedCopy([]));
process.on("exit", () => {
  for (const copy of copies) copy.dispose();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
await judgeAll(copies);

async function judgeAll(copies: readonly WeakenedCopy[]): Promise<void> {
  const unsound = await unsoundness(copies);
  if (unsound !== null) {
    print(`NOT SOUND  ${unsound}`);
    process.exitCode = 1;
    return;
  }
  const waiting = [...chosen];
  const survivors: Patch[] = [];
  const judgeIn = async (copy: WeakenedCopy) => {
    for (let patch = waiting.shift(); patch !== undefined; patch = waiting.shift())
      if (!(await isKilled(copy, patch))) survivors.push(patch);
  };
  await Promise.all(copies.map(judgeIn));
  const seconds = Math.round((performance.now() - started) / 1_000);
  print(`${chosen.length - survivors.length} killed, ${survivors.length} survived, in ${seconds} s`);
  for (const { name } of survivors) print(`survived: ${name}`);
  if (survivors.length > 0) process.exitCode = 1;
}

async function isKilled(copy: WeakenedCopy, patch: Patch): Promise<boolean> {
  applyPatch(copy.folder, patch.name);
  const survived = await survival(copy, patch);
  applyPatch(copy.folder, patch.name, "reverse");
  print(`${survived === null ? "killed" : "SURVIVED"}  ${patch.name}: ${survived ?? patch.weakens}`);
  return survived === null;
}

/** Why the unpatched tree is no measure; `null` if it is one. */
async function unsoundness(copies: readonly WeakenedCopy[]): Promise<string | null> {
  const paths = [...new Set(chosen.flatMap(({ tests }) => tests))];
  const shares = copies.map((copy, share) =>
    run(
      copy,
      paths.filter((_, index) => index % copies.length === share),
    ),
  );
  const bad = (await Promise.all(shares)).flat().find(({ failed, ran }) => failed.length > 0 || ran === 0);
  return bad === undefined
    ? null
    : `${bad.path} fails without any patch: ${bad.failed[0] ?? "it does not load"}`;
}

/** Why a mutant counts as alive; `null` if every test file it names noticed it. */
async function survival(copy: WeakenedCopy, { name, tests }: Patch): Promise<string | null> {
  const broken = await typeErrors(copy, patchedFiles(name));
  if (broken !== null) return `the patched code has type errors, so failing proves nothing: ${broken}`;
  const blind: string[] = [];
  for (const test of tests) {
    const [result] = await run(copy, [test], ["--bail", "1"]);
    if (result === undefined || result.ran === 0) blind.push(`${test} does not load`);
    else if (result.failed.length === 0) blind.push(`${test} passes`);
  }
  return blind.length === 0 ? null : blind.join(", ");
}

async function run(
  copy: WeakenedCopy,
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<FileResult[]> {
  const outputFile = join(copy.folder, "results.json");
  rmSync(outputFile, { force: true });
  if (paths.length === 0) return [];
  const reporter = ["--reporter=json", `--outputFile=${outputFile}`];
  const output = await ended(copy, [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "!browser",
    ...reporter,
    ...options,
    ...paths,
  ]);
  if (!existsSync(outputFile)) throw new Error(`vitest did not get as far as a result:\n${output}`);
  return paths.map((path) =>
    fileResult(JSON.parse(readFileSync(outputFile, "utf8")), join(copy.folder, path), path),
  );
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function fileResult({ testResults }: Report, file: string, path: string): FileResult {
  const tests = testResults.find(({ name }) => join(name) === file)?.assertionResults ?? [];
  const failed = tests.filter(({ status }) => status === "failed").map(({ fullName }) => fullName);
  return { path, failed, ran: tests.length };
}

async function typeErrors(copy: WeakenedCopy, files: readonly string[]): Promise<string | null> {
  const lenient = ["--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  const again = ["--incremental", "--tsBuildInfoFile", "types.tsbuildinfo"];
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json", "--noEmit", "--pretty", "false"];
  const output = await ended(copy, [...tsc, ...lenient, ...again]);
  return output.split("\n").find((line) => files.some((file) => line.startsWith(`${file}(`))) ?? null;
}

/** What a program printed; it is ended after `longestRun`. */
function ended({ folder }: WeakenedCopy, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    timeout: longestRun,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => printed.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (_code, signal) => {
      if (signal === null) resolve(Buffer.concat(printed).toString());
      else reject(new Error(`${args[0]} ran for more than ${longestRun / 1_000} s`));
    });
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
