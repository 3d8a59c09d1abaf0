/**
 * What a session store must do. Two kinds of record: the *session* a request finds by its cookie (minutes long, one
 * read a request) and the *sign-in* it belongs to (one authentication on one device, kept until its absolute limit,
 * also after it has ended: then it is the tombstone).
 *
 * For every method:
 * - **absent, expired, malformed** are values (`null`, `false`, an empty list). An expired record counts as absent from
 *   the instant it expires, whether or not anything has swept it; something that is no whole record counts as absent to whoever
 *   reads or lists, and can be deleted.
 * - **concurrent**: each method is atomic by itself. `insert…` says whether this call created the record.
 *   `update…` never creates: a slow request must not write back what a sign-out has removed.
 * - **slow, down**: the promise rejects within two seconds; the caller answers 503 and touches no cookie. Nothing is retried here:
 *   a call that broke off may have taken effect. What reads may go on telling the truth; what writes never says it has.
 * - **times** are epoch milliseconds and are passed in: a store never reads a clock of its own to judge expiry. Nodes whose clocks
 *   differ each go by their own; none gets past an absolute limit, or revives what is over, by its own clock.
 *
 * All of this is tested by conformance.ts, which a store of your own can be put through as well.
 *
 * A store keeps the SHA-256 of session ids and no token at all: a dump of it opens nothing.
 */

/** The signed-in user as the identity provider described them, cut down to what a page needs. */
export interface User {
  readonly id: string;
  readonly email?: string;
  readonly username?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly fullName?: string;
  readonly imageUrl?: string;
  /** Roles in this application, from the user's registration. */
  readonly roles: readonly string[];
}

/** What a request finds by its session cookie. */
export interface SessionRecord {
  /** SHA-256 of the session id, base64url: 43 characters. */
  readonly hash: string;
  readonly signInId: string;
  readonly user: User;
  /** When the user last proved who they are. */
  readonly authenticatedAt: number;
  /** When the identity provider last vouched for this user: at minting, or when asked again since. */
  readonly vouchedAt: number;
  /** What the provider said at this instant or before counts no more: it has to be asked again. 0 where it never has. */
  readonly questionedAt: number;
  /** The idle limit as it stands; each use moves it. */
  readonly expiresAt: number;
  /** The sign-in's absolute limit; `expiresAt` never passes it. */
  readonly absoluteExpiresAt: number;
  /** Whether a request has presented this session yet: then its browser is known to hold the new cookies (D7). */
  readonly presented: boolean;
}

/** Where a sign-in happened. Shown to the user, never trusted. */
export interface Device {
  /** What the browser says of itself. */
  readonly name: string;
  /** The client's address, by the framework's rules for trusted proxies. */
  readonly address?: string;
}

/** Why a sign-in is over. */
export type EndReason =
  | "signed-out"
  | "replaced-by-new-sign-in"
  | "reuse-detected"
  | "refused-by-provider"
  | "revoked-at-provider"
  | "user-not-active"
  | "user-deleted"
  | "ended-by-administrator"
  | "ended-from-another-device"
  | "signed-out-everywhere"
  | "password-changed";

/** One authentication on one device. */
export interface SignInRecord {
  /** The identity provider's id of the refresh-token family (`refreshTokenId`, the JWT's `sid`). */
  readonly id: string;
  /** Counts the changes of this record: `updateSignIn` compares and swaps on it. */
  readonly version: number;
  /** The application it is a sign-in to: several may share a store. */
  readonly application: string;
  readonly user: User;
  readonly device: Device;
  readonly authenticatedAt: number;
  readonly absoluteExpiresAt: number;
  readonly remembered: boolean;
  /** Hash of the session this sign-in has now. */
  readonly current: string;
  /** Hash of the session that was renewed into `current`; `null` until the first renewal. */
  readonly previous: string | null;
  /** How often the answer to that renewal was lost and replaced. */
  readonly attempt: number;
  /** When the provider last answered for this user: at sign-in, or at the last exchange of the refresh token. */
  readonly renewedAt: number;
  /** When `current` was minted, or last handed over while nobody had presented it. */
  readonly mintedAt: number;
  /** The address whose request `current` was minted for, IPv6 by its /64; `null` before the first renewal, or if it isn't known. */
  readonly mintedFor: string | null;
  /** When a request first presented `current`; `null` while none has. */
  readonly presentedAt: number | null;
  readonly ended: { readonly at: number; readonly reason: EndReason } | null;
  /** True while the identity provider still has to be told that this sign-in has ended. */
  readonly revocationOwed: boolean;
}

/** Whose live sign-ins are asked for, and from where on. */
export interface LiveSignIns {
  readonly application: string;
  /** `null` for every user's. */
  readonly userId: string | null;
  /** The last one of the portion before; `null` for the first portion. */
  readonly after: Pick<SignInRecord, "authenticatedAt" | "id"> | null;
  /** How many at most. */
  readonly limit: number;
}

/** The contract above, as methods. */
export interface SessionStore {
  /**
   * Creates a session; `false` if there is one of that hash already, which is left as it is. One that was expired at
   * the new one's `vouchedAt` makes way.
   */
  insertSession(session: SessionRecord): Promise<boolean>;

  /**
   * The session of that hash, and at the same time its next idle limit: `expiresAt` becomes
   * `min(now + idle, absoluteExpiresAt)`, unless it is later already: a use never shortens a session, so that a node whose clock is
   * behind takes nothing from anybody. One round trip. `null` when absent or expired at `now`, and then nothing is extended.
   *
   * A store may write extensions late. Then another node sees one no later than `flushEvery` (100 ms unless set otherwise) plus one
   * write after it was made, while the store can be written; to that node a session that was used in its very last moments may
   * count as expired by as much too early. What is written late is written only forwards, only to a session that is still there, and
   * never past that session's absolute limit. A node that is killed takes with it the extensions of at most that time; one that is
   * closed takes none.
   */
  useSession(hash: string, now: number, idle: number): Promise<SessionRecord | null>;

  /** The session of that hash as it stands: looking is no use of it. `null` when absent or expired at `now`. */
  readSession(hash: string, now: number): Promise<SessionRecord | null>;

  /**
   * Replaces a session that is there, its idle limit included, except its `questionedAt`; `false`, and nothing written, if it is not: a slow request
   * must not take back a question either.
   */
  updateSession(session: SessionRecord): Promise<boolean>;

  /** Raises `questionedAt` of a session to `at`, never lowers it, and touches nothing else; no error if it is not there. */
  questionSession(hash: string, at: number): Promise<void>;

  /** Removes a session for good; no error if it is not there. */
  deleteSession(hash: string): Promise<void>;

  /** Creates a sign-in; `false` if there is one of that id already, which is left as it is. Durable on return. */
  insertSignIn(signIn: SignInRecord): Promise<boolean>;

  /** The sign-in of that id, ended or not; `null` when there is none. */
  readSignIn(id: string): Promise<SignInRecord | null>;

  /**
   * Replaces the sign-in of `next.id` if its version is still `next.version - 1`; `false`, and nothing written,
   * otherwise. Durable on return.
   */
  updateSignIn(next: SignInRecord): Promise<boolean>;

  /**
   * A portion of the sign-ins that have not ended, by `authenticatedAt` and then `id`, after the one that is named. Fewer than
   * `limit` means that there are no more. One that lives from the first portion to the last is in exactly one of them.
   */
  liveSignIns(of: LiveSignIns): Promise<readonly SignInRecord[]>;

  /** Up to `limit` sign-ins, fewer only where there are no more, whose end the identity provider has not been told of. */
  signInsOwingRevocation(limit: number): Promise<readonly SignInRecord[]>;

  /**
   * Forgets sessions and sign-ins that are over at `now`; returns when a bounded portion is done. Several nodes may sweep side by
   * side. Where extensions are written late, sessions stay a minute longer, so that none is swept that another node has extended.
   */
  sweep(now: number): Promise<void>;

  /**
   * Writes what is still unwritten and lets go of all resources, also if that rejects because extensions could not be written.
   * Afterwards every call rejects, except that closing again is no error.
   */
  close(): Promise<void>;
}
