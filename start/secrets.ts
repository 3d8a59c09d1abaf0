/**
 * The secrets of this installation, made at the first start and kept beside the databases, readable by their owner
 * alone. None stands in the repository, so that no two installations share one.
 */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentError } from "./errors.ts";

const names = [
  "idpKey",
  "apiKey",
  "storeClientSecret",
  "forumClientSecret",
  "storeCookieKey",
  "forumCookieKey",
] as const;

/** What has to stay the same over restarts, or everybody would be signed out. */
export type Secrets = Readonly<Record<(typeof names)[number], string>>;

/**
 * The secrets in a `directory` that is there, made there if there are none; throws EnvironmentError if the file is there
 * and incomplete.
 */
export function installationSecrets(directory: string): Secrets {
  const path = join(directory, "secrets.json");
  const known = readIfThere(path);
  if (known !== null) return complete(known, path);
  const made = Object.fromEntries(names.map((name) => [name, randomBytes(32).toString("base64url")]));
  writeWhole(path, `${JSON.stringify(made, null, 2)}\n`);
  // Of several nodes that start on one folder, the first one's secrets are everybody's.
  return complete(readIfThere(path) ?? made, path);
}

/** Writes the file unless it is there, and so that nobody ever sees half of it. */
function writeWhole(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(draft);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function readIfThere(path: string): Record<string, unknown> | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw new EnvironmentError("DATA_DIR", `${path} can't be read; remove DATA_DIR to start afresh`);
  }
}

function complete(found: Record<string, unknown>, path: string): Secrets {
  const missing = names.find((name) => typeof found[name] !== "string");
  if (missing !== undefined) {
    throw new EnvironmentError("DATA_DIR", `${path} holds no "${missing}"; remove DATA_DIR to start afresh`);
  }
  return Object.fromEntries(names.map((name) => [name, String(found[name])])) as Secrets;
}
