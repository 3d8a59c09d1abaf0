/**
 * Signing in and out. Signing in replaces everything (D11): a new sign-in, a new session id, and this browser's old
 * sign-in ends. Passwords pass through and are kept nowhere.
 */
import { deviceId } from "./device.ts";
import { isOutage, SessionStoreUnavailableError } from "./errors.ts";
import type { ProviderSignIn, SignInRefusal } from "./provider-contract.ts";
import type { Live } from "./policy.ts";
import { clockSkew } from "./provider-keys.ts";
import type { RequestState } from "./request-state.ts";
import { safeReturnTo } from "./return-to.ts";
import { type Session, sessionOf } from "./session.ts";
import type { Settings } from "./settings.ts";

/** What a login form posts. Values may come straight from a parsed body: anything but strings is refused. */
export interface SignInForm {
  readonly loginId: unknown;
  readonly password: unknown;
  /**
   * Stay signed in after the browser closes (W2). `undefined` while the same user signs in again, to prove who they
   * are, leaves it as it was; for anybody else it is no.
   */
  readonly remember?: boolean | undefined;
  /** Where to go afterwards; used only if it is a path of this application. */
  readonly returnTo?: unknown;
}

/** How signing in went. `status` is what to answer with where the form is shown again. */
export type SignInResult =
  | { readonly outcome: "signed-in"; readonly session: Session; readonly location: string }
  | { readonly outcome: "refused"; readonly reason: SignInRefusal; readonly status: 400 | 401 | 403 }
  /** Too many attempts; `retryAfter` in seconds. */
  | { readonly outcome: "throttled"; readonly status: 429; readonly retryAfter: number }
  /** Store or provider is down; nothing has changed for this browser. `retryAfter` in seconds. */
  | { readonly outcome: "unavailable"; readonly status: 503; readonly retryAfter: number };

type Attempt = { outcome: "signed-in"; live: Live } | Exclude<SignInResult, { outcome: "signed-in" }>;

/** Above this nothing is a login id or a password: it is refused before the provider is troubled. */
const longestInput = 1024;

/** Signs a user in and this browser's old sign-in out; what is down is a value. */
export async function signIn(state: RequestState, form: SignInForm): Promise<SignInResult> {
  const { settings, cookies } = state;
  const attempt = await attemptSignIn(state, form);
  if (attempt.outcome !== "signed-in") return attempt;
  state.live = attempt.live;
  if (attempt.live.newCookies !== null) cookies.setPair(attempt.live.newCookies);
  // The form cookie stays: a login form that another tab opened before must still post, and it is good for nothing else.
  const location = safeReturnTo(form.returnTo, settings.origin) ?? settings.afterSignIn;
  return { outcome: "signed-in", session: sessionOf(attempt.live.session), location };
}

async function attemptSignIn(
  state: RequestState,
  { loginId, password, remember }: SignInForm,
): Promise<Attempt> {
  const { settings, visit, cookies } = state;
  const { publish, provider, now } = settings;
  const { address, name: deviceName } = visit.device;
  if (!isInput(loginId) || !isInput(password)) return refuse(state, "invalid-input");
  const id = deviceIdOf(state);
  const askedAt = now();
  try {
    const answer = await provider.signIn({ loginId, password, deviceName, address, deviceId: id });
    if (answer.outcome === "refused") return refuse(state, answer.reason);
    if (answer.outcome === "throttled") {
      publish({ type: "sign-in-refused", reason: "throttled", address });
      return { ...answer, status: 429 };
    }
    const live = await replaceSignIn(state, answer, remember, askedAt);
    if (id !== null) cookies.setDeviceCookie();
    return { outcome: "signed-in", live };
  } catch (error) {
    if (!isOutage(error)) throw error;
    publish({ type: "unavailable", code: error.code, message: error.message });
    return { outcome: "unavailable", status: 503, retryAfter: error.retryAfter };
  }
}

/** The old sign-in of this browser must not stay usable (CWE-384, ASVS 7.2.4). */
async function replaceSignIn(
  { settings, policy, visit, live: old }: RequestState,
  signedIn: ProviderSignIn,
  remember: boolean | undefined,
  askedAt: number,
): Promise<Live> {
  const { device } = visit;
  const isSameUser = old !== null && old.session.user.id === signedIn.user.id;
  try {
    const remembered = remember ?? (isSameUser && (await policy.isRemembered(old.session)));
    const authenticatedAt = authenticationInstant(signedIn, askedAt);
    // The new one first: a store that fails before it is made has signed nobody out.
    const live = await policy.open({ signedIn, device, remembered, authenticatedAt });
    if (old !== null) await policy.end(old.session, "replaced-by-new-sign-in");
    const { signInId, user } = live.session;
    settings.publish({ type: "signed-in", signInId, userId: user.id, address: device.address });
    return live;
  } catch (error) {
    if (error instanceof SessionStoreUnavailableError) await giveBack(settings, signedIn);
    throw error;
  }
}

/** What no browser got must not be left behind at the provider, nor here if the store finds the record after all. */
async function giveBack({ provider }: Settings, { refreshTokenId }: ProviderSignIn): Promise<void> {
  if (refreshTokenId === null) return;
  await provider.revoke(refreshTokenId).catch((error: unknown) => {
    if (!isOutage(error)) throw error;
  });
}

/**
 * When the password was given: no later than it was asked about, so that a password changed while the answer was on its
 * way is newer. The password that was found right is itself no newer than that, whatever the provider's clock says.
 */
function authenticationInstant({ passwordChangedAt }: ProviderSignIn, askedAt: number): number {
  return Math.min(Math.max(askedAt, passwordChangedAt), askedAt + clockSkew);
}

/** What the provider is to know this browser by; `null` under the workflows as published, which know no device cookie. */
export function deviceIdOf({ settings, cookies }: RequestState): string | null {
  const { policy, application } = settings;
  return policy === "as-described" ? null : deviceId(application, cookies.deviceCookie());
}

function refuse({ settings, visit }: RequestState, reason: SignInRefusal): Attempt {
  settings.publish({ type: "sign-in-refused", reason, address: visit.device.address });
  const status = reason === "invalid-input" ? 400 : reason === "invalid-credentials" ? 401 : 403;
  return { outcome: "refused", reason, status };
}

/** Whether a posted value can be a login id or a password at all. */
export function isInput(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= longestInput;
}

/** Ends this browser's sign-in and removes its cookies; does nothing where nobody is signed in. */
export async function signOut(state: RequestState): Promise<void> {
  if (state.live !== null) await state.policy.end(state.live.session, "signed-out");
  forgetBrowser(state);
}

/** The response leaves this browser without a sign-in and without forms that still post. */
export function forgetBrowser(state: RequestState): void {
  state.live = null;
  state.cookies.clearPair();
  state.cookies.clearFormCookie();
}
