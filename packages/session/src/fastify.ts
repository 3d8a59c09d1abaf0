/** The Fastify adapter: moves headers between Fastify and the library, and decides nothing. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { askForRecentSignIn, cacheControl, keepVisitor } from "./adapter.ts";
import type { Answer } from "./answer.ts";
import type { Duration } from "./duration.ts";
import type { IncomingRequest, Received } from "./receive.ts";
import { type RecentSignInOptions, recentSignIn } from "./recent-sign-in.ts";
import type { Sessions } from "./sessions.ts";
import type { IncomingWebhook } from "./webhook.ts";
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
  // Hooks with callbacks: a promise for each of them would cost a page that is for everybody as much as all the rest.
  const plugin = async (app: FastifyInstance) => {
    // Before the body is read: a webhook's signature is over its bytes.
    app.addHook("onRequest", (request, reply, done) => {
      if (!sessions.isWebhook(request.url)) return done();
      const fail = (error: Error) => done(error);
      const answered = (answer: Answer) => sendOr(fail, reply, answer);
      sessions.receiveWebhook(new Described(request, sessions)).then(answered, fail);
    });
    app.addHook("preValidation", (request, reply, done) => {
      const goOn = (received: Received) => {
        if (received.kind === "answer") return sendOr(done, reply, received.answer);
        keepVisitor(request, received);
        (request as Pending)[pending] = received;
        done();
      };
      const received = sessions.receive(new Described(request, sessions));
      if (received instanceof Promise) received.then(goOn, done);
      else goOn(received);
    });
    app.addHook("onSend", (request, reply, payload, done) => {
      const response = (request as Pending)[pending];
      if (response === undefined) return done(null, payload);
      // A reply whose stream fails is sent a second time, and would get its cookies twice.
      (request as Pending)[pending] = undefined;
      const write = () => {
        addHeaders(reply, response);
        done(null, payload);
      };
      const look = response.dropOvertakenCookies();
      if (look === null) return write();
      // What can't be written is the framework's error here, too: one that nobody catches would end the process.
      const writeAfterLook = async () => {
        await look;
        try {
          write();
        } catch (error) {
          // Fastify's types know of no error here; Fastify does.
          done(error as null, payload);
        }
      };
      void writeAfterLook();
    });
  };
  // Fastify would otherwise keep the hooks to the plugin's own scope, away from the application's routes.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}

/** What a response still has to carry. */
const pending = Symbol("latchkey pending");

interface Pending {
  [pending]?: PendingResponse | undefined;
}

function addHeaders(reply: FastifyReply, response: PendingResponse): void {
  const headers = response.headers();
  for (const cookie of headers.setCookie) reply.header("set-cookie", cookie);
  const cache = cacheControl(headers, reply.getHeader("cache-control"));
  if (cache !== null) reply.header("cache-control", cache);
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

/** Sends it; what can't be sent is the framework's error, and not one that nobody catches, which would end the process. */
function sendOr(failed: (error: Error) => void, reply: FastifyReply, answer: Answer): void {
  try {
    send(reply, answer);
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)));
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

class Described implements IncomingRequest, IncomingWebhook {
  readonly target: string;
  readonly address: string | undefined;
  readonly arrivedAt: number;
  readonly #request: FastifyRequest;

  constructor(request: FastifyRequest, sessions: Sessions) {
    this.target = request.url;
    this.address = request.ip;
    this.arrivedAt = sessions.arrivedAt(request.raw);
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  body(): unknown {
    return this.#request.body;
  }

  bytes(): AsyncIterable<Uint8Array> {
    return this.#request.raw;
  }
}
