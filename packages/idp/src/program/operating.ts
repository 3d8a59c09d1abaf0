// The provider, opened on the environment's database for the time of one command.

import { existsSync } from "node:fs";
import { isPostgresAddress } from "../store/postgres/address.ts";
import type { Invocation } from "./command.ts";
import { environmentFrom } from "./environment.ts";
import { CommandError } from "./errors.ts";
import type { Operator } from "./operator.ts";

/** Opens the database of the environment for the time of `use`. */
export async function operating(
  { variables, terminal }: Invocation,
  use: (operator: Operator) => Promise<number>,
): Promise<number> {
  const { config, remarks } = environmentFrom(variables, { kickstart: false });
  requireDatabase(config.database);
  for (const remark of remarks) terminal.err(`latchkey-idp: ${remark}\n`);
  // Only now what takes time to load: help and a wrong variable come at once.
  const { openForOperator } = await import("./operator.ts");
  const operator = await openForOperator(config);
  try {
    if ((await operator.provider.store.tenants.list()).length === 0)
      throw new CommandError("the database is empty: start the server once, which sets it up");
    return await use(operator);
  } finally {
    await operator.close();
  }
}

// A mistyped path would make a new and empty database, and look as if everybody were gone.
/** Throws CommandError where there is no database to work on. */
export function requireDatabase(database: string): void {
  if (database === ":memory:") throw new CommandError("DATABASE: one in memory is known to its server alone");
  if (!isPostgresAddress(database) && !existsSync(database))
    throw new CommandError(
      `DATABASE: ${database} does not exist; the server makes it, or latchkey-idp migrate`,
    );
}
