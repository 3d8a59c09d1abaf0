/** What a handler gets for each request: who is there, and what can be done about it. */
import type { Answer, Asking } from "./answer.ts";
import { type ChangePasswordForm, type ChangePasswordResult, changePassword } from "./change-password.ts";
import { type SignedInDevice, devices, endDevice, signOutEverywhere, signOutOthers } from "./devices.ts";
import { checkedDuration, type Duration } from "./duration.ts";
import { SignInRequiredError } from "./errors.ts";
import { formToken } from "./form-token.ts";
import type { Live, Policy, Visit } from "./policy.ts";
import { askForRecentSignIn, isRecent, type RecentSignIn } from "./recent-sign-in.ts";
import { RequestState } from "./request-state.ts";
import { safeReturnTo } from "./return-to.ts";
import { type Session, sessionOf } from "./session.ts";
import type { Settings } from "./settings.ts";
import { type SignInForm, type SignInResult, signIn, signOut } from "./sign-in.ts";

/** Headers the adapter adds when a response is written. */
export interface ResponseHeaders {
  readonly setCookie: readonly string[];
  /** The response concerns a user, or sets a cookie: it must not be stored (ASVS 14.3.2). */
  readonly noStore: boolean;
}

/**
 * The visitor behind a request. What changes sign-ins throws SessionStoreUnavailableError (503) where the store is down.
 *
 * @example
 * app.get("/posts", (req, res) => res.send(postsOf(visitor(req).signedIn().user)));
 */
export interface Visitor {
  /** The session, or `null` where nobody is signed in (possible on public paths only). */
  readonly session: Session | null;
  /** The session; throws SignInRequiredError (401) where nobody is signed in. */
  signedIn(): Session;
  /**
   * Whether the password was given within that time; `false` where nobody is signed in. Renewal doesn't move it. Throws
   * a TypeError for what is no duration.
   *
   * @example if (!visitor(req).signedInWithin("10m")) …
   */
  signedInWithin(within: Duration): boolean;
  /** The value of the hidden field `form-token` that every form of a page needs. */
  formToken(): string;
  /** A path to come back to after signing in, taken from `?returnTo=`, or `null`. Safe to print into a form. */
  readonly returnTo: string | null;
  /**
   * Signs a user in: asks the provider, ends this browser's old sign-in, makes a new one. Wrong credentials, too many
   * attempts and a provider or store that is down are values.
   */
  signIn(form: SignInForm): Promise<SignInResult>;
  /** Ends this sign-in everywhere and removes the cookies. Where nobody is signed in it does nothing. */
  signOut(): Promise<void>;
  /**
   * Where this user is signed in to this application now, last used first, at most 100. Throws SignInRequiredError (401)
   * where nobody is signed in. The policy `as-described` keeps no list: it shows this browser alone.
   *
   * @example for (const { name, isThis } of await visitor(req).devices()) …
   */
  devices(): Promise<readonly SignedInDevice[]>;
  /**
   * Ends one of this user's live sign-ins, for every artefact; this browser's own is signed out. `false`, and nothing
   * has happened, for anything else: a sign-in that is over, another user's, or nonsense (CWE-639). Throws
   * SignInRequiredError (401) where nobody is signed in. The policy `as-described` knows of no sign-in but this one.
   *
   * @example const isEnded = await visitor(req).endDevice(req.body.signInId);
   */
  endDevice(signInId: unknown): Promise<boolean>;
  /**
   * Ends this user's other sign-ins in this application, and their refresh tokens at the provider, now or as soon as it
   * can be reached; says how many. Throws SignInRequiredError (401) where nobody is signed in. The policy
   * `as-described` can't: it ends none.
   */
  signOutOthers(): Promise<number>;
  /**
   * Ends all of this user's sign-ins here and, at the provider, in every application, now or as soon as it can be
   * reached; removes the cookies. Where nobody is signed in it does nothing but that. Under `as-described` other
   * browsers' live sessions go on until they idle out, and a provider that is down is not told later.
   */
  signOutEverywhere(): Promise<void>;
  /**
   * Changes the signed-in user's password: the current one proves who asks. Every sign-in of the user ends, as with
   * `signOutEverywhere`, and this browser gets a new one. A wrong password, an unacceptable one, too many attempts and
   * an unreachable provider are values. Throws SignInRequiredError (401) where nobody is signed in.
   *
   * @example const result = await visitor(req).changePassword(req.body);
   */
  changePassword(form: ChangePasswordForm): Promise<ChangePasswordResult>;
}

/** Who is told what may have to be added to a response: each once, and of headers before cookies. For a stranger perhaps never. */
export interface PendingListener {
  /** There may be headers to add: at once for who is signed in, else when a cookie is first thought of. */
  headers(): void;
  /** There may be cookies to set, about which the store is asked once more before the response ends. */
  cookies(): void;
}

/** The adapter's side of a request: what the response has to carry. */
export interface PendingResponse {
  /** Tells the listener, the only one, of what is pending now, and of what will be later. */
  whenPending(listener: PendingListener): void;
  /** Forgets cookies that somebody has ended or overtaken since; `null` where there are none to ask about. Never rejects. */
  dropOvertakenCookies(): Promise<void> | null;
  /** The headers to add; asked for when the response is written. */
  headers(): ResponseHeaders;
}

/** What an adapter gets of a request that handlers may see. */
export interface VisitorOfRequest extends PendingResponse {
  readonly kind: "visitor";
  readonly visitor: Visitor;
  /** The answer to give instead of running a route that demands a recent sign-in; `null` to run it. */
  askForRecentSignIn(demand: RecentSignIn): Answer | null;
}

/** A visitor for one request, with the session it was found to have. */
export function createVisitor(
  settings: Settings,
  policy: Policy,
  request: Visit & Asking,
  found: Live | null,
): VisitorOfRequest {
  return new OfRequest(new RequestState(settings, policy, request, found), request);
}

// Classes, because both are made for every request and most of their methods are never called.
class VisitorWithState implements Visitor {
  readonly #state: RequestState;
  readonly #request: Asking;

  constructor(state: RequestState, request: Asking) {
    this.#state = state;
    this.#request = request;
  }

  get session(): Session | null {
    const { live } = this.#state;
    return live && sessionOf(live.session);
  }

  signedIn(): Session {
    const { live } = this.#state;
    if (live === null) throw new SignInRequiredError();
    return sessionOf(live.session);
  }

  signedInWithin(within: Duration): boolean {
    return isRecent(this.#state, checkedDuration("within", within));
  }

  formToken(): string {
    const { settings, live } = this.#state;
    const binding =
      live === null ? { formCookie: this.#state.cookies.formCookie() } : { signInId: live.session.signInId };
    return formToken(settings.keys, binding, settings.randomBytes(16));
  }

  get returnTo(): string | null {
    const { url } = this.#request;
    return safeReturnTo(url.searchParams.get("returnTo"), this.#state.settings.origin);
  }

  signIn(form: SignInForm): Promise<SignInResult> {
    return signIn(this.#state, form);
  }

  signOut(): Promise<void> {
    return signOut(this.#state);
  }

  devices(): Promise<readonly SignedInDevice[]> {
    return devices(this.#state);
  }

  endDevice(signInId: unknown): Promise<boolean> {
    return endDevice(this.#state, signInId);
  }

  signOutOthers(): Promise<number> {
    return signOutOthers(this.#state);
  }

  signOutEverywhere(): Promise<void> {
    return signOutEverywhere(this.#state);
  }

  changePassword(form: ChangePasswordForm): Promise<ChangePasswordResult> {
    return changePassword(this.#state, form);
  }
}

class OfRequest implements VisitorOfRequest {
  readonly kind = "visitor";
  readonly visitor: Visitor;
  readonly #state: RequestState;
  readonly #request: Asking;

  constructor(state: RequestState, request: Asking) {
    this.visitor = new VisitorWithState(state, request);
    this.#state = state;
    this.#request = request;
  }

  askForRecentSignIn(demand: RecentSignIn): Answer | null {
    return askForRecentSignIn(this.#state, this.#request, demand);
  }

  whenPending(listener: PendingListener): void {
    this.#state.whenPending(listener);
  }

  dropOvertakenCookies(): Promise<void> | null {
    const { live, policy } = this.#state;
    if (live === null || live.newCookies === null) return null;
    const { cookies } = this.#state;
    // They would undo a sign-out or a newer sign-in (D8). If the store can't say, they are not worth the risk.
    return policy.isCurrent(live.session).then(
      (isCurrent) => (isCurrent ? undefined : cookies.forgetPair()),
      () => cookies.forgetPair(),
    );
  }

  headers(): ResponseHeaders {
    const { setCookie, live } = this.#state;
    return { setCookie, noStore: setCookie.length > 0 || live !== null };
  }
}
