/** The Express adapter: moves headers between Express and the library, and decides nothing. */
import { Readable } from "node:stream";
import type { Request, RequestHandler, Response } from "express";
import { askForRecentSignIn, keepVisitor } from "./adapter.ts";
import type { Answer } from "./answer.ts";
import type { Duration } from "./duration.ts";
import { WebhookBodyConsumedError } from "./errors.ts";
import { addHeadersWhenWritten } from "./express-response.ts";
import type { IncomingRequest } from "./receive.ts";
import { type RecentSignInOptions, recentSignIn } from "./recent-sign-in.ts";
import type { Sessions } from "./sessions.ts";

export { visitor } from "./adapter.ts";

/**
 * Sessions for an Express 5 application: register it after the parser of forms and before the routes. Every route then
 * needs a signed-in user, except the `publicPaths`. With a `webhookPath`, `express.json()` comes after it: a webhook's
 * signature is over the bytes of its body.
 *
 * @example
 * app.use(express.urlencoded({ extended: false }), latchkey(sessions));
 * app.get("/posts", (req, res) => res.send(postsOf(visitor(req).signedIn().user)));
 */
export function latchkey(sessions: Sessions): RequestHandler {
  return async (request, response, next) => {
    const described = incoming(request, sessions);
    const webhook = sessions.receiveWebhook({ ...described, body: () => bytes(request) });
    if (webhook !== null) return send(response, await webhook);
    const received = await sessions.receive(described);
    if (received.kind === "answer") return send(response, received.answer);
    keepVisitor(request, received);
    addHeadersWhenWritten(response, received.response);
    next();
  };
}

/**
 * A handler for what is sensitive: the route runs only if the password was given within that time. Otherwise a page leads to
 * the login form and back, a form to the login form and on to `returnTo`, a program gets 403
 * `{"error":"recent-sign-in-required"}`; where nobody is signed in it is as everywhere. Throws a TypeError for what is no
 * duration or no path.
 *
 * @example
 * app.post("/account/password", requireRecentSignIn("10m", { returnTo: "/account" }), changePassword);
 */
export function requireRecentSignIn(within: Duration, options?: RecentSignInOptions): RequestHandler {
  const demand = recentSignIn(within, options);
  return (request, response, next) => {
    const answer = askForRecentSignIn(request, demand);
    if (answer === null) next();
    else send(response, answer);
  };
}

function incoming(request: Request, sessions: Sessions): IncomingRequest {
  return {
    method: request.method,
    target: request.originalUrl,
    header: (name) => request.get(name),
    address: request.ip,
    arrivedAt: sessions.arrivedAt(request),
    body: () => request.body,
  };
}

/** The body as it arrives; throws WebhookBodyConsumedError if something else has read it. */
function bytes(request: Request): AsyncIterable<Uint8Array> {
  const { body } = request as { body: unknown };
  // What express.raw() leaves: the bytes themselves.
  if (body instanceof Uint8Array) return Readable.from([body]);
  if (request.readableDidRead) throw new WebhookBodyConsumedError();
  return request;
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.status(status).set(headers).end(body);
}
