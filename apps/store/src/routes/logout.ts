/** Signing out. A POST with a form token, so that no link and no other site can do it (CWE-352). */
import { visitor } from "@latchkey/session/fastify";
import type { FastifyInstance } from "fastify";

/** Adds `POST /logout`. */
export function logout(app: FastifyInstance): void {
  app.post("/logout", async (request, reply) => {
    await visitor(request).signOut();
    return reply.redirect("/", 302);
  });
}
