/**
 * Express has no hook before the headers are written, so a response's own two ways there are wrapped: `writeHead`, and where
 * cookies are to be set also `end`, which may wait for the library's last look, as a streamed response can't.
 */
import type { Response } from "express";
import { cacheControl } from "./adapter.ts";
import type { PendingListener, PendingResponse } from "./visitor.ts";

type Loose<Result> = (...given: unknown[]) => Result;

/** What is added to a response when its headers are written, by whichever way that happens. */
export class Addition implements PendingListener {
  readonly #response: Response;
  readonly #pending: PendingResponse;

  /** Nothing, as long as nothing is pending. */
  constructor(response: Response, pending: PendingResponse) {
    this.#response = response;
    this.#pending = pending;
  }

  headers(): void {
    const [response, pending] = [this.#response, this.#pending];
    const writeHead = response.writeHead as Loose<Response>;
    response.writeHead = (...given: unknown[]) => {
      response.writeHead = writeHead;
      // Passed on, a handler's own headers would replace the cookies, and the no-store beside them.
      if (typeof given.at(-1) === "object") setHeaders(response, given.pop());
      const headers = pending.headers();
      for (const cookie of headers.setCookie) response.appendHeader("set-cookie", cookie);
      const cache = cacheControl(headers, response.getHeader("cache-control"));
      if (cache !== null) response.setHeader("cache-control", cache);
      return writeHead.apply(response, given);
    };
  }

  cookies(): void {
    const [response, pending] = [this.#response, this.#pending];
    const end = response.end as Loose<Response>;
    response.end = (...given: unknown[]) => {
      response.end = end;
      if (response.headersSent || pending.headers().setCookie.length === 0) return end.apply(response, given);
      endAfterLook(response, pending, () => end.apply(response, given));
      return response;
    };
  }
}

/**
 * The handler has answered, though nothing is written yet: what comes while the store is asked (an error thrown after
 * `send`, and the page Express would show for it) must neither change the answer nor end it a second time.
 */
function endAfterLook(response: Response, pending: PendingResponse, end: () => void): void {
  const { statusCode, statusMessage, write, writeHead, flushHeaders, end: ownEnd } = response;
  const headers = new Map(Object.entries(response.getHeaders()).map(([name, value]) => [name, value ?? ""]));
  const ignored: Loose<Response> = (...given) => {
    const callback = given.at(-1);
    if (typeof callback === "function") response.once("finish", () => void callback());
    return response;
  };
  response.write = (...given: unknown[]) => ignored(...given) !== response;
  response.end = ignored;
  response.writeHead = () => response;
  response.flushHeaders = () => undefined;

  Promise.resolve(pending.dropOvertakenCookies())
    .then(() => {
      Object.assign(response, { statusCode, statusMessage, write, writeHead, flushHeaders, end: ownEnd });
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.setHeaders(headers);
      end();
    })
    // Where Express would have caught what `end` throws, nobody does here.
    .catch((error: Error) => response.destroy(error));
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
