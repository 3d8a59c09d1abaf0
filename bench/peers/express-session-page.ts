// The page behind express-session on Express 5, with connect-redis or with its own memory store.
// STORE: redis (REDIS_URL), memory. ROLLING=1: the cookie carries its expiry, too, and is sent anew with every page. SIGN_INS.
//
// As express-session's README advises: `resave: false` where the store can touch, `saveUninitialized: false`, a new session at sign-in. As
// connect-redis' README: its store on a node-redis client. `secure` is off, since the bench speaks plain HTTP.
//
// What slides: at every request express-session touches the session, and connect-redis moves the key's expiry (GET, EXPIRE). That needs no
// `rolling`, which is about the cookie: like Latchkey's, this one lasts as long as the browser does, and the 30 minutes are the store's `ttl`.
// The memory store has no such option; what it knows of expiry is the cookie's `maxAge`, so that the cookie must be sent anew, or it would end
// in the browser 30 minutes after sign-in however much it is used.
// Durable: Redis as it is configured; memory not at all.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { RedisStore } from "connect-redis";
import express from "express";
import session, { MemoryStore } from "express-session";
import { createClient } from "redis";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { cookieIn, idle, type Person, person, secret, signedIn, unsigned, whoItIs } from "./people.ts";
import { versionsOf } from "./versions.ts";

declare module "express-session" {
  interface SessionData {
    user?: Person;
  }
}

const isInMemory = process.env["STORE"] === "memory";
const isRolling = isInMemory || process.env["ROLLING"] === "1";
const prefix = "express-session:";

const client = createClient({ url: process.env["REDIS_URL"] ?? "" });
const memory = new MemoryStore();
if (!isInMemory) await client.connect();

const app = express();
app.use(
  session({
    secret,
    store: isInMemory ? memory : new RedisStore({ client, prefix, ttl: idle }),
    resave: false,
    saveUninitialized: false,
    rolling: isRolling,
    cookie: { httpOnly: true, sameSite: "lax", ...(isRolling && { maxAge: idle * 1_000 }) },
  }),
);
app.get("/page", (request, response) => {
  const { user } = request.session;
  if (user === undefined) response.redirect("/login");
  else response.type("text/html; charset=utf-8").send(page(user.fullName));
});
app.post("/login", express.json(), (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = person((request.body as { index: number }).index);
    response.redirect("/page");
  });
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const browsers = await signedIn(port, whoItIs);

present({
  port,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  versions: versionsOf("express", "express-session", ...(isInMemory ? [] : ["connect-redis", "redis"])),
  answers: {
    expiryOf: (index) =>
      expiryOf(unsigned(cookieIn(browsers[Number(index)]?.cookie, "connect.sid")).slice("s:".length)),
  },
});

/** Epoch milliseconds, or `null` if there is no such session; nothing is extended by asking. */
async function expiryOf(id: string): Promise<number | null> {
  if (!isInMemory) {
    const expiry = await client.pExpireTime(prefix + id);
    return expiry < 0 ? null : expiry;
  }
  return new Promise((resolve) => {
    memory.get(id, (_, found) =>
      resolve(found?.cookie.expires ? Number(new Date(found.cookie.expires)) : null),
    );
  });
}
