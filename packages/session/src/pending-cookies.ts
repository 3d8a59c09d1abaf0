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
  /** This browser's device cookie; a new value, not set yet, if it has none. Signing out doesn't remove it. */
  deviceCookie(): string;
  /** Sets it, or keeps it for another 400 days: after a successful sign-in alone. */
  setDeviceCookie(): void;
  /** Set-Cookie values. */
  values(): string[];
}

/** The longest a browser keeps a cookie (RFC 6265bis §5.6.2). */
const deviceCookieAge = 400 * 86_400_000;

/** No cookies yet, for the response to this visit. */
export function pendingCookies({ cookieWriter, randomBytes }: Settings, visit: Visit): PendingCookies {
  const { session, refreshToken, form, device } = cookieWriter.names;
  const pending = new Map<string, string>();
  // They have a session id's form, being as random.
  const presented = (value: string | null) => (value !== null && isSessionId(value) ? value : null);
  let formCookie = presented(visit.presented.form);
  let deviceCookie = presented(visit.presented.device);

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
    deviceCookie: () => (deviceCookie ??= randomBytes(32).toString("base64url")),
    setDeviceCookie() {
      pending.set(device, cookieWriter.set(device, this.deviceCookie(), deviceCookieAge));
    },
    values: () => [...pending.values()],
  };
}
