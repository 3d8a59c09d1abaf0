// The page behind @fastify/session with connect-redis on Fastify 5.
// REDIS_URL, SIGN_INS. MAX_AGE=1: the cookie carries its expiry.
//
// As @fastify/session's README has it: after @fastify/cookie, a store of express-session's kind, `saveUninitialized: false`, a new session at
// sign-in; and as connect-redis' README has it: its store on a node-redis client. `secure` is off, since the bench speaks plain HTTP.
//
// What slides: with `rolling`, its default, the whole session is written anew at every request (GET, SET EX) and the cookie sent again. Without,
// a session that is only read is never extended: the package doesn't touch. So it stays on; only the cookie's own expiry is left out,
// as in Latchkey's, since the 30 minutes are the store's `ttl`.
// Durable: Redis as it is configured.
import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import { RedisStore } from "connect-redis";
import fastify from "fastify";
import { createClient } from "redis";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { cookieIn, idle, type Person, person, secret, signedIn, unsigned, whoItIs } from "./people.ts";
import { versionsOf } from "./versions.ts";

declare module "fastify" {
  interface Session {
    user?: Person;
  }
}

const prefix = "fastify-session:";
const client = createClient({ url: process.env["REDIS_URL"] ?? "" });
await client.connect();

const app = fastify();
await app.register(fastifyCookie);
await app.register(fastifySession, {
  secret,
  store: new RedisStore({ client, prefix, ttl: idle }),
  saveUninitialized: false,
  rolling: true,
  cookie: {
    secure: false,
    httpOnly: true,
    sameSite: "lax",
    ...(process.env["MAX_AGE"] === "1" && { maxAge: idle * 1_000 }),
  },
});
app.get("/page", (request, reply) => {
  const { user } = request.session;
  if (user === undefined) return reply.redirect("/login");
  return reply.type("text/html; charset=utf-8").send(page(user.fullName));
});
app.post<{ Body: { index: number } }>("/login", async (request, reply) => {
  await request.session.regenerate();
  request.session.user = person(request.body.index);
  return reply.redirect("/page");
});
const port = Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
const browsers = await signedIn(port, whoItIs);

present({
  port,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  versions: versionsOf("fastify", "@fastify/cookie", "@fastify/session", "connect-redis", "redis"),
  answers: {
    expiryOf: (index) => expiryOf(unsigned(cookieIn(browsers[Number(index)]?.cookie, "sessionId"))),
  },
});

/** Epoch milliseconds, or `null` if there is no such session; nothing is extended by asking. */
async function expiryOf(id: string): Promise<number | null> {
  const expiry = await client.pExpireTime(prefix + id);
  return expiry < 0 ? null : expiry;
}
