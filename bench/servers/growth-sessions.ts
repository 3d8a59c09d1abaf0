// A page behind sessions, over one of the stores of the growth scenario; what its user is signed in with, and the end of all of it. The
// provider says yes to everything at once: what it costs is no matter of the store.
import { randomBytes } from "node:crypto";
import { createSessions, type SessionStore, sqliteStore } from "@latchkey/session";
import { latchkey, visitor } from "@latchkey/session/fastify";
import { postgresStore } from "@latchkey/session/postgres";
import { redisStore } from "@latchkey/session/redis";
import fastify from "fastify";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { application } from "../scenarios/growth/made.ts";

const { WHAT = "", WHERE = "" } = process.env;
const stores: Readonly<Record<string, () => SessionStore>> = {
  redis: () => redisStore({ url: WHERE, application }),
  sqlite: () => sqliteStore({ path: WHERE }),
  postgres: () => postgresStore({ url: WHERE }),
};
const store = stores[WHAT]?.();
if (store === undefined) throw new Error(`There is no store "${WHAT}"`);

const sessions = createSessions({
  application,
  origin: "https://store.example.com",
  identityProvider: {
    url: "https://id.example.com",
    applicationId: "6f1f1bd6-3b3f-4a86-8f0f-6b3c3e1f8f7d",
    apiKey: "a key of nothing",
    clientSecret: "a secret of nothing",
    fetch: async () => Response.json({}),
  },
  cookieKeys: [{ id: "1", secret: randomBytes(32).toString("base64url") }],
  store,
  publicPaths: [],
  // No session of the measurement is to be renewed in the middle of it.
  lifetimes: { revalidateAfter: "1h", signInIdle: "2h" },
});

const app = fastify();
await app.register(latchkey(sessions));
app.get("/page", (request, reply) =>
  reply.type("text/html; charset=utf-8").send(page(visitor(request).signedIn().user.email ?? "")),
);
app.get("/devices", async (request) => ({ devices: await visitor(request).devices() }));
app.get("/form-token", (request, reply) => reply.type("text/plain").send(visitor(request).formToken()));
app.post("/sign-out-everywhere", async (request, reply) => {
  await visitor(request).signOutEverywhere();
  return reply.code(204).send();
});
const address = await app.listen({ port: 0, host: "127.0.0.1" });

process.on("SIGTERM", () => {
  void sessions.close().then(() => process.exit(0));
});
present({ port: Number(new URL(address).port) });
