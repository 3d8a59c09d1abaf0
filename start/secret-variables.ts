/**
 * The variables that hold secrets. Each may be a file instead, named by the variable with `_FILE` behind it: what stands in
 * a process's environment is read by its children, by crash dumps, and by whoever may list processes.
 */
import { readFileSync } from "node:fs";
import type { CookieKey } from "@latchkey/session";
import { EnvironmentError } from "./errors.ts";

/** Variables by name, as in `process.env`. An empty one is unset. */
export type Variables = Readonly<Record<string, string | undefined>>;

const secretVariables = [
  "COOKIE_KEYS",
  "IDP_API_KEY",
  "STORE_CLIENT_SECRET",
  "FORUM_CLIENT_SECRET",
  "SMTP_URL",
  "SESSION_STORE",
  "DATABASE_URL",
];

/**
 * The variables with the contents of every `…_FILE` in their place, without the end of the last line; throws
 * EnvironmentError where a file can't be read or is empty, or where a variable is set both ways.
 */
export function withSecretFiles(variables: Variables): Variables {
  const read = secretVariables.flatMap((name) => {
    const path = variables[`${name}_FILE`];
    if (!path) return [];
    if (variables[name]) throw new EnvironmentError(`${name}_FILE`, `can't be set besides ${name}`);
    return [[name, contents(`${name}_FILE`, path)]];
  });
  return { ...variables, ...Object.fromEntries(read) };
}

function contents(variable: string, path: string): string {
  const text = readOrRefuse(variable, path).replace(/\r?\n$/, "");
  if (text === "") throw new EnvironmentError(variable, `"${path}" is empty`);
  return text;
}

function readOrRefuse(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new EnvironmentError(variable, `"${path}" can't be read (${code})`, { cause });
  }
}

/**
 * COOKIE_KEYS: `id:secret` once or several times, by commas or line ends between them; the first writes, all read. `null` where
 * it is not set. Throws EnvironmentError that says which entry is wrong, and nothing of what stands in it.
 */
export function cookieKeys(variables: Variables): readonly CookieKey[] | null {
  const value = variables["COOKIE_KEYS"];
  if (!value) return null;
  const entries = value.split(/[,\n]/).map((entry) => entry.trim());
  const keys = entries.filter((entry) => entry !== "").map(cookieKey);
  if (keys.length === 0) throw new EnvironmentError("COOKIE_KEYS", "holds no key");
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new EnvironmentError("COOKIE_KEYS", "holds two keys of one id");
  return keys;
}

function cookieKey(entry: string, index: number): CookieKey {
  const [, id, secret = ""] = /^([\w-]{1,16}):([\w-]+)$/.exec(entry) ?? [];
  if (id !== undefined && Buffer.from(secret, "base64url").length >= 32) return { id, secret };
  throw new EnvironmentError(
    "COOKIE_KEYS",
    `entry ${index + 1} is not id:secret, with an id of 1 to 16 of A–Z a–z 0–9 _ - and a secret of at least 32 random bytes in base64url`,
  );
}
