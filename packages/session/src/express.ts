/** The Express adapter: moves headers between Express and the library, and decides nothing. */
import { Readable } from "node:stream";
import type { Request, RequestHandler, Response } from "express";
import { askForRecentSignIn, keepVisitor } from "./adapter.ts";
import type { Answer } from "./answer.ts";
import type { Duration } from "./duration.ts";
import { WebhookBodyConsumedError } from "./errors.ts";
import { Addition } from "./express-response.ts";
import type { IncomingRequest, Received } from "./receive.ts";
import { type RecentSignInOptions, recentSignIn } from "./recent-sign-in.ts";
import type { Sessions } from "./sessions.ts";
import type { IncomingWebhook } from "./webhook.ts";

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
  return (request, response, next) => {
    const described = new Described(request, sessions);
    if (sessions.isWebhook(described.target))
      return sessions.receiveWebhook(described).then((answer) => send(response, answer));
    const goOn = (received: Received) => {
      if (received.kind === "answer") return send(response, received.answer);
      keepVisitor(request, received);
      received.whenPending(new Addition(response, received));
      next();
    };
    const received = sessions.receive(described);
    return received instanceof Promise ? received.then(goOn) : goOn(received);
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

class Described implements IncomingRequest, IncomingWebhook {
  readonly target: string;
  readonly arrivedAt: number;
  readonly #request: Request;
  readonly #address: string | undefined;

  constructor(request: Request, sessions: Sessions) {
    this.target = request.originalUrl;
    this.arrivedAt = sessions.arrivedAt(request);
    this.#request = request;
    // Now, as another application this one is mounted in or hands over to may trust other proxies. Nobody asks for that of a
    // stranger who reads, and it would be a twentieth of his page.
    const isStrangerWhoReads = request.method === "GET" && request.headers.cookie === undefined;
    this.#address = isStrangerWhoReads ? undefined : request.ip;
  }

  get address(): string | undefined {
    return this.#address ?? this.#request.ip;
  }

  get method(): string {
    return this.#request.method;
  }

  header(name: string): string | undefined {
    return this.#request.get(name);
  }

  body(): unknown {
    return this.#request.body;
  }

  bytes(): AsyncIterable<Uint8Array> {
    const { body } = this.#request as { body: unknown };
    // What express.raw() leaves: the bytes themselves.
    if (body instanceof Uint8Array) return Readable.from([body]);
    if (this.#request.readableDidRead) throw new WebhookBodyConsumedError();
    return this.#request;
  }
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.status(status).set(headers).end(body);
}
