// What a command is, how its arguments are read, and its help. Every command says what it does, when one needs it, shows an example,
// and says what it prints and with which code it exits: nobody should have to read elsewhere.

import { parseArgs, type ParseArgsConfig } from "node:util";
import { CommandError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";
import type { Variables } from "./variables.ts";

/** An option of a command. */
export interface CommandOption {
  /** What its value is, in capitals; left out: it has none. */
  readonly takes?: string;
  readonly multiple?: boolean;
  readonly help: string;
}

/** A command of the program. */
export interface Command {
  /** One word or two: "user create". */
  readonly name: string;
  /** What it does: one sentence without a full stop. */
  readonly does: string;
  /** When one needs it, and what else there is to know. */
  readonly when: string;
  /** What its one argument is, in capitals; left out: it takes none. */
  readonly takes?: string;
  readonly options?: Readonly<Record<string, CommandOption>>;
  readonly example: string;
  readonly prints: string;
  readonly exits?: string;
  /** The exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** What a command is called with. */
export interface Invocation {
  readonly variables: Variables;
  readonly terminal: Terminal;
  /** The argument, "" for a command that takes none. */
  readonly argument: string;
  has(option: string): boolean;
  one(option: string): string | undefined;
  all(option: string): readonly string[];
}

/** The option that every command that lists has. */
export const JSON_OPTION: Readonly<Record<"json", CommandOption>> = {
  json: { help: "print JSON" },
};

/** What the words after the command's name say. Throws CommandError for what the command does not know. */
export function invocationOf(
  { name, takes, options = {} }: Command,
  words: readonly string[],
  context: Pick<Invocation, "variables" | "terminal">,
): Invocation {
  const { values, positionals } = parsed(name, options, words);
  if (positionals.length > (takes === undefined ? 0 : 1))
    throw new CommandError(`${name}: what is "${positionals.at(-1)}"? See latchkey-idp ${name} --help`);
  const [argument = ""] = positionals;
  if (takes !== undefined && argument === "")
    throw new CommandError(`${name}: name the ${takes}. See latchkey-idp ${name} --help`);
  const valuesOf = (option: string): string[] =>
    [values[option] ?? []].flat().filter((value) => typeof value === "string");
  return {
    ...context,
    argument,
    has: (option) => values[option] !== undefined && values[option] !== false,
    one: (option) => valuesOf(option).at(-1),
    all: valuesOf,
  };
}

function parsed(name: string, options: Readonly<Record<string, CommandOption>>, words: readonly string[]) {
  const known: ParseArgsConfig["options"] = {};
  for (const [option, { takes, multiple = false }] of Object.entries(options))
    known[option] = { type: takes === undefined ? "boolean" : "string", multiple };
  try {
    return parseArgs({ args: [...words], options: known, allowPositionals: true, strict: true });
  } catch (error) {
    const what = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? "") : "";
    throw new CommandError(`${name}: ${what}. See latchkey-idp ${name} --help`);
  }
}

/** What `--help` prints. */
export function helpOf({ name, does, when, takes, options = {}, example, prints, exits }: Command): string {
  const usage = `latchkey-idp ${name}${takes === undefined ? "" : ` ${takes}`}`;
  const listed = Object.entries(options).map(([option, { takes, help }]) => [
    `--${option}${takes === undefined ? "" : ` ${takes}`}`,
    help,
  ]);
  return [
    `${usage}\n  ${does}.`,
    when,
    ...(listed.length === 0 ? [] : [`Options:\n${table(listed, "  ")}`]),
    `For example:\n${indented(example)}`,
    `Prints: ${prints}`,
    `Exits with: ${exits ?? "0 when it is done; 1 when it can't be, and why is on standard error"}`,
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join("\n");
}

/** JSON as people read it. */
export function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A member of an answer as a cell of a table; "" for what is none. */
export function cell(value: unknown): string {
  if (Array.isArray(value)) return value.map(cell).join(", ");
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}

/** Rows in columns; the last column is as long as it is. */
export function table(rows: readonly (readonly string[])[], indent = ""): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2)))
      .join("");
  return rows.map((row) => `${indent}${line(row).trimEnd()}\n`).join("");
}

function indented(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `  ${line.trim()}\n`)
    .join("");
}
