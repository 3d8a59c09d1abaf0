// The page behind better-auth on Fastify 5. People and passwords are in SQLite; the sessions are there, too, or in Redis.
// STORE: sqlite, redis (REDIS_URL). COOKIE_CACHE=1: the session is believed from a signed cookie. SIGN_INS.
//
// As its documentation has it: the route of docs/integrations/fastify; `auth.api.getSession({ headers })` for a page that the server makes;
// `node:sqlite` of docs/adapters/sqlite, which recommends better-sqlite3 first (its driver prepares each statement anew in both cases);
// Redis as `secondaryStorage` by way of ioredis, as docs/concepts/database and its own @better-auth/redis-storage do.
// Everything else is its default for production: passwords by its scrypt, the rate limit on (it guards its HTTP routes, not a page that calls
// the API; every browser here comes from its own address), CSRF and origin checks on, telemetry off.
//
// What slides: `updateAge: 0` moves the expiry with every use; its default would be once a day. The cookie isn't sent again with the page:
// that would take `returnHeaders` and one more step. With the cookie cache (docs/guides/optimizing-for-performance) the expiry doesn't move with
// a use but only when the cache is over, and a session that was ended elsewhere is good until then: less work than the others do.
// The documentation's example keeps the cache for 5 minutes; here it is the session's 30, so that no run outlasts it.
// Durable: SQLite in WAL mode with `synchronous = NORMAL`, as Latchkey's session store; a power cut may lose the last writes, a crash of the
// process none. Redis as it is configured.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type BetterAuthOptions, betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders } from "better-auth/node";
import fastify from "fastify";
import { Redis } from "ioredis";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { cookieIn, idle, isFirst, person, secret, type SignIn, signedIn, unsigned } from "./people.ts";
import { versionsOf } from "./versions.ts";
import { folder } from "../servers/folder.ts";

const isInRedis = process.env["STORE"] === "redis";
const isCached = process.env["COOKIE_CACHE"] === "1";
const prefix = "better-auth:";
const [port = 0] = await freePorts(1);

const database = new DatabaseSync(join(folder, "better-auth.sqlite"));
database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
const redis = new Redis(process.env["REDIS_URL"] ?? "", { lazyConnect: true });

const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret,
  database,
  emailAndPassword: { enabled: true },
  session: {
    expiresIn: idle,
    updateAge: 0,
    ...(isCached && { cookieCache: { enabled: true, maxAge: idle } }),
  },
  ...(isInRedis && { secondaryStorage: secondaryStorage() }),
} satisfies BetterAuthOptions;
const auth = betterAuth(options);
await (await getMigrations(options)).runMigrations();

const app = fastify();
app.route({
  method: ["GET", "POST"],
  url: "/api/auth/*",
  async handler(request, reply) {
    const response = await auth.handler(
      new Request(new URL(request.url, options.baseURL), {
        method: request.method,
        headers: fromNodeHeaders(request.headers),
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      }),
    );
    reply.status(response.status);
    for (const [name, value] of response.headers) reply.header(name, value);
    return reply.send(await response.text());
  },
});
app.get("/page", async (request, reply) => {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (found === null) return reply.redirect("/login");
  return reply.type("text/html; charset=utf-8").send(page(found.user.name));
});
await app.listen({ port, host: "127.0.0.1" });
const browsers = await signedIn(port, signIn);

present({
  port,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  versions: versionsOf("fastify", "better-auth", ...(isInRedis ? ["ioredis"] : [])),
  answers: {
    // With the cookie cache the server's own expiry stands still between two looks at it.
    expiryOf: (index) =>
      isCached
        ? null
        : expiryOf(unsigned(cookieIn(browsers[Number(index)]?.cookie, "better-auth.session_token"))),
  },
});

// A person's first browser registers, which signs it in; the others sign in.
function signIn(index: number): SignIn {
  const { email, fullName: name } = person(index);
  const password = "correct horse battery staple";
  return isFirst(index)
    ? { path: "/api/auth/sign-up/email", body: { email, password, name } }
    : { path: "/api/auth/sign-in/email", body: { email, password } };
}

/** Epoch milliseconds, or `null` if there is no such session; nothing is extended by asking. */
async function expiryOf(token: string): Promise<number | null> {
  const found = isInRedis
    ? ((JSON.parse((await redis.get(prefix + token)) ?? "null") as { session: { expiresAt: string } } | null)
        ?.session ?? null)
    : database.prepare("SELECT expiresAt FROM session WHERE token = ?").get(token);
  return found?.expiresAt === undefined || found.expiresAt === null
    ? null
    : new Date(String(found.expiresAt)).getTime();
}

function secondaryStorage() {
  return {
    get: (key: string) => redis.get(prefix + key),
    getAndDelete: (key: string) => redis.getdel(prefix + key),
    set: (key: string, value: string, ttl?: number) =>
      ttl === undefined ? redis.set(prefix + key, value) : redis.set(prefix + key, value, "EX", ttl),
    async delete(key: string) {
      await redis.del(prefix + key);
    },
    // The window stands from the first count on.
    async increment(key: string, ttl: number) {
      const results = await redis
        .multi()
        .set(prefix + key, 0, "EX", ttl, "NX")
        .incr(prefix + key)
        .exec();
      return Number(results?.[1]?.[1]);
    },
  };
}
