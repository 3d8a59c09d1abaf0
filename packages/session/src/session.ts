/** A session as an application sees it: who is signed in and since when; no session id, no token. */
import type { SessionRecord, User } from "./store/store.ts";

/** A signed-in user's session. */
export interface Session {
  readonly user: User;
  /** Names this sign-in in lists of devices; it opens nothing. */
  readonly signInId: string;
  /** When the password was last given, epoch milliseconds. */
  readonly authenticatedAt: number;
  /** When the session is over unless it is used again, epoch milliseconds. */
  readonly expiresAt: number;
}

/** What an application may know of a session record. */
export function sessionOf({ user, signInId, authenticatedAt, expiresAt }: SessionRecord): Session {
  return { user, signInId, authenticatedAt, expiresAt };
}
