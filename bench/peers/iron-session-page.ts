// The page behind iron-session on Fastify 5: the session is in the cookie, sealed, and nowhere else.
// SLIDE=1: every page seals it anew and sends it, as a session that slides needs; without, pages only read. SIGN_INS.
//
// As iron-session's README has it: `getIronSession(request, response, options)` of Node's own, a password of 32 characters or more, `save()`
// before the answer. `secure` is off, since the bench speaks plain HTTP. Its cookie can't be left without an expiry of its own: it would then
// be valid for ever (`maxAge: undefined` makes `ttl` 0).
// What it can't: end a session before its time. A sign-out only asks the browser to forget, and a stolen cookie stays good.
// Durable: nothing is kept.
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { getIronSession } from "iron-session";
import { present } from "../candidate.ts";
import { page } from "../page.ts";
import { cookieIn, idle, type Person, person, secret, signedIn, whoItIs } from "./people.ts";
import { versionsOf } from "./versions.ts";

const cookieName = "session";
const options = {
  cookieName,
  password: secret,
  ttl: idle,
  cookieOptions: { secure: false, httpOnly: true, sameSite: "lax" as const },
};
const isSliding = process.env["SLIDE"] === "1";

const app = fastify();
app.get("/page", async (request, reply) => {
  const session = await sessionOf(request, reply);
  if (session.user === undefined) return reply.redirect("/login");
  if (isSliding) await session.save();
  return reply.type("text/html; charset=utf-8").send(page(session.user.fullName));
});
app.post<{ Body: { index: number } }>("/login", async (request, reply) => {
  const session = await sessionOf(request, reply);
  session.user = person(request.body.index);
  await session.save();
  return reply.redirect("/page");
});
const port = Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
const browsers = await signedIn(port, whoItIs);

present({
  port,
  cookies: browsers.map(({ cookie }) => cookie),
  names: browsers.map(({ name }) => name),
  versions: versionsOf("fastify", "iron-session"),
  answers: {
    // The server knows of no session; what a browser holds is asked by `sealedUntil`.
    expiryOf: () => null,
    sealedUntil: (cookie) => sealedUntil(String(cookie)),
  },
});

function sessionOf(request: FastifyRequest, reply: FastifyReply) {
  return getIronSession<{ user: Person }>(request.raw, reply.raw, options);
}

/** Epoch milliseconds until which the session in a Cookie header is sealed. */
function sealedUntil(cookie: string): number {
  const expiry = 5;
  return Number(cookieIn(cookie, cookieName).split("*")[expiry]);
}
