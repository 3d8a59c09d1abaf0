// What a failed statement means: the data did not fit, the statement is wrong, it may be tried again, or the database can't be used
// now. Only the last becomes StoreUnavailableError; what is in its message says nothing of the address or the password.

import { DatabaseError } from "pg";
import { StoreUnavailableError } from "../../errors.ts";

// Classes of SQLSTATE that say that the statement or its values are wrong; whoever repeats it gets the same.
const OUR_FAULT = /^(?:21|22|23|42|54)/;

// insufficient_privilege: the database was set up wrong, or its role lost a right.
const NO_RIGHT = "42501";

// A role that a fail-over made read-only, a backend that ends, and plans that a migration left behind: only a new connection helps.
const CONNECTION_IS_OVER = /^(?:08|25006|25P03|57P|26000|0A000|XX)/;

/** What is thrown on: the error itself where the statement is at fault, else StoreUnavailableError with it as the cause. */
export function failureOf(error: unknown): unknown {
  if (error instanceof StoreUnavailableError || error instanceof TypeError) return error;
  const code = codeOf(error);
  return OUR_FAULT.test(code) && code !== NO_RIGHT ? error : new StoreUnavailableError(error);
}

/** True if Postgres undid everything because of others: a deadlock (40P01) or a serialization failure (40001). */
export function mayBeRepeated(error: unknown): boolean {
  const code = causeCodeOf(error);
  return code === "40P01" || code === "40001";
}

/** True if a lock was not free in time (55P03). */
export function isLockTimeout(error: unknown): boolean {
  return causeCodeOf(error) === "55P03";
}

/** True if no more may be asked over the connection on which this happened. */
export function isOver(error: unknown): boolean {
  return !(error instanceof DatabaseError) || CONNECTION_IS_OVER.test(codeOf(error));
}

/** The unique constraint that an insert or update ran into; null for any other error. */
export function duplicateIn(error: unknown): string | null {
  return codeOf(error) === "23505" && error instanceof DatabaseError ? (error.constraint ?? "") : null;
}

/** True if the row belongs to another one that is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  return codeOf(error) === "23503";
}

function causeCodeOf(error: unknown): string {
  return codeOf(error instanceof StoreUnavailableError ? error.cause : error);
}

function codeOf(error: unknown): string {
  return error instanceof DatabaseError ? (error.code ?? "") : "";
}
