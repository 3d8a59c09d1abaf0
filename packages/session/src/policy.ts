/** What the two policies have in common: what the rest of the library asks them, and the answers. */
import type { PresentedCookies } from "./cookies.ts";
import type { SignedInDevice } from "./devices.ts";
import type { ProviderSignIn } from "./provider-contract.ts";
import type { Device, SessionRecord } from "./store/store.ts";

/** New cookies for the browser: the session id, in W2 the refresh token, always both in one response. */
export interface NewCookies {
  readonly sessionId: string;
  readonly refreshToken: string | null;
  /** Milliseconds the browser keeps them; `null` until it closes. */
  readonly maxAge: number | null;
}

/** A live session and, where it was made by this request, its cookies. */
export interface Live {
  readonly session: SessionRecord;
  readonly newCookies: NewCookies | null;
}

/** How a browser shows up. */
export interface Visit {
  readonly presented: PresentedCookies;
  readonly device: Device;
  /** When its request arrived, epoch milliseconds: before its body. */
  readonly arrivedAt: number;
}

/** What a new sign-in is made from. */
export interface Opening {
  readonly signedIn: ProviderSignIn;
  readonly device: Device;
  readonly remembered: boolean;
  /** When the password was given, epoch milliseconds. */
  readonly authenticatedAt: number;
}

/** How sessions are found, made and ended under one policy. Each throws when store or provider are down. */
export interface Policy {
  /** The session a request's cookies lead to, renewed if need be; `null` when its user has to sign in. */
  find(visit: Visit): Promise<Live | null>;
  /** The session after the provider has signed a user in. */
  open(opening: Opening): Promise<Live>;
  /** Whether the user chose to stay signed in with this session's sign-in. */
  isRemembered(session: SessionRecord): Promise<boolean>;
  /** Ends a session's sign-in. */
  end(session: SessionRecord, reason: "signed-out" | "replaced-by-new-sign-in"): Promise<void>;
  /** The user's live sign-ins, as far as they are known, last used first; `here` describes the browser that asks. */
  devices(session: SessionRecord, here: Device): Promise<readonly SignedInDevice[]>;
  /** Ends another of the user's live sign-ins; `false` if there is none of that id, and then nothing has happened. */
  endAnother(session: SessionRecord, signInId: string, here: Device): Promise<boolean>;
  /** Ends the user's other sign-ins, and says how many were live. */
  endOthers(session: SessionRecord): Promise<number>;
  /** Ends all of the user's sign-ins here and, at the provider, in every application. */
  endEverywhere(session: SessionRecord, reason: "signed-out-everywhere" | "password-changed"): Promise<void>;
  /** Whether cookies made by this request are still the sign-in's newest: asked when the headers are written. */
  isCurrent(session: SessionRecord): Promise<boolean>;
}
