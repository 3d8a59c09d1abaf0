// The page behind Latchkey, or with no session at all, on Fastify or Express. The identity provider is embedded, on SQLite; people sign in with
// their passwords through the application's own form, as browsers do, and their browsers send all the cookies they got.
// FRAMEWORK: fastify, express. SESSION_STORE: none, memory, sqlite, redis (REDIS_URL), postgres (POSTGRES_URL).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createSessions, memoryStore, type SessionStore, sqliteStore } from "@latchkey/session";
import { postgresStore } from "@latchkey/session/postgres";
import { redisStore } from "@latchkey/session/redis";
import { sessionHash } from "../../packages/session/src/session-id.ts";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { startProvider } from "./provider.ts";
import { startExpress, startFastify } from "./frameworks.ts";
import { signedIn } from "./signing-in.ts";
import { folder } from "./folder.ts";

const { FRAMEWORK = "fastify", SESSION_STORE = "none", SIGN_INS = "100" } = process.env;
const application = "bench";
const host = "bench.localhost";
const people = 20;

const [port = 0] = await freePorts(1);
const store = sessionStore();
const sessions = store === null ? null : await sessionsOf(store);
await (FRAMEWORK === "express" ? startExpress : startFastify)(port, sessions);
const browsers = sessions === null ? [] : await signedIn({ port, host }, Number(SIGN_INS), people);

present({
  port,
  host: `${host}:${port}`,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  versions: { node: process.versions.node, [FRAMEWORK]: versionOf(FRAMEWORK) },
  answers: { expiryOf: (index) => expiryOf(browsers[Number(index)]?.cookie ?? "") },
});

function sessionStore(): SessionStore | null {
  if (SESSION_STORE === "memory") return memoryStore();
  if (SESSION_STORE === "sqlite") return sqliteStore({ path: join(folder, "sessions.sqlite") });
  if (SESSION_STORE === "redis") return redisStore({ url: process.env["REDIS_URL"] ?? "", application });
  if (SESSION_STORE === "postgres") return postgresStore({ url: process.env["POSTGRES_URL"] ?? "" });
  return null;
}

async function sessionsOf(store: SessionStore) {
  const { options } = await startProvider({ database: join(folder, "idp.sqlite"), people });
  return createSessions({
    application,
    origin: `http://${host}:${port}`,
    identityProvider: options,
    cookieKeys: [{ id: "1", secret: "b".repeat(43) }],
    store,
    publicPaths: ["/public"],
  });
}

/** When the session is over that this browser's cookie leads to; nothing is extended by asking. */
async function expiryOf(cookie: string): Promise<number | null> {
  const id = /(?:^|; )session=([^;]*)/.exec(cookie)?.[1] ?? "";
  const session = await store?.readSession(sessionHash(application, id), Date.now());
  return session?.expiresAt ?? null;
}

function versionOf(name: string): string {
  const manifest = join(import.meta.dirname, "../../node_modules", name, "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
