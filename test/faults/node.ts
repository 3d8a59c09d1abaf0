// One process of the system under test: an application or the provider, told by its parent over IPC what to be and what time it is. It
// listens on the port it is given, so that the next one can take its place, and ends when its parent lets go of it.
import { around, headersForProvider, plan } from "./kill-points.ts";
import { serve } from "@hono/node-server";
import { createIdp, type IdpConfig } from "@latchkey/idp";
import { createSessions, type SessionsOptions, type SessionStore, sqliteStore } from "@latchkey/session";
import { listen } from "../../packages/session/test/frameworks.ts";
import { publicPaths } from "../../packages/session/test/pages.ts";
import { webhookPath } from "./kill-headers.ts";

/** What a process can be. */
export type Role =
  | ({ role: "application"; port: number; store: string } & Pick<
      SessionsOptions,
      "origin" | "identityProvider" | "cookieKeys"
    >)
  | ({ role: "provider"; port: number } & Pick<IdpConfig, "database" | "issuer" | "keys" | "kickstart">);

/**
 * What a process is told: what to be, what time it is, to do now what it does by itself from time to time, or to die at a step of the
 * next request to a path.
 */
export type Told =
  | { start: Role; now: number }
  | { now: number }
  | { maintain: true }
  | { doom: { path: string; at: number } | null };

let now = 0;
let maintain: () => Promise<void> = () => Promise.resolve();

async function startApplication({
  store,
  port,
  identityProvider,
  ...options
}: Role & { role: "application" }) {
  const listener = await listen("Fastify", { gate: () => null, port });
  const sessions = createSessions({
    ...options,
    application: "store",
    identityProvider: { ...identityProvider, fetch: callProvider },
    publicPaths,
    afterSignIn: "/shopping-cart",
    webhookPath,
    store: await storeAt(store),
    now: () => now,
  });
  maintain = () => sessions.maintain();
  await listener.mount(sessions);
}

function callProvider(request: Request): Promise<Response> {
  for (const [name, value] of Object.entries(headersForProvider())) request.headers.set(name, value);
  const { method, url } = request;
  return around(`${method} ${new URL(url).pathname.split("/", 4).join("/")}`, () => fetch(request));
}

async function storeAt(address: string): Promise<SessionStore> {
  if (address.startsWith("redis:")) {
    const { redisStore } = await import("@latchkey/session/redis");
    return redisStore({ url: address, application: "store" });
  }
  if (address.startsWith("postgres:")) {
    const { postgresStore } = await import("@latchkey/session/postgres");
    return postgresStore({ url: address });
  }
  return sqliteStore({ path: address });
}

async function startProvider({ port, ...config }: Role & { role: "provider" }): Promise<void> {
  const idp = await createIdp({ ...config, now: () => now, hashing: { queue: 200 } });
  maintain = () => idp.deliverDue();
  await new Promise<void>((resolve) => {
    serve({ fetch: (request) => idp.fetch(request), port, hostname: "127.0.0.1" }, () => resolve());
  });
}

async function obey(told: Told): Promise<void> {
  if ("maintain" in told) return maintain();
  if ("doom" in told) return plan(told.doom);
  now = told.now;
  if (!("start" in told)) return;
  if (told.start.role === "application") await startApplication(told.start);
  else await startProvider(told.start);
}

process.on("disconnect", () => process.exit(0));
process.on("message", (told: Told) => {
  obey(told).then(
    () => process.send?.("done"),
    (error: unknown) => process.send?.(`failed: ${String(error)}`),
  );
});
