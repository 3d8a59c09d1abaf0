// `latchkey-idp migrate`: the schema of the database, brought up to date before the servers of a new release start.

import type { Command } from "../command.ts";
import { databaseFrom } from "../environment.ts";

/** Brings the schema up to date. */
export const migrate: Command = {
  name: "migrate",
  does: "Brings the database's schema up to date, or makes it",
  when: `Servers do it by themselves when they start. Run it before them where they may not change the schema, or to see that it works
before they need it. Servers of the release before go on while it runs and after it. Needs no KEYS.`,
  example: "DATABASE_URL_FILE=/run/secrets/idp-database-owner latchkey-idp migrate",
  prints: "the version before and after; 0 is an empty database.",
  async run({ variables, terminal }) {
    const { migrateStore } = await import("../../store/open.ts");
    const { from, to } = await migrateStore(databaseFrom(variables));
    terminal.out(from === to ? `schema version ${to}, nothing to do\n` : `schema version ${from} → ${to}\n`);
    return 0;
  },
};
