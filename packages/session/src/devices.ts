/** A user's own sign-ins: to look at, and to end (ASVS 7.5.2). Nobody reaches another user's. */
import { SignInRequiredError } from "./errors.ts";
import type { RequestState } from "./request-state.ts";

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

export async function devices(state: RequestState): Promise<readonly SignedInDevice[]> {
  throw notYet(state);
}
export async function endDevice(state: RequestState, _signInId: unknown): Promise<boolean> {
  throw notYet(state);
}
export async function signOutOthers(state: RequestState): Promise<number> {
  throw notYet(state);
}
export async function signOutEverywhere(state: RequestState): Promise<void> {
  throw notYet(state);
}
function notYet(state: RequestState): Error {
  return state.live === null ? new SignInRequiredError() : new Error("comes with the next commits");
}
