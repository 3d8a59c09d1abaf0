/** Signing out devices: one, the others, all. Each asks for the password first if it was given long ago (ASVS 7.5.2). */
import { requireRecentSignIn, visitor } from "@latchkey/session/fastify";
import type { FastifyInstance } from "fastify";
import { field } from "../fields.ts";
import { recently } from "../paths.ts";
import { refuse, type Shop } from "../shop.ts";

/** Adds `POST /account/devices/end`, `…/end-others` and `…/end-all`. */
export function devices(app: FastifyInstance, shop: Shop): void {
  const guarded = { preHandler: requireRecentSignIn(recently, { returnTo: "/account" }) };

  app.post("/account/devices/end", guarded, async (request, reply) => {
    const known = visitor(request);
    const isEnded = await known.endDevice(field(request.body, "device"));
    if (!isEnded) return refuse(shop, reply, 404, "This device is not signed in any more.");
    return reply.redirect(known.session === null ? "/" : "/account?done=device", 303);
  });

  app.post("/account/devices/end-others", guarded, async (request, reply) => {
    await visitor(request).signOutOthers();
    return reply.redirect("/account?done=others", 303);
  });

  app.post("/account/devices/end-all", guarded, async (request, reply) => {
    await visitor(request).signOutEverywhere();
    return reply.redirect("/login?done=everywhere", 303);
  });
}
