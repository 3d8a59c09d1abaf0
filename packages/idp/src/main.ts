// The identity provider as a program: finds the command that was asked for and runs it. Whatever stops it is said in one line that
// names what can be changed, and no line holds a secret. What a command does is its own file, in program/commands/.

import { parseArgs } from "node:util";
import { type Command, helpOf, invocationOf } from "./program/command.ts";
import { commands } from "./program/commands.ts";
import { CommandError } from "./program/errors.ts";
import { helpOfAll, helpOfSeveral } from "./program/help.ts";
import { reasonFor } from "./program/reason.ts";
import { terminal } from "./program/terminal.ts";

await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<void> {
  try {
    process.exitCode = await run(words);
  } catch (error) {
    const reason = reasonFor(error, process.env);
    // A surprise keeps its stack: nobody could act on one line.
    if (reason === null) throw error;
    terminal.err(`latchkey-idp: ${reason}\n`);
    process.exitCode = 1;
  }
}

async function run(words: readonly string[]): Promise<number> {
  const command = named(words);
  if (asksForHelp(words)) return helped(words, command);
  if (command === null) throw new CommandError(unknown(words));
  const rest = words.slice(isNamed(command, words) ? command.name.split(" ").length : 0);
  return command.run(invocationOf(command, rest, { variables: process.env, terminal }));
}

/** The command that the first words name; without words that are none of an option, to serve. */
function named(words: readonly string[]): Command | null {
  const found = commands.find((command) => isNamed(command, words));
  const serve = commands.find(({ name }) => name === "serve") ?? null;
  return found ?? (words[0] === undefined || words[0].startsWith("-") ? serve : null);
}

function isNamed({ name }: Command, words: readonly string[]): boolean {
  return name.split(" ").every((word, index) => words[index] === word);
}

function asksForHelp(words: readonly string[]): boolean {
  const { values } = parseArgs({
    args: [...words],
    options: { help: { type: "boolean", short: "h" } },
    strict: false,
  });
  return values.help === true;
}

function helped(words: readonly string[], command: Command | null): number {
  const several = commands.filter(({ name }) => name.startsWith(`${words[0]} `));
  if (command !== null && isNamed(command, words)) terminal.out(helpOf(command));
  else if (several.length > 0) terminal.out(helpOfSeveral(several));
  else terminal.out(helpOfAll(commands));
  return 0;
}

function unknown(words: readonly string[]): string {
  const several = commands.filter(({ name }) => name.startsWith(`${words[0]} `));
  const known = (several.length > 0 ? several : commands).map(({ name }) => name).join(", ");
  return `knows no command "${words.slice(0, several.length > 0 ? 2 : 1).join(" ")}". There are ${known}; each has --help`;
}
