/** The Postgres store under the conformance suite. Its outage is a server that was killed; it is started again on the same data. */
import { query } from "../../../test/servers/postgres.ts";
import type { StoreHarness } from "../src/store/conformance.ts";
import { postgresStore } from "../src/store/postgres.ts";

/** The server under it, as far as the harness needs one. */
export interface StoppableServer {
  readonly url: string;
  stop(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/** A new schema for each case, on a server that starts before the first. */
export function postgresHarness(server: () => StoppableServer): StoreHarness {
  let schemas = 0;
  const schema = () => `latchkey_${schemas}`;
  const open = async () => postgresStore({ url: server().url, schema: schema() });
  return {
    name: "Postgres",
    keeps: "what was acknowledged",
    plantEarlier: null,
    open,
    async fresh() {
      schemas++;
    },
    async plantMalformed(key) {
      // The tables are made by the first call.
      const store = await open();
      await store.readSignIn(key);
      await store.close();
      const json = `'{"id": "user-1", "roles"'`;
      await query(
        server().url,
        `INSERT INTO ${schema()}.sessions VALUES ('${key}', 'sign-in-1', ${json}, 0, 0, 9e15, 9e15, false, 0);
         INSERT INTO ${schema()}.sign_ins VALUES ('${key}', 0, 'store', 'user-1', ${json}, ${json}, 0, 9e15, false, 's0', NULL, 0, 0, 0,
           NULL, NULL, NULL, NULL, true)`,
      );
    },
    async outage() {
      await server().stop("SIGKILL");
      return { end: () => server().start() };
    },
  };
}
