// What test servers need of the machine: a program that is on the PATH, or that Debian's package brings.
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What looking for a program needs to know of the machine; `run` answers whether the command succeeded. */
export interface Machine {
  environment: Record<string, string | undefined>;
  isRoot: boolean;
  run: (command: string, args: readonly string[]) => boolean;
}

/** Where a program is, or why there is none. */
export type Program = { path: string } | { path: null; reason: string };

/** How to get one. */
export interface Wanted {
  /** The variable that names its path. */
  variable: string;
  /** Its file names, the first that is found counts. */
  names: readonly string[];
  /** Debian's package, installed as root where apt-get is. */
  debian: string;
}

/** Finds or installs a program; `path` is null, with the reason, where neither is possible. */
export function provide({ variable, names, debian }: Wanted, machine: Machine = thisMachine()): Program {
  const given = machine.environment[variable];
  if (given !== undefined && given !== "") {
    return isExecutable(given)
      ? { path: given }
      : { path: null, reason: `${variable} is not an executable file: ${given}` };
  }
  const found = findOnPath(names, machine);
  if (found !== null) return { path: found };
  const missing = `no ${debian}: set ${variable}, or put ${names[0]} on the PATH`;
  const aptGet = findOnPath(["apt-get"], machine);
  if (aptGet === null || !machine.isRoot) return { path: null, reason: missing };
  const installed =
    machine.run(aptGet, ["update"]) &&
    machine.run(aptGet, ["install", "-y", "--no-install-recommends", debian]);
  const path = findOnPath(names, machine);
  return installed && path !== null
    ? { path }
    : { path: null, reason: `${missing}; apt-get could not install it` };
}

function findOnPath(names: readonly string[], { environment }: Machine): string | null {
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The machine the tests run on. Debian keeps servers in sbin, which is not on everybody's PATH. */
export function thisMachine(): Machine {
  return {
    environment: { ...process.env, PATH: [process.env["PATH"], "/usr/sbin"].join(delimiter) },
    isRoot: process.getuid?.() === 0,
    run(command, args) {
      process.stderr.write(`${command} ${args.join(" ")}, for the tests …\n`);
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      const { status, stderr } = spawnSync(command, args, { env, encoding: "utf8", timeout: 600_000 });
      if (status !== 0) process.stderr.write(stderr);
      return status === 0;
    },
  };
}
