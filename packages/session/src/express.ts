/** The Express adapter: moves headers between Express and the library, and decides nothing. */
import type { Request, RequestHandler, Response } from "express";
import { keepVisitor } from "./adapter.ts";
import { addHeadersWhenWritten } from "./express-response.ts";
import type { Answer, IncomingRequest } from "./receive.ts";
import type { Sessions } from "./sessions.ts";

export { visitor } from "./adapter.ts";

/**
 * Sessions for an Express 5 application: register it after the body parser and before the routes. Every route then
 * needs a signed-in user, except the `publicPaths`.
 *
 * @example
 * app.use(express.urlencoded({ extended: false }), latchkey(sessions));
 * app.get("/posts", (req, res) => res.send(postsOf(visitor(req).signedIn().user)));
 */
export function latchkey(sessions: Sessions): RequestHandler {
  return async (request, response, next) => {
    const received = await sessions.receive(incoming(request));
    if (received.kind === "answer") return send(response, received.answer);
    keepVisitor(request, received.visitor);
    addHeadersWhenWritten(response, received.response);
    next();
  };
}

function incoming(request: Request): IncomingRequest {
  return {
    method: request.method,
    target: request.originalUrl,
    header: (name) => request.get(name),
    address: request.ip,
    body: () => request.body,
  };
}

function send(response: Response, { status, headers, body }: Answer): void {
  response.status(status).set(headers).end(body);
}
