// Provides Chromium for the browser tests: $CHROMIUM_PATH, else one on the PATH, else – as root where
// apt-get is – Debian's package, because CI and a new machine start without a browser. Runs only when a
// browser test is part of the run (vitest.config.ts). It must not fail the run itself: where there is no
// Chromium the tests skip with the reason, and test/closing-line.ts fails the run where CI=true.
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestProject } from "vitest/node";

/** Where Chromium is, or why there is none. */
export type Chromium = { path: string } | { path: null; reason: string };

declare module "vitest" {
  interface ProvidedContext {
    chromium: Chromium;
  }
}

/** What looking for Chromium needs to know of the machine; `run` answers whether the command succeeded. */
export interface Machine {
  environment: Record<string, string | undefined>;
  isRoot: boolean;
  run: (command: string, args: readonly string[]) => boolean;
}

const names = ["chromium", "chromium-browser", "google-chrome"];

/** vitest's global set-up: tests get the answer by `inject("chromium")`. */
export default function setup(project: TestProject): void {
  project.provide("chromium", provideChromium(thisMachine()));
}

/** Finds or installs Chromium; `path` is null, with the reason, where neither is possible. */
export function provideChromium(machine: Machine): Chromium {
  const given = machine.environment["CHROMIUM_PATH"];
  if (given !== undefined && given !== "") {
    return isExecutable(given)
      ? { path: given }
      : { path: null, reason: `CHROMIUM_PATH is not an executable file: ${given}` };
  }
  const found = findOnPath(names, machine);
  return found === null ? install(machine) : { path: found };
}

function findOnPath(candidates: readonly string[], machine: Machine): string | null {
  const folders = (machine.environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = candidates.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function install(machine: Machine): Chromium {
  const missing = "no Chromium: set CHROMIUM_PATH, or put chromium on the PATH";
  const aptGet = findOnPath(["apt-get"], machine);
  if (aptGet === null || !machine.isRoot) return { path: null, reason: missing };
  const installed =
    machine.run(aptGet, ["update"]) &&
    machine.run(aptGet, ["install", "-y", "--no-install-recommends", "chromium"]);
  const path = findOnPath(names, machine);
  return installed && path !== null
    ? { path }
    : { path: null, reason: `${missing}; apt-get could not install it` };
}

function thisMachine(): Machine {
  return {
    environment: process.env,
    isRoot: process.getuid?.() === 0,
    run(command, args) {
      process.stderr.write(`${command} ${args.join(" ")}, for the browser tests …\n`);
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      const { status, stderr } = spawnSync(command, args, { env, encoding: "utf8", timeout: 600_000 });
      if (status !== 0) process.stderr.write(stderr);
      return status === 0;
    },
  };
}
