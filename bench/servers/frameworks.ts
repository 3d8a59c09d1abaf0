// The same page on two frameworks, with sessions and without; both read forms. With sessions there is a login form, since people sign in with it.
import { once } from "node:events";
import type { Server } from "node:http";
import formbody from "@fastify/formbody";
import type { Sessions } from "@latchkey/session";
import * as onExpress from "@latchkey/session/express";
import * as onFastify from "@latchkey/session/fastify";
import express from "express";
import fastify from "fastify";
import { page } from "../page.ts";

const nobody = "nobody";
const html = "text/html; charset=utf-8";

/** Listens on that port of 127.0.0.1. `/page` needs a session where there are any; `/public` is for everybody. */
export async function startFastify(port: number, sessions: Sessions | null): Promise<void> {
  const app = fastify();
  await app.register(formbody);
  if (sessions === null) {
    app.get("/page", (_, reply) => reply.type(html).send(page(nobody)));
  } else {
    await app.register(onFastify.latchkey(sessions));
    const { visitor } = onFastify;
    app.get("/page", (request, reply) =>
      reply.type(html).send(page(visitor(request).signedIn().user.fullName ?? "")),
    );
    app.get("/login", (request, reply) => reply.type(html).send(visitor(request).formToken()));
    app.post("/login", async (request, reply) => {
      const result = await visitor(request).signIn(credentials(request.body));
      return result.outcome === "signed-in"
        ? reply.redirect(result.location)
        : reply.code(result.status).send(result.outcome);
    });
  }
  app.get("/public", (_, reply) => reply.type(html).send(page(nobody)));
  await app.listen({ port, host: "127.0.0.1" });
}

/** The same on Express. */
export async function startExpress(port: number, sessions: Sessions | null): Promise<void> {
  const app = express();
  app.use(express.urlencoded({ extended: false }));
  if (sessions === null) {
    app.get("/page", (_, response) => void response.type(html).send(page(nobody)));
  } else {
    app.use(onExpress.latchkey(sessions));
    const { visitor } = onExpress;
    app.get(
      "/page",
      (request, response) =>
        void response.type(html).send(page(visitor(request).signedIn().user.fullName ?? "")),
    );
    app.get("/login", (request, response) => void response.type(html).send(visitor(request).formToken()));
    app.post("/login", async (request, response) => {
      const result = await visitor(request).signIn(credentials(request.body));
      if (result.outcome === "signed-in") response.redirect(result.location);
      else response.status(result.status).send(result.outcome);
    });
  }
  app.get("/public", (_, response) => void response.type(html).send(page(nobody)));
  const server: Server = app.listen(port, "127.0.0.1");
  await once(server, "listening");
}

function credentials(body: unknown): { loginId: string; password: string } {
  const { loginId, password } = body as Record<string, string>;
  return { loginId: loginId ?? "", password: password ?? "" };
}
