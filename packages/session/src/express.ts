/** The Express adapter: moves headers between Express and the library, and decides nothing. */
import type { Request, RequestHandler, Response } from "express";
import { cacheControl, keepVisitor } from "./adapter.ts";
import type { Answer, IncomingRequest, Sessions } from "./sessions.ts";
import type { Visitor } from "./visitor.ts";

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
    addHeadersWhenWritten(response, received.visitor);
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

/**
 * Express has no hook before the headers are written, so the response's own two ways there are wrapped: `end`, which may
 * wait for the library's last look, and `writeHead`, which a streamed response reaches first and which may not.
 */
function addHeadersWhenWritten(response: Response, visitor: Visitor): void {
  const writeHead = response.writeHead.bind(response) as (...rest: unknown[]) => Response;
  const end = response.end.bind(response) as (...rest: unknown[]) => Response;

  response.writeHead = (...rest: unknown[]) => {
    response.writeHead = writeHead;
    // Passed on, a handler's own headers would replace the cookies, and the no-store beside them.
    if (typeof rest.at(-1) === "object") setHeaders(response, rest.pop());
    const headers = visitor.responseHeaders();
    for (const cookie of headers.setCookie) response.appendHeader("set-cookie", cookie);
    const cache = cacheControl(headers, response.getHeader("cache-control"));
    if (cache !== null) response.setHeader("cache-control", cache);
    return writeHead(...rest);
  };
  response.end = (...rest: unknown[]) => {
    response.end = end;
    if (response.headersSent || visitor.responseHeaders().setCookie.length === 0) return end(...rest);
    // A store that fails now must not cost the user the page: the cookies are dropped and the page is sent.
    void visitor.dropOvertakenCookies().finally(() => end(...rest));
    return response;
  };
}

/** Sets the headers of a `writeHead` call, an object or a flat list of names and values, as Node does. */
function setHeaders(response: Response, headers: unknown): void {
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    return;
  }
  const pairs = headers.flatMap((name, at) =>
    at % 2 === 0 ? [[String(name), headers[at + 1]] as const] : [],
  );
  for (const [name] of pairs) response.removeHeader(name);
  for (const [name, value] of pairs) response.appendHeader(name, value);
}
