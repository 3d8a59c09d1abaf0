// `latchkey-idp serve`, which is also what happens without a command.

import type { Command } from "../command.ts";
import { serveUntilSignal } from "../serve.ts";

/** Listens until a signal. */
export const serve: Command = {
  name: "serve",
  does: "Answers requests until SIGTERM or SIGINT",
  when: `The server. Several may share a database: on one machine a SQLite file, on several Postgres. At SIGTERM it says that it is
not ready (/api/status answers 503) and goes on for DRAIN_SECONDS, then lets nobody new in and finishes what is under way, for
8 seconds at most; what stops it must wait for both. At SIGINT it does not drain. A second signal ends it at once.`,
  example: `KEYS_FILE=/run/secrets/idp-keys DATABASE_URL_FILE=/run/secrets/idp-database \\
NODE_ENV=production ISSUER=https://login.example.com latchkey-idp serve`,
  prints: "where it listens, then its log, a line of JSON an event.",
  exits: "0 after a signal; 1 if it can't start, and why is on standard error",
  async run({ variables, terminal }) {
    await serveUntilSignal(variables, terminal);
    return 0;
  },
};
