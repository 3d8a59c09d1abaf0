/** The cookies one response will set. Nothing is written before the response is: a later step may still drop them. */
import type { Visit, NewCookies } from "./policy.ts";
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
export function pendingCookies({ cookies, randomBytes }: Settings, visit: Visit): PendingCookies {
  const { session, refreshToken, form } = cookies.names;
  const pending = new Map<string, string>();
  let formCookie = wellFormed(visit.cookies.form);

  return {
    setPair(pair) {
      const maxAge = pair.maxAge ?? undefined;
      pending.set(session, cookies.set(session, pair.sessionId, maxAge));
      if (pair.refreshToken !== null)
        pending.set(refreshToken, cookies.set(refreshToken, pair.refreshToken, maxAge));
    },
    forgetPair() {
      pending.delete(session);
      pending.delete(refreshToken);
    },
    clearPair() {
      for (const name of [session, refreshToken]) pending.set(name, cookies.clear(name));
    },
    formCookie() {
      if (formCookie !== null) return formCookie;
      formCookie = randomBytes(32).toString("base64url");
      pending.set(form, cookies.set(form, formCookie));
      return formCookie;
    },
    clearFormCookie() {
      formCookie = null;
      pending.delete(form);
      if (visit.cookies.form !== null) pending.set(form, cookies.clear(form));
    },
    values: () => [...pending.values()],
  };
}

function wellFormed(formCookie: string | null): string | null {
  return formCookie !== null && /^[A-Za-z0-9_-]{43}$/.test(formCookie) ? formCookie : null;
}
