/** The cookies one response will set. Nothing is written before the response is: a later step may still drop them. */
import type { Visit, NewCookies } from "./policy.ts";
import { isSessionId } from "./session-id.ts";
import type { Settings } from "./settings.ts";

/** The cookies one response will set. */
export interface PendingCookies {
  /** The session id and, in W2, the refresh token: always both. */
  setPair(pair: NewCookies): void;
  /** Takes `setPair` back; the browser keeps what it has. */
  forgetPair(): void;
  /** Removes session and refresh token from the browser: for sign-out alone. */
  clearPair(): void;
  /** The value this browser's forms are bound to while nobody is signed in; a new one is set if it has none. */
  formCookie(): string;
  /** Removes it: after signing out, no form that this browser was shown before posts any more. */
  clearFormCookie(): void;
  /** Set-Cookie values. */
  values(): string[];
}

/** No cookies yet, for the response to this visit. */
export function pendingCookies({ cookieWriter, randomBytes }: Settings, visit: Visit): PendingCookies {
  const { session, refreshToken, form } = cookieWriter.names;
  const pending = new Map<string, string>();
  const { form: presentedForm } = visit.presented;
  // It has a session id's form, being as random.
  let formCookie = presentedForm !== null && isSessionId(presentedForm) ? presentedForm : null;

  return {
    setPair(pair) {
      const maxAge = pair.maxAge ?? undefined;
      pending.set(session, cookieWriter.set(session, pair.sessionId, maxAge));
      if (pair.refreshToken !== null)
        pending.set(refreshToken, cookieWriter.set(refreshToken, pair.refreshToken, maxAge));
    },
    forgetPair() {
      pending.delete(session);
      pending.delete(refreshToken);
    },
    clearPair() {
      for (const name of [session, refreshToken]) pending.set(name, cookieWriter.clear(name));
    },
    formCookie() {
      if (formCookie !== null) return formCookie;
      formCookie = randomBytes(32).toString("base64url");
      pending.set(form, cookieWriter.set(form, formCookie));
      return formCookie;
    },
    clearFormCookie() {
      formCookie = null;
      pending.delete(form);
      if (visit.presented.form !== null) pending.set(form, cookieWriter.clear(form));
    },
    values: () => [...pending.values()],
  };
}
