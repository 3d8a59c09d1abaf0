/**
 * `npm run lab [name…] [--quick]`: starts targets, runs every attack against each, and the honest people; prints the
 * table and writes lab/RESULTS.md. Exits 1 when a control survives, the hardened target falls, or somebody honest is signed out.
 */
import { globSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { type Attack, type TargetName, verdictOn } from "./attack.ts";
import type { HonestRun } from "./honest.ts";
import { type AttackResult, type HonestResult, isRight, line, markdown } from "./report.ts";
import { type WeakenedCopy, weakenedCopy } from "./sabotage.ts";
import { startTarget, type Target, type TargetOptions } from "./target.ts";

const root = join(import.meta.dirname, "..");
const copies = new Map<string, WeakenedCopy>();
process.once("exit", () => copies.forEach((copy) => copy.dispose()));
process.once("SIGINT", () => process.exit(130));

/** The folder of a weakened copy, made once for all attacks with the same patches. */
function controlFolder(patches: readonly string[]): string {
  const key = patches.join();
  const copy = copies.get(key) ?? weakenedCopy(patches);
  copies.set(key, copy);
  return copy.folder;
}

async function modules<Module>(folder: string): Promise<[name: string, module: Module][]> {
  const files = globSync(`${folder}/*.ts`, { cwd: import.meta.dirname }).sort();
  return Promise.all(
    files.map(async (file) => [
      basename(file, ".ts").replace(/^\d+-/, ""),
      (await import(join(import.meta.dirname, file))) as Module,
    ]),
  );
}

/** Starts a target, does something with it, and stops it whatever happens. */
async function withTarget<Value>(
  options: TargetOptions,
  does: (target: Target) => Promise<Value>,
): Promise<Value> {
  const target = await startTarget(options);
  try {
    return await does(target);
  } finally {
    await target.stop();
  }
}

async function timed<Value>(
  does: () => Promise<Value>,
): Promise<{ seconds: number; outcome: Value | { error: string } }> {
  const from = performance.now();
  const outcome = await does().catch((error: unknown) => ({ error: String(error) }));
  return { seconds: (performance.now() - from) / 1000, outcome };
}

async function runAttack(name: string, attack: Attack, target: TargetName): Promise<AttackResult> {
  const result = await timed(async () => {
    const folder = target === "control" ? controlFolder(attack.control) : root;
    const policy = target === "as-described" ? target : "hardened";
    const measured = await withTarget({ ...attack.target, folder, policy }, (one) => attack.run(one));
    return { measured, verdict: verdictOn(attack, target, measured) };
  });
  return { name, attack, target, ...result };
}

async function runHonest(name: string, honest: HonestRun): Promise<HonestResult> {
  const result = await timed(async () => ({
    experienced: await withTarget({ folder: root, policy: "hardened" }, (target) => honest.run(target)),
  }));
  return { name, honest, ...result };
}

/** Runs the jobs, as many at once as there are cores; results in the jobs' order, printed as they come. */
async function inParallel<Result extends AttackResult | HonestResult>(
  jobs: readonly (() => Promise<Result>)[],
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...jobs.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await next[1]();
      results[next[0]] = result;
      console.log(line(result));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const isQuick = process.argv.includes("--quick");
const isAsked = ([name]: readonly [string, ...unknown[]]) =>
  asked.length === 0 || asked.some((each) => name.includes(each));

const attacks = (await modules<{ attack: Attack }>("attacks")).filter(isAsked);
const honest = (await modules<{ honest: HonestRun }>("honest")).filter(isAsked);
if (attacks.length + honest.length === 0) {
  console.error(`No attack or honest run is called ${asked.join(" or ")}`);
  process.exit(2);
}
const targets: TargetName[] = isQuick ? ["hardened"] : ["as-described", "hardened", "control"];
const attackResults = await inParallel(
  attacks.flatMap(([name, { attack }]) => targets.map((target) => () => runAttack(name, attack, target))),
);
const honestResults = await inParallel(
  honest.map(
    ([name, module]) =>
      () =>
        runHonest(name, module.honest),
  ),
);

const about = `\`npm run lab\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${availableParallelism()} cores.`;
if (asked.length === 0 && !isQuick) {
  writeFileSync(join(import.meta.dirname, "RESULTS.md"), markdown(attackResults, honestResults, about));
}
const wrong = [...attackResults, ...honestResults].filter((result) => !isRight(result));
console.log(
  wrong.length === 0
    ? `\nAll ${attackResults.length + honestResults.length} runs went as they have to.`
    : `\n${wrong.length} runs went wrong:\n${wrong.map(line).join("\n")}`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
