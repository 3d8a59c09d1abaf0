/** What stops `npm start`, or makes it wait, as one line that somebody can act on. No line holds a secret. */

/** A variable that can't be used; `message` is the line to print. */
export class EnvironmentError extends Error {
  readonly code = "bad-environment";
  override readonly name = "EnvironmentError";

  constructor(variable: string, problem: string, options?: ErrorOptions) {
    super(`${variable}: ${problem}`, options);
  }
}

/** Something this node needs can't be used, now or as it is; `message` is the line to print. */
export class SetUpError extends Error {
  readonly code = "set-up";
  override readonly name = "SetUpError";
}
