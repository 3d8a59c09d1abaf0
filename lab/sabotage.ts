/**
 * Weakened copies of the tree: the shipped code has no off-switches, so what shows that an attack or a test has teeth
 * is a temporary copy with a small patch of lab/sabotage/ applied. Knows nothing of what the patched code does.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A copy of the tree; `node --conditions=latchkey-source start.ts` and vitest run in it as they do here. */
export interface WeakenedCopy {
  /** Its absolute path. */
  readonly folder: string;
  /** Removes it. End what runs in it first. */
  dispose(): void;
}

/** What a patch says of itself before its diff. */
export interface Patch {
  /** Its file name without `.patch`. */
  readonly name: string;
  /** What it weakens, in a sentence. */
  readonly weakens: string;
  /** The test files that must fail with it, as paths from the root. */
  readonly tests: readonly string[];
}

const root = join(import.meta.dirname, "..");
const folderOfPatches = join(import.meta.dirname, "sabotage");
const copied = ["packages", "apps", "start", "test", ":(glob)*"];
const workspaces = ["packages/session", "packages/idp", "apps/store", "apps/forum"];

/**
 * A temporary copy of packages, applications, tests and root files with these patches applied, in this order. Throws,
 * and leaves nothing behind, for a patch that is not there or does not apply.
 *
 * @example
 * const { folder, dispose } = weakenedCopy(["skip-generation-check"]);
 */
export function weakenedCopy(names: readonly string[]): WeakenedCopy {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "latchkey-weakened-")));
  const dispose = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  try {
    copyTree(folder);
    linkModules(folder);
    for (const name of names) applyPatch(folder, name);
  } catch (error) {
    dispose();
    throw error;
  }
  return { folder, dispose };
}

function copyTree(folder: string): void {
  // Also what is not committed yet: a test of today's tree says something about today's tree.
  const listing = git(root, [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
    "--",
    ...copied,
  ]);
  for (const path of new Set(listing.split("\0"))) {
    // Listed may be what has been deleted since, or a link to a folder; neither is a file of the tree.
    if (!statSync(join(root, path), { throwIfNoEntry: false })?.isFile()) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
}

/** Links to what is installed here; the workspaces alone are the copy's own. */
function linkModules(folder: string): void {
  const own = new Map(workspaces.map((path) => [nameOf(join(root, path)), join(folder, path)]));
  const installed = join(root, "node_modules");
  const entries = globSync(["*", "@*/*", ".bin"], { cwd: installed }).filter(
    (entry) => !/^(@[^/\\]+|\..*)$/.test(entry) || entry === ".bin",
  );
  for (const name of new Set([...entries, ...own.keys()])) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    // "junction" is what Windows lets anybody make; other systems don't ask.
    symlinkSync(own.get(name) ?? realpathSync(join(installed, name)), link, "junction");
  }
}

function nameOf(workspace: string): string {
  return JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")).name;
}

/** Applies a patch to a copy, or takes it back; throws where it does not fit. */
export function applyPatch(folder: string, name: string, direction: "apply" | "reverse" = "apply"): void {
  const reverse = direction === "reverse" ? ["--reverse"] : [];
  git(folder, ["apply", "--whitespace=nowarn", ...reverse, pathOf(name)]);
}

/** The files a patch changes, as paths from the root. */
export function patchedFiles(name: string): string[] {
  return [...readFileSync(pathOf(name), "utf8").matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, path]) =>
    String(path),
  );
}

/** All patches, by name. Throws for one that does not say what it weakens and which tests must fail. */
export function patches(): Patch[] {
  return readdirSync(folderOfPatches)
    .filter((file) => file.endsWith(".patch"))
    .sort()
    .map((file) => readPatch(file.slice(0, -".patch".length)));
}

function readPatch(name: string): Patch {
  const [head = ""] = readFileSync(pathOf(name), "utf8").split(/^diff |^--- /m, 1);
  const [weakens = "", tests] = head.split(/^Tests:/m).map((part) => part.trim().replace(/\s+/g, " "));
  if (weakens === "" || !tests)
    throw new Error(`lab/sabotage/${name}.patch must say what it weakens, and "Tests: …"`);
  return { name, weakens, tests: tests.split(" ") };
}

function pathOf(name: string): string {
  return join(folderOfPatches, `${name}.patch`);
}

function git(folder: string, args: readonly string[]): string {
  const env = { ...process.env };
  // Under a hook git would look at the hook's repository; and below another work tree `git apply` skips everything, silently.
  for (const variable of ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"]) delete env[variable];
  if (folder !== root) env["GIT_CEILING_DIRECTORIES"] = dirname(folder);
  const { status, stdout, stderr, error } = spawnSync("git", args, {
    cwd: folder,
    env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout;
  throw new Error(`git ${args.join(" ")}: ${error?.message ?? stderr}`);
}
