/** What the three adapters share: where a request's visitor is kept, and which cache header a response gets. */
import type { Answer } from "./answer.ts";
import { AdapterMissingError } from "./errors.ts";
import type { RecentSignIn } from "./recent-sign-in.ts";
import type { ResponseHeaders, Visitor, VisitorOfRequest } from "./visitor.ts";

/** Where a request keeps it: a WeakMap of all requests would cost each collection of garbage more than the rest of a page. */
const kept = Symbol("latchkey visitor");

/** Keeps the visitor for the handlers of this request. */
export function keepVisitor(request: object, found: VisitorOfRequest): void {
  (request as Keeping)[kept] = found;
}

interface Keeping {
  [kept]?: VisitorOfRequest;
}

/**
 * The visitor behind a request; throws AdapterMissingError if the adapter was not registered before this route.
 *
 * @example
 * app.post("/logout", async (req, res) => {
 *   await visitor(req).signOut();
 *   res.redirect(302, "/");
 * });
 */
export function visitor(request: object): Visitor {
  return visitorOf(request).visitor;
}

/** The answer to give instead of running a route that demands a recent sign-in; `null` to run it. */
export function askForRecentSignIn(request: object, demand: RecentSignIn): Answer | null {
  return visitorOf(request).askForRecentSignIn(demand);
}

function visitorOf(request: object): VisitorOfRequest {
  const found = (request as Keeping)[kept];
  if (found === undefined) throw new AdapterMissingError();
  return found;
}

/**
 * The Cache-Control a response gets, or `null` to leave it alone. Beside a cookie there is no choice (CVE-2025-48947: a
 * CDN kept somebody's Set-Cookie); a signed-in page may say otherwise itself.
 */
export function cacheControl({ setCookie, noStore }: ResponseHeaders, own: unknown): string | null {
  if (setCookie.length > 0) return "no-store";
  return noStore && own === undefined ? "no-store" : null;
}
