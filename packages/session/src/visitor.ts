/** What a handler gets for each request: who is there, and what can be done about it. */
import { SignInRequiredError } from "./errors.ts";
import { formToken } from "./form-token.ts";
import type { SignInRefusal } from "./identity-provider.ts";
import { pendingCookies } from "./pending-cookies.ts";
import type { Live, Policy, Visit } from "./policy.ts";
import { safeReturnTo } from "./return-to.ts";
import type { Settings } from "./settings.ts";
import { isProviderError } from "./sign-ins.ts";
import type { SessionRecord, User } from "./store/store.ts";

/** A signed-in user's session, as an application sees it: no id, no token. */
export interface Session {
  readonly user: User;
  /** Names this sign-in in lists of devices; it opens nothing. */
  readonly signInId: string;
  /** When the password was last given, epoch milliseconds. */
  readonly authenticatedAt: number;
  /** When the session is over unless it is used again, epoch milliseconds. */
  readonly expiresAt: number;
}

/** What a login form posts. Values may come straight from a parsed body: anything but strings is refused. */
export interface SignInForm {
  readonly loginId: unknown;
  readonly password: unknown;
  /** Stay signed in after the browser closes (W2). */
  readonly remember?: boolean;
  /** Where to go afterwards; used only if it is a path of this application. */
  readonly returnTo?: unknown;
}

/** How signing in went. `status` is what to answer with where the form is shown again. */
export type SignInResult =
  | { readonly outcome: "signed-in"; readonly session: Session; readonly location: string }
  | { readonly outcome: "refused"; readonly reason: SignInRefusal; readonly status: 400 | 401 | 403 }
  | { readonly outcome: "unavailable"; readonly status: 503 };

/** Headers the adapter adds when a response is written. */
export interface ResponseHeaders {
  readonly setCookie: readonly string[];
  /** The response concerns a user, or sets a cookie: it must not be stored (ASVS 14.3.2). */
  readonly noStore: boolean;
}

/**
 * The visitor behind a request.
 *
 * @example
 * app.get("/posts", (req, res) => res.send(postsOf(visitor(req).signedIn().user)));
 */
export interface Visitor {
  /** The session, or `null` where nobody is signed in (possible on public paths only). */
  readonly session: Session | null;
  /** The session; throws SignInRequiredError (401) where nobody is signed in. */
  signedIn(): Session;
  /** The value of the hidden field `form-token` that every form of a page needs. */
  formToken(): string;
  /** A path to come back to after signing in, taken from `?returnTo=`, or `null`. Safe to print into a form. */
  readonly returnTo: string | null;
  /**
   * Signs a user in: asks the provider, ends this browser's old sign-in, makes a new one. Wrong credentials and an
   * unreachable provider are values. Throws only for a broken store or setup.
   */
  signIn(form: SignInForm): Promise<SignInResult>;
  /** Ends this sign-in everywhere and removes the cookies. Where nobody is signed in it does nothing. */
  signOut(): Promise<void>;
}

/** The adapter's side of a request: what the response has to carry. */
export interface PendingResponse {
  /** Forgets cookies that somebody has ended or overtaken since. Never rejects. */
  dropOvertakenCookies(): Promise<void>;
  /** The headers to add; asked for when the response is written. */
  headers(): ResponseHeaders;
}

/** Above this nothing is a login id or a password: it is refused before the provider is troubled. */
const longestInput = 1024;

/** A visitor for one request, with the session it was found to have. */
export function createVisitor(
  settings: Settings,
  policy: Policy,
  visit: Visit,
  found: Live | null,
  query: URLSearchParams,
): { visitor: Visitor; response: PendingResponse } {
  const cookies = pendingCookies(settings, visit);
  let live = found;
  if (found?.newCookies) cookies.setPair(found.newCookies);

  const visitor: Visitor = {
    get session() {
      return live && sessionOf(live.session);
    },
    signedIn() {
      if (live === null) throw new SignInRequiredError();
      return sessionOf(live.session);
    },
    formToken() {
      const binding =
        live === null ? { formCookie: cookies.formCookie() } : { signInId: live.session.signInId };
      return formToken(settings.keys, binding, settings.randomBytes(16));
    },
    returnTo: safeReturnTo(query.get("returnTo"), settings.origin),
    async signIn(form) {
      const attempt = await attemptSignIn(settings, policy, visit, live, form);
      if (attempt.outcome !== "signed-in") return attempt;
      live = attempt.live;
      if (live.newCookies !== null) cookies.setPair(live.newCookies);
      // The form cookie stays: a login form that another tab opened before must still post, and it is good for nothing else.
      const location = safeReturnTo(form.returnTo, settings.origin) ?? settings.afterSignIn;
      return { outcome: "signed-in", session: sessionOf(live.session), location };
    },
    async signOut() {
      if (live !== null) await policy.end(live.session, "signed-out");
      live = null;
      cookies.clearPair();
      cookies.clearFormCookie();
    },
  };
  const response: PendingResponse = {
    async dropOvertakenCookies() {
      // They would undo a sign-out or a newer sign-in (D8). If the store can't say, they are not worth the risk.
      if (live === null || live.newCookies === null) return;
      if (!(await policy.isCurrent(live.session).catch(() => false))) cookies.forgetPair();
    },
    headers() {
      const setCookie = cookies.values();
      return { setCookie, noStore: setCookie.length > 0 || live !== null };
    },
  };
  return { visitor, response };
}

type Attempt = { outcome: "signed-in"; live: Live } | Exclude<SignInResult, { outcome: "signed-in" }>;

async function attemptSignIn(
  settings: Settings,
  policy: Policy,
  visit: Visit,
  old: Live | null,
  form: SignInForm,
): Promise<Attempt> {
  const { loginId, password } = form;
  const { address, name: deviceName } = visit.device;
  if (!isInput(loginId) || !isInput(password)) return refuse(settings, "invalid-input", address);
  try {
    const answer = await settings.provider.signIn({ loginId, password, deviceName, address });
    if (answer.outcome === "refused") return refuse(settings, answer.reason, address);
    // Signing in replaces everything: the old sign-in of this browser must not stay usable (CWE-384, ASVS 7.2.4).
    if (old !== null) await policy.end(old.session, "replaced-by-new-sign-in");
    const live = await policy.open(answer, visit.device, form.remember === true);
    const { signInId, user } = live.session;
    settings.publish({ type: "signed-in", signInId, userId: user.id, address });
    return { outcome: "signed-in", live };
  } catch (error) {
    if (!isProviderError(error)) throw error;
    settings.publish({ type: "unavailable", code: error.code, message: error.message });
    return { outcome: "unavailable", status: 503 };
  }
}

function refuse({ publish }: Settings, reason: SignInRefusal, address: string | undefined): Attempt {
  publish({ type: "sign-in-refused", reason, address });
  const status = reason === "invalid-input" ? 400 : reason === "invalid-credentials" ? 401 : 403;
  return { outcome: "refused", reason, status };
}

function isInput(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= longestInput;
}

function sessionOf({ user, signInId, authenticatedAt, expiresAt }: SessionRecord): Session {
  return { user, signInId, authenticatedAt, expiresAt };
}
