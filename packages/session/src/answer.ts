/** Answers the library gives itself, where no handler runs: how they look, and the one that asks for a sign-in. */
import { isSafeMethod } from "./cross-site.ts";
import { safeReturnTo } from "./return-to.ts";
import type { Settings } from "./settings.ts";

/** An answer the library gives itself: the handlers must not run. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What of a request an answer depends on. */
export interface Asking {
  readonly method: string;
  readonly url: URL;
  header(name: string): string | undefined;
}

/** An answer that nobody may store or take for another type. */
export function answer(status: number, headers: Record<string, string>, body: string): Answer {
  const security = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  const type = { "content-type": "text/html; charset=utf-8" };
  return { status, headers: { ...security, ...type, ...headers }, body };
}

/** W1 step 14, W2 step 18′. A program that wants JSON gets 401 instead of a page it can't use. */
export function askToSignIn(settings: Settings, request: Asking): Answer {
  if (wantsJson(request)) return jsonAnswer(401, "sign-in-required");
  const path = isSafeMethod(request.method) ? safeReturnTo(pathAndQuery(request), settings.origin) : null;
  return redirectToSignIn(settings, path === settings.afterSignIn ? null : path);
}

/** The path and query that were asked for. */
export function pathAndQuery({ url }: Asking): string {
  return `${url.pathname}${url.search}`;
}

/** A redirect to the login form, which leads to `returnTo` afterwards. */
export function redirectToSignIn({ signInPath }: Settings, returnTo: string | null): Answer {
  const query = returnTo === null ? "" : `?returnTo=${encodeURIComponent(returnTo)}`;
  return answer(302, { location: `${signInPath}${query}` }, "");
}

/** Whether a program asks that has no use for a page. */
export function wantsJson(request: Asking): boolean {
  const accept = request.header("accept") ?? "";
  return accept.includes("application/json") && !accept.includes("text/html");
}

/** `{"error": code}`. */
export function jsonAnswer(status: number, code: string, headers: Record<string, string> = {}): Answer {
  const type = { "content-type": "application/json; charset=utf-8" };
  return answer(status, { ...type, ...headers }, JSON.stringify({ error: code }));
}
