// Signing in through the whole chain: the application's form on Fastify, the session library, the embedded provider; sign-ins, sessions and the
// provider on SQLite. Everything is as it is by default, above all how many passwords wait; HASHES_AT_ONCE: how many are hashed at a time, by
// default as many as there are cores.
import { join } from "node:path";
import formbody from "@fastify/formbody";
import { createSessions, sqliteStore } from "@latchkey/session";
import { latchkey, visitor } from "@latchkey/session/fastify";
import fastify from "fastify";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { startProvider } from "./provider.ts";
import { signedIn } from "./signing-in.ts";
import { folder } from "./folder.ts";

const host = "bench.localhost";
const people = Number(process.env["PEOPLE"] ?? 64);
const html = "text/html; charset=utf-8";

const [port = 0] = await freePorts(1);
const { HASHES_AT_ONCE } = process.env;
const hashing = HASHES_AT_ONCE === undefined ? {} : { concurrency: Number(HASHES_AT_ONCE) };
const { options } = await startProvider({ database: join(folder, "idp.sqlite"), people, hashing });
const sessions = createSessions({
  application: "bench",
  origin: `http://${host}:${port}`,
  identityProvider: options,
  cookieKeys: [{ id: "1", secret: "b".repeat(43) }],
  store: sqliteStore({ path: join(folder, "sessions.sqlite") }),
  publicPaths: [],
});
// The load says where each request comes from, as a proxy in front would.
const app = fastify({ trustProxy: "loopback" });
await app.register(formbody);
await app.register(latchkey(sessions));
app.get("/page", (request, reply) =>
  reply.type(html).send(page(visitor(request).signedIn().user.fullName ?? "")),
);
app.get("/login", (request, reply) => reply.type(html).send(visitor(request).formToken()));
app.post("/login", async (request, reply) => {
  const { loginId, password } = request.body as Record<string, string>;
  const result = await visitor(request).signIn({ loginId, password });
  return result.outcome === "signed-in"
    ? reply.redirect(result.location)
    : reply.code(result.status).send(result.outcome);
});
await app.listen({ port, host: "127.0.0.1" });
const [browser] = await signedIn({ port, host }, 1, people);

present({
  port,
  host: `${host}:${port}`,
  cookies: [browser?.cookie ?? ""],
  names: [browser?.name ?? ""],
  versions: { node: process.versions.node, fastify: app.version },
});
