// What stops the program, as one line that an operator can act on. No line holds a secret.

/** A variable whose value can't be used; the message names it and holds no value. */
export class BadVariableError extends Error {
  readonly code = "bad-variable";
  override readonly name = "BadVariableError";

  constructor(variable: string, what: string) {
    super(`${variable}: ${what}`);
  }
}

/** It can't be done as it was asked for: `message` says why. */
export class CommandError extends Error {
  readonly code = "bad-command";
  override readonly name = "CommandError";
}
