/** Changing the password: the old one proves who asks, every sign-in of the user ends, and this browser gets a new one. */
import { SignInRequiredError } from "./errors.ts";
import type { RequestState } from "./request-state.ts";
import type { Session } from "./session.ts";

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
  | { readonly outcome: "unavailable"; readonly status: 503 };

export async function changePassword(
  state: RequestState,
  _form: ChangePasswordForm,
): Promise<ChangePasswordResult> {
  throw state.live === null ? new SignInRequiredError() : new Error("comes with the next commits");
}
