/**
 * Step-up: what is sensitive asks for the password again, unless it was given a short while ago (ASVS 7.5.1, 7.5.3). The
 * clock is the authentication's; a renewal never moves it.
 */
import {
  type Answer,
  type Asking,
  askToSignIn,
  jsonAnswer,
  pathAndQuery,
  redirectToSignIn,
  wantsJson,
} from "./answer.ts";
import { isSafeMethod } from "./cross-site.ts";
import { checkedDuration, type Duration } from "./duration.ts";
import type { RequestState } from "./request-state.ts";
import { safeReturnTo } from "./return-to.ts";

/** Where a request that changes something leads to after the password was given again. */
export interface RecentSignInOptions {
  /** A path of this application, as a rule the page with the form. Default: the sessions' `afterSignIn`. */
  readonly returnTo?: string;
}

/** A route's demand for a recent sign-in, checked once. */
export interface RecentSignIn {
  /** Milliseconds. */
  readonly within: number;
  readonly returnTo: string | undefined;
}

/** The demand behind `requireRecentSignIn`; throws a TypeError that names what is wrong with it. */
export function recentSignIn(within: Duration, { returnTo }: RecentSignInOptions = {}): RecentSignIn {
  // Any origin will do: whether it is a path of one's own does not depend on whose.
  if (returnTo !== undefined && safeReturnTo(returnTo, "http://localhost") === null)
    throw new TypeError(`"returnTo" must be a path of this application, not "${returnTo}"`);
  return { within: checkedDuration("within", within), returnTo };
}

/** Whether the password was given within that time; exactly that long ago is too long ago. */
export function isRecent({ live, settings }: RequestState, within: number): boolean {
  return live !== null && settings.now() < live.session.authenticatedAt + within;
}

/** Asks for the password where a route demands it; `null` where the route may run. */
export function askForRecentSignIn(
  state: RequestState,
  request: Asking,
  { within, returnTo }: RecentSignIn,
): Answer | null {
  const { settings, live } = state;
  if (live === null) return askToSignIn(settings, request);
  if (isRecent(state, within)) return null;
  if (wantsJson(request)) return jsonAnswer(403, "recent-sign-in-required");
  // A form can't be posted again by a redirect: its user starts from the page.
  const back = isSafeMethod(request.method) ? pathAndQuery(request) : (returnTo ?? settings.afterSignIn);
  return redirectToSignIn(settings, safeReturnTo(back, settings.origin));
}
