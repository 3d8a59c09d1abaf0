// The system under the soak, with clocks so short that everything begins and ends all the time, and the people who use it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import demo from "../../start/demo.kickstart.json" with { type: "json" };
import { installationSecrets } from "../../start/secrets.ts";
import { freePorts } from "../../test/free-ports.ts";
import { startPostgres } from "../../test/servers/postgres.ts";
import { startRedis } from "../../test/servers/redis.ts";
import { type Running, start } from "../running.ts";
import { type Databases, postgresAt, redisAt, sqliteIn, together } from "./databases.ts";
import { type Person, register, type Site, sites } from "./site.ts";

/** Where everything is kept. */
export type Stores = "embedded" | "servers";

/** A system that runs. */
export interface Soaking {
  readonly server: Running;
  /** A process that does nothing. */
  readonly idle: Running;
  readonly sites: readonly Site[];
  readonly people: readonly Person[];
  /** Milliseconds. */
  readonly signInAbsolute: number;
  databases(): Promise<Databases>;
  /** Ends everything, and removes its data. */
  [Symbol.asyncDispose](): Promise<void>;
}

const people = 56;

/** Sessions idle for 20 s are over; renewed every 5 s; a sign-in lasts 2 minutes: what is swept is all there after 4. */
const clocks = { SESSION_IDLE: "20s", SESSION_ABSOLUTE: "5s", REFRESH_IDLE: "1m", REFRESH_ABSOLUTE: "2m" };

/** Starts it, and registers the people. */
export async function startSoaking(stores: Stores): Promise<Soaking> {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-soak-"));
  const open = new AsyncDisposableStack();
  open.defer(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const kept = stores === "servers" ? await onServers(open) : null;
    const [store = 0, forum = 0, idp = 0, outbox = 0, metrics = 0] = await freePorts(5);
    const server = await start({
      name: "the system",
      file: "servers/soak.ts",
      flags: ["--expose-gc"],
      core: null,
      environment: {
        ...clocks,
        ...kept?.environment,
        NODE_ENV: "development",
        DATA_DIR: folder,
        STORE_PORT: String(store),
        FORUM_PORT: String(forum),
        IDP_PORT: String(idp),
        OUTBOX_PORT: String(outbox),
        METRICS_PORT: String(metrics),
      },
    });
    open.defer(() => server.stop());
    const idle = await start({ name: "idle", file: "servers/soak-idle.ts", core: null });
    open.defer(() => idle.stop());
    const { apiKey } = installationSecrets(folder);
    const { storeId, forumId } = demo.variables;
    const { signInAbsolute } = (await server.ask("lifetimes")) as { signInAbsolute: number };
    return {
      server,
      idle,
      sites: sites({ store, forum }),
      people: await register(`http://localhost:${idp}`, apiKey, [storeId, forumId], people),
      signInAbsolute,
      databases: async () => together([sqliteIn(folder), ...((await kept?.databases()) ?? [])]),
      [Symbol.asyncDispose]: () => open.disposeAsync(),
    };
  } catch (error) {
    await open.disposeAsync();
    throw error;
  }
}

/** Sessions in a Redis, the provider in a durable Postgres. */
async function onServers(open: AsyncDisposableStack) {
  const redis = await startRedis();
  open.defer(() => redis.remove());
  const postgres = await startPostgres({ durable: true });
  open.defer(() => postgres.remove());
  const url = await postgres.database();
  return {
    environment: {
      SESSION_STORE: redis.url,
      DATABASE_URL: url,
      COOKIE_KEYS: `1:${Buffer.alloc(32, "soak").toString("base64url")}`,
    },
    databases: () => Promise.all([redisAt(redis.url), postgresAt(url)]),
  };
}
