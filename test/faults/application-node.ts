// An application as a process under test.
import { createSessions, type SessionsOptions, type SessionStore, sqliteStore } from "@latchkey/session";
import { redisStore } from "@latchkey/session/redis";
import { listen, loadFastify } from "../../packages/session/test/frameworks.ts";
import { publicPaths } from "../../packages/session/test/pages.ts";
import { webhookPath } from "./kill-headers.ts";
import { headersForProvider, step } from "./kill-points.ts";
import type { Maintain } from "./node.ts";

/** What it needs; `store` is an address or the path of a SQLite file. */
export type ApplicationConfig = { port: number; store: string } & Pick<
  SessionsOptions,
  "origin" | "identityProvider" | "cookieKeys"
>;

await loadFastify();

/** Starts it; answers its upkeep. */
export async function start(
  { store, port, origin, cookieKeys, identityProvider }: ApplicationConfig,
  now: () => number,
): Promise<Maintain> {
  const listener = await listen("Fastify", { gate: () => null, port });
  const sessions = createSessions({
    application: "store",
    origin,
    cookieKeys,
    identityProvider: { ...identityProvider, fetch: callProvider },
    publicPaths,
    afterSignIn: "/shopping-cart",
    webhookPath,
    store: storeAt(store),
    now,
  });
  await listener.mount(sessions);
  return () => sessions.maintain();
}

function callProvider(request: Request): Promise<Response> {
  for (const [name, value] of Object.entries(headersForProvider())) request.headers.set(name, value);
  const { method, url } = request;
  step(`before ${method} ${new URL(url).pathname.split("/", 4).join("/")}`);
  return fetch(request);
}

function storeAt(address: string): SessionStore {
  if (address.startsWith("redis:")) return redisStore({ url: address, application: "store" });
  return sqliteStore({ path: address });
}
