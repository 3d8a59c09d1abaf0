// The environment's variables, each by itself or, with `_FILE` behind its name, as the path of a file that holds its value: what is
// in the environment of a process is seen by whoever may look at it, and by all that it starts. Knows no variable's meaning.

import { readFileSync } from "node:fs";
import { BadVariableError } from "./errors.ts";

/** Variables by their names. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What a variable says, and which one said it: the name itself or with `_FILE`. */
export interface Given {
  value: string;
  variable: string;
}

/** The value of a variable that is no secret; undefined where it is not set or empty. */
export function plain(variables: Variables, name: string): string | undefined {
  return variables[name] || undefined;
}

/**
 * The value of a secret variable: its own, or what is in the file that `NAME_FILE` names, without a line break at its end. Undefined
 * where neither is set. Throws BadVariableError if both are, or if the file can't be read.
 */
export function secret(variables: Variables, name: string): Given | undefined {
  const value = plain(variables, name);
  const inFile = `${name}_FILE`;
  const path = plain(variables, inFile);
  if (value !== undefined && path !== undefined)
    throw new BadVariableError(name, `must not be set besides ${inFile}`);
  if (value !== undefined) return { value, variable: name };
  if (path === undefined) return undefined;
  const content = contentOf(path, inFile).replace(/\r?\n$/, "");
  if (content === "") throw new BadVariableError(inFile, `${path} is empty`);
  return { value: content, variable: inFile };
}

/** What is in a file that a variable names; throws BadVariableError if it can't be read. */
export function contentOf(path: string, variable: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new BadVariableError(variable, `${path} cannot be read (${codeOf(error)})`);
  }
}

/** What went wrong, in the word that the system has for it. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
