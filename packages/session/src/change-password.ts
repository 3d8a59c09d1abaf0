/** Changing the password: the old one proves who asks, every sign-in of the user ends, and this browser gets a new one. */
import { SignInRequiredError } from "./errors.ts";
import type { Live } from "./policy.ts";
import type { RequestState } from "./request-state.ts";
import type { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import { deviceIdOf, forgetBrowser, isInput, signIn } from "./sign-in.ts";
import { isProviderError } from "./sign-ins.ts";

/** What a password form posts. Values may come straight from a parsed body: anything but strings is refused. */
export interface ChangePasswordForm {
  readonly currentPassword: unknown;
  readonly newPassword: unknown;
}

/** Why a password was not changed. */
export type ChangePasswordRefusal = "wrong-password" | "invalid-input" | "unacceptable";

/** How changing the password went. `status` is what to answer with where the form is shown again. */
export type ChangePasswordResult =
  /**
   * Every other sign-in of the user has ended. `session` is this browser's new one; `null` where the provider changed
   * the password but did not sign the user in: then `location` leads to the login form.
   */
  | { readonly outcome: "changed"; readonly session: Session | null; readonly location: string }
  | {
      readonly outcome: "refused";
      readonly reason: ChangePasswordRefusal;
      readonly status: 400 | 401;
      /** Sentences for the user: what the new password lacks. */
      readonly problems: readonly string[];
    }
  /** Too many attempts; `retryAfter` in seconds. */
  | { readonly outcome: "throttled"; readonly status: 429; readonly retryAfter: number }
  /** `retryAfter` in seconds. */
  | { readonly outcome: "unavailable"; readonly status: 503; readonly retryAfter: number };

/** Changes the signed-in user's password; throws SignInRequiredError where nobody is signed in. */
export async function changePassword(
  state: RequestState,
  form: ChangePasswordForm,
): Promise<ChangePasswordResult> {
  const { settings, live, visit } = state;
  if (live === null) throw new SignInRequiredError();
  const { currentPassword, newPassword } = form;
  if (!isInput(currentPassword) || !isInput(newPassword)) return refuse(state, "invalid-input");
  const { user } = live.session;
  const { address } = visit.device;
  try {
    const loginId = await loginIdOf(settings, user.id);
    if (loginId === null) return refuse(state, "wrong-password");
    const from = { address, deviceId: deviceIdOf(state) };
    const answer = await settings.provider.changePassword({ loginId, currentPassword, newPassword, ...from });
    switch (answer.outcome) {
      case "wrong-password":
        return refuse(state, "wrong-password");
      case "unacceptable":
        return refuse(state, "unacceptable", answer.faults.map(sentence));
      case "throttled":
        settings.publish({ type: "password-change-refused", reason: "throttled", userId: user.id, address });
        return { ...answer, status: 429 };
      case "changed":
        settings.publish({ type: "password-changed", userId: user.id, address });
        return await startOver(state, live, { loginId, password: newPassword });
    }
  } catch (error) {
    if (!isProviderError(error)) throw error;
    settings.publish({ type: "unavailable", code: error.code, message: error.message });
    return { outcome: "unavailable", status: 503, retryAfter: error.retryAfter };
  }
}

/** What the user signs in with now: the session may be older than a change of e-mail address. */
async function loginIdOf({ provider }: Settings, userId: string): Promise<string | null> {
  const known = await provider.retrieveUser(userId);
  return known?.user.email ?? known?.user.username ?? null;
}

/** Whoever held the old password is out, before anybody holds a session from the new one (ASVS 7.4.3). */
async function startOver(
  state: RequestState,
  { session }: Live,
  credentials: { loginId: string; password: string },
): Promise<ChangePasswordResult> {
  const { policy, settings } = state;
  const remember = await policy.isRemembered(session);
  await policy.endEverywhere(session, "password-changed");
  forgetBrowser(state);
  const signedIn = await signIn(state, { ...credentials, remember });
  if (signedIn.outcome !== "signed-in")
    return { outcome: "changed", session: null, location: settings.signInPath };
  return { outcome: "changed", session: signedIn.session, location: signedIn.location };
}

function refuse(
  { settings, live, visit }: RequestState,
  reason: ChangePasswordRefusal,
  problems: readonly string[] = [],
): ChangePasswordResult {
  const userId = live?.session.user.id ?? "";
  settings.publish({ type: "password-change-refused", reason, userId, address: visit.device.address });
  return { outcome: "refused", reason, status: reason === "wrong-password" ? 401 : 400, problems };
}

const breached = "The new password is one that attackers know and try first.";

/** What the provider's faults mean to a person. */
const sentences: Readonly<Record<string, string>> = {
  tooShort: "The new password is too short.",
  tooLong: "The new password is too long.",
  singleCase: "The new password needs both capital and small letters.",
  onlyAlpha: "The new password needs a character that is no letter.",
  requireNumber: "The new password needs a digit.",
  previouslyUsed: "The new password has been used before.",
  tooYoung: "The password was changed too short a time ago.",
  containsEmail: "The new password is little more than the e-mail address.",
  containsUsername: "The new password is little more than the user name.",
  breachedCommonPassword: breached,
  breachedPasswordOnly: breached,
  breachedExactMatch: breached,
  breachedSubAddressMatch: breached,
};

function sentence(fault: string): string {
  return Object.hasOwn(sentences, fault) ? (sentences[fault] ?? "") : "The new password is not acceptable.";
}
