/** A user's own sign-ins: to look at, and to end (ASVS 7.5.2). Nobody reaches another user's. */
import { SignInRequiredError } from "./errors.ts";
import type { RequestState } from "./request-state.ts";
import { forgetBrowser, signOut } from "./sign-in.ts";

/** A place where the user is signed in to this application. */
export interface SignedInDevice {
  /** For `endDevice`; it opens nothing. */
  readonly signInId: string;
  /** "Firefox on Windows", as far as the browser says; never trusted. */
  readonly name: string;
  /** Where the sign-in happened, by the framework's rules for trusted proxies. */
  readonly address: string | undefined;
  /** When the password was given there, epoch milliseconds. */
  readonly authenticatedAt: number;
  /** When it was last used, epoch milliseconds. */
  readonly lastUsedAt: number;
  /** Whether the user chose to stay signed in there. */
  readonly remembered: boolean;
  /** Whether it is the browser that asks. */
  readonly isThis: boolean;
}

/** The user's live sign-ins; throws SignInRequiredError where nobody is signed in. */
export async function devices({ live, policy, visit }: RequestState): Promise<readonly SignedInDevice[]> {
  if (live === null) throw new SignInRequiredError();
  return policy.devices(live.session, visit.device);
}

/** Longer than any id of a sign-in; what is longer is not looked up. */
const longestId = 128;

/** Ends one of the user's live sign-ins; `false`, and nothing has happened, for anything else. */
export async function endDevice(state: RequestState, signInId: unknown): Promise<boolean> {
  const { live, policy, visit } = state;
  if (live === null) throw new SignInRequiredError();
  if (typeof signInId !== "string" || signInId.length > longestId) return false;
  if (signInId !== live.session.signInId) return policy.endAnother(live.session, signInId, visit.device);
  await signOut(state);
  return true;
}

/** Ends the user's other sign-ins in this application; returns how many were live. */
export async function signOutOthers({ live, policy }: RequestState): Promise<number> {
  if (live === null) throw new SignInRequiredError();
  return policy.endOthers(live.session);
}

/** Ends all of the user's sign-ins, here and in every application, and removes this browser's cookies. */
export async function signOutEverywhere(state: RequestState): Promise<void> {
  if (state.live !== null) await state.policy.endEverywhere(state.live.session, "signed-out-everywhere");
  forgetBrowser(state);
}
