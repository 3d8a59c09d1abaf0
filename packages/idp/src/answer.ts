// Makes responses, and is the only file that turns an error into one: whatever is not a refusal says nothing but its status.
// Empty answers carry no content type, because FusionAuth's clients parse whatever claims to be JSON.

import { HashingBusyError, RequestRefusedError, StoreUnavailableError } from "./errors.ts";
import type { Publish } from "./events.ts";

// Answers hold tokens and personal data: nobody may keep them (ASVS 14.3.2, RFC 6749 §5.1).
const UNCACHED = { "cache-control": "no-store", pragma: "no-cache" };

// What an answer is, its content type says and nothing else: an error that repeats a name never becomes a page (ASVS 3.4.4).
const UNSNIFFED = { "x-content-type-options": "nosniff" };

const JSON_TYPE = { "content-type": "application/json;charset=UTF-8" };

/** A JSON answer; members that are undefined are left out. */
export function json(body: object, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...JSON_TYPE, ...UNSNIFFED, ...UNCACHED, ...headers },
  });
}

/** A JSON answer that anyone may see and keep for so many seconds. */
export function publicJson(body: object, maxAge: number): Response {
  const cached = { "cache-control": `public, max-age=${maxAge}` };
  return new Response(JSON.stringify(body), { headers: { ...JSON_TYPE, ...UNSNIFFED, ...cached } });
}

/** An answer without a body. */
export function empty(status = 200, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { ...UNSNIFFED, ...UNCACHED, ...headers } });
}

/** The answer, with cookies to set. */
export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** The answer to a request that ended in an error. */
export function failed(error: unknown, path: string, publish: Publish): Response {
  if (error instanceof RequestRefusedError)
    return error.body === null ? empty(error.status) : json(error.body, error.status);
  const name = error instanceof Error ? error.name : typeof error;
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  publish({ type: "failed", name, code, path });
  const passes = error instanceof StoreUnavailableError || error instanceof HashingBusyError;
  return passes ? empty(503, { "retry-after": "1" }) : empty(500);
}
