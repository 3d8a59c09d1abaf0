// The session store in a real Postgres: unreachable, locked, read-only, its connections ended in mid-request, killed and started again.
import { Client } from "pg";
import { type Fault, type Proxy, startProxy } from "../../../test/servers/proxy.ts";
import { type PostgresServer, query, startPostgres } from "../../../test/servers/postgres.ts";
import { postgresStore } from "../src/store/postgres.ts";
import { storeOutages } from "./outage-suite.ts";

let postgres: PostgresServer;
let proxy: Proxy;
let url = "";
let schemas = 0;
let schema = "";

const spoilt = (that: string, fault: Fault) => ({
  that,
  async begin() {
    await proxy.set(fault);
    return () => proxy.set("pass");
  },
});

/** Ends every connection but the one it is asked over: what is under way fails, as in a fail-over. */
const endConnections = () =>
  query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");

/** A connection that holds a lock until the outage is over. */
async function locking(tables: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
  return () => client.end();
}

storeOutages({
  name: "Postgres",
  storeDeadline: "1s",
  async start() {
    // What is acknowledged outlives the process, as in production.
    postgres = await startPostgres({ settings: ["synchronous_commit=on"] });
    url = await postgres.database();
    proxy = await startProxy(postgres.port);
  },
  async stop() {
    await proxy.close();
    await postgres.remove();
  },
  open() {
    schema = `outage_${schemas++}`;
    return postgresStore({ url: proxy.through(url), schema });
  },
  outages: [
    spoilt("refuses connections", "refuse"),
    spoilt("can't be heard of any more, and hears everything late", "hang"),
    spoilt("hears everything and is not heard", "silent"),
    spoilt("is cut off in the middle of an answer", { cutAfter: 3 }),
    spoilt("answers garbage", "garbage"),
    {
      that: "has its tables locked",
      begin: () => locking(`${schema}.sessions, ${schema}.sign_ins`),
    },
    {
      that: "ends its connections in mid-request, again and again",
      async begin() {
        const unlock = await locking(`${schema}.sessions, ${schema}.sign_ins`);
        const others = `datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE 'BEGIN; LOCK%'`;
        const end = () =>
          query(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${others}`);
        const over = new AbortController();
        const ending = (async () => {
          while (!over.signal.aborted) await end();
        })();
        return async () => {
          over.abort();
          await ending;
          await unlock();
        };
      },
    },
    {
      that: "is killed and started again",
      async begin() {
        await postgres.stop("SIGQUIT");
        return () => postgres.start();
      },
    },
    {
      that: "is read-only",
      still: "reading" as const,
      async begin() {
        const name = new URL(url).pathname.slice(1);
        await query(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
        await endConnections();
        return async () => {
          const reset = `ALTER DATABASE ${name} RESET default_transaction_read_only`;
          await query(url, `BEGIN READ WRITE; ${reset}; COMMIT`);
          await endConnections();
        };
      },
    },
    {
      that: "has its sign-ins locked for writing",
      still: "reading" as const,
      async begin() {
        const client = new Client({ connectionString: url });
        await client.connect();
        await client.query(`BEGIN; LOCK TABLE ${schema}.sign_ins IN EXCLUSIVE MODE`);
        return () => client.end();
      },
    },
  ],
});
