// The outputs of the program, and secrets that are typed or piped in. A secret is never an argument: everybody on the machine sees
// those (CWE-214). With main.ts, serve.ts and telemetry.ts the only files of the program that touch `process`.

import { text } from "node:stream/consumers";
import type { ReadStream } from "node:tty";

/** Where a command writes and what it may ask. */
export interface Terminal {
  /** For what was asked for, which may be piped on. */
  out(text: string): void;
  /** For everything else. */
  err(text: string): void;
  /** A secret: typed without being shown, or all of standard input without the line break at its end. */
  secret(prompt: string): Promise<string>;
}

/** The process's own. */
export const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  async secret(prompt) {
    if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, "");
    return typed(process.stdin, prompt);
  },
};

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACES = ["\u0008", "\u007f"];

async function typed(input: ReadStream, prompt: string): Promise<string> {
  process.stderr.write(`${prompt}: `);
  input.setRawMode(true).setEncoding("utf8").resume();
  try {
    return await lineFrom(input);
  } finally {
    input.setRawMode(false).pause();
    process.stderr.write("\n");
  }
}

function lineFrom(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const take = (chunk: string): void => {
      for (const character of chunk) {
        if (character === "\r" || character === "\n") return end(() => resolve(line));
        if (character === CTRL_C || character === CTRL_D) return end(() => reject(new Error("Broken off")));
        line = BACKSPACES.includes(character) ? Array.from(line).slice(0, -1).join("") : line + character;
      }
    };
    const end = (answer: () => void): void => {
      input.off("data", take);
      answer();
    };
    input.on("data", take);
  });
}
