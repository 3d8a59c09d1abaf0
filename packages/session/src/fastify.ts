/** The Fastify adapter: moves headers between Fastify and the library, and decides nothing. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { askForRecentSignIn, cacheControl, keepVisitor } from "./adapter.ts";
import type { Answer } from "./answer.ts";
import type { Duration } from "./duration.ts";
import type { IncomingRequest } from "./receive.ts";
import { type RecentSignInOptions, recentSignIn } from "./recent-sign-in.ts";
import type { Sessions } from "./sessions.ts";
import type { PendingResponse } from "./visitor.ts";

export { visitor } from "./adapter.ts";

/**
 * Sessions for a Fastify 5 application: register it after the body parser's plugin and before the routes. Every route
 * then needs a signed-in user, except the `publicPaths`.
 *
 * @example
 * await app.register(formbody);
 * await app.register(latchkey(sessions));
 * app.get("/shopping-cart", async (request) => cartOf(visitor(request).signedIn().user));
 */
export function latchkey(sessions: Sessions): (app: FastifyInstance) => Promise<void> {
  const pending = new WeakMap<FastifyRequest, PendingResponse>();
  const plugin = async (app: FastifyInstance) => {
    // Before the body is read: a webhook's signature is over its bytes.
    app.addHook("onRequest", async (request, reply) => {
      const webhook = sessions.receiveWebhook({ ...incoming(request, sessions), body: () => request.raw });
      return webhook === null ? undefined : send(reply, await webhook);
    });
    app.addHook("preValidation", async (request, reply) => {
      const received = await sessions.receive(incoming(request, sessions));
      if (received.kind === "visitor") {
        keepVisitor(request, received);
        pending.set(request, received.response);
        return undefined;
      }
      return send(reply, received.answer);
    });
    app.addHook("onSend", async (request, reply) => {
      const response = pending.get(request);
      // A reply whose stream fails is sent a second time, and would get its cookies twice.
      if (response === undefined || !pending.delete(request)) return;
      await response.dropOvertakenCookies();
      const headers = response.headers();
      for (const cookie of headers.setCookie) reply.header("set-cookie", cookie);
      const cache = cacheControl(headers, reply.getHeader("cache-control"));
      if (cache !== null) reply.header("cache-control", cache);
    });
  };
  // Fastify would otherwise keep the hooks to the plugin's own scope, away from the application's routes.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}

/**
 * A preHandler hook for what is sensitive: the route runs only if the password was given within that time. Otherwise a page
 * leads to the login form and back, a form to the login form and on to `returnTo`, a program gets 403
 * `{"error":"recent-sign-in-required"}`; where nobody is signed in it is as everywhere. Throws a TypeError for what is no
 * duration or no path.
 *
 * @example
 * const recent = requireRecentSignIn("10m", { returnTo: "/account" });
 * app.post("/account/password", { preHandler: recent }, changePassword);
 */
export function requireRecentSignIn(
  within: Duration,
  options?: RecentSignInOptions,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  const demand = recentSignIn(within, options);
  return async (request, reply) => {
    const answer = askForRecentSignIn(request, demand);
    return answer === null ? undefined : send(reply, answer);
  };
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

function incoming(request: FastifyRequest, sessions: Sessions): IncomingRequest {
  return {
    method: request.method,
    target: request.url,
    header: (name) => header(request, name),
    address: request.ip,
    arrivedAt: sessions.arrivedAt(request.raw),
    body: () => request.body,
  };
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
