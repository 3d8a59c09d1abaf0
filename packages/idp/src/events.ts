// What happened, published on node:diagnostics_channel "latchkey:idp" (D15). Logs, metrics and the audit log are listeners;
// without one an event costs nothing. No event holds a password, token, key, e-mail or login id. What applications and users must
// be told is not left to listeners: it goes through the outbox (store/user-event.ts).

import { channel } from "node:diagnostics_channel";
import type { RefreshToken } from "./store/records.ts";
import type { UserEventType } from "./store/user-event.ts";

/** Why a sign-in was refused; the caller sees less. */
export type LoginFailure =
  | "unknown-user"
  | "wrong-password"
  | "user-locked"
  | "user-expired"
  | "user-changed"
  /** Too many failures before it: the password was not looked at. */
  | "throttled"
  /** FusionAuth's lockout: the password was not looked at. */
  | "locked-out";

/** Every reason refresh tokens are revoked for. */
export const REVOCATION_REASONS = [
  "reuse",
  "logout",
  "api",
  "password-changed",
  "login-prevented",
  "registration-deleted",
  "user-deleted",
  "application-deactivated",
  "application-deleted",
  /** The database was restored and an operator chose that everybody signs in again: `latchkey-idp restored --new-epoch`. */
  "restored",
] as const;

/** Why refresh tokens were revoked; also kept in the row. */
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

/** Why a refresh token was not taken, apart from reuse, which is an event of its own. */
export type RefreshTokenRefusal =
  | "malformed"
  | "unknown"
  /** Written under a key that is not, or no longer, in `config.keys`. */
  | "unknown-key"
  | "forged"
  | "application-inactive"
  | "expired"
  | "revoked"
  | "not-registered"
  | "user-locked"
  | "user-expired";

/** One event. `at` is epoch milliseconds; `refreshTokenId` is the `sid` of its access tokens. */
export type IdpEvent = { at: number } & IdpHappening;

/** What can happen. Switch on `type`. */
export type IdpHappening =
  | {
      type: "login-succeeded";
      tenantId: string;
      userId: string;
      applicationId: string | null;
      registered: boolean;
    }
  | {
      type: "login-failed";
      tenantId: string;
      userId: string | null;
      applicationId: string | null;
      reason: LoginFailure;
    }
  /** The lockout that a tenant configured has begun; `userId` is null where the login id is nobody's. */
  | { type: "lockout-started"; tenantId: string; userId: string | null; until: number }
  /** A user who has signed in from other devices did so from one not seen before. */
  | { type: "new-device"; tenantId: string; userId: string; applicationId: string | null }
  | { type: "password-checked"; userId: string | null; isRight: boolean; rounds: Record<string, number> }
  | { type: "password-hashing-refused"; running: number; waiting: number }
  /** A password was hashed, in `milliseconds`, after `waited` ms in the queue; how many are at it now that this one has left. */
  | { type: "password-hashed"; waited: number; milliseconds: number; running: number; waiting: number }
  | ({ type: "refresh-token-issued" } & TokenOf)
  | ({ type: "refresh-token-rotated"; generation: number } & TokenOf)
  /** A reusable one, which stays what it is. */
  | ({ type: "refresh-token-used"; generation: number } & TokenOf)
  | ({ type: "refresh-token-repeated"; generation: number } & TokenOf)
  | ({ type: "refresh-token-went-forward"; from: number; to: number } & TokenOf)
  | ({
      type: "refresh-token-reused";
      /** Null: the application found out, by a cookie that was used twice. */
      presented: number | null;
      current: number;
      familyRevoked: boolean;
    } & TokenOf)
  /** Whose token it is stands there where the token is a genuine one. */
  | ({
      type: "refresh-token-refused";
      reason: RefreshTokenRefusal;
      refreshTokenId: string | null;
    } & Partial<Omit<TokenOf, "refreshTokenId">>)
  | {
      type: "refresh-tokens-revoked";
      reason: RevocationReason;
      /** How many were alive; left out where they were revoked along with something else. */
      count?: number;
      refreshTokenId?: string;
      userId?: string;
      applicationId?: string;
    }
  | { type: "client-refused"; applicationId: string | null; reason: string }
  | { type: "signing-key-rotated"; kid: string; algorithm: string }
  /** The key ring was read: this key signs now; it was made at `since`. */
  | { type: "signing-key-in-use"; kid: string; since: number }
  | { type: "swept"; refreshTokens: number }
  /** An event reached a webhook or, for `receiver` "mail", the mail server; `waited` is how long after it happened, in ms. */
  | ({ type: "event-delivered"; waited: number } & Telling)
  /** It will be tried again after `pause` ms. */
  | ({ type: "event-not-delivered"; failure: string; pause: number; waited: number } & Telling)
  | ({ type: "event-given-up"; failure: string; waited: number } & Telling)
  /** `route` is a line's path in routes.ts, null where there is none; what of the request a stranger may choose is not in it. */
  | {
      type: "request-answered";
      route: string | null;
      method: string;
      status: number;
      milliseconds: number;
    }
  | { type: "failed"; name: string; code: string | null; path: string | null };

/** Whose refresh token an event is about, and on which device it is kept, as far as its row knows. */
export interface TokenOf {
  refreshTokenId: string;
  tenantId: string;
  userId: string;
  applicationId: string;
  /** Where it was last used from. */
  address: string | null;
  deviceName: string | null;
}

/** The members of an event about this token. */
export function eventMembers(row: RefreshToken): TokenOf {
  return {
    refreshTokenId: row.id,
    tenantId: row.tenantId,
    userId: row.userId,
    applicationId: row.applicationId,
    address: row.lastAccessedAddress,
    deviceName: row.metaData.device?.name ?? null,
  };
}

/** One attempt to tell one receiver of one event. */
export interface Telling {
  /** The id of a webhook, or "mail". */
  receiver: string;
  eventId: string;
  eventType: UserEventType;
  /** This one included. */
  attempts: number;
}

/** The name of the diagnostics channel that every event is published on. */
export const IDP_CHANNEL = "latchkey:idp";

const events = channel(IDP_CHANNEL);

/** Whether anybody listens: what is measured only to be told need not be measured. */
export function isHeard(): boolean {
  return events.hasSubscribers;
}

/** Tells the listeners what happened. */
export type Publish = (happening: IdpHappening) => void;

/** A `Publish` that stamps each event with `now`. */
export function createPublish(now: () => number): Publish {
  return (happening) => {
    if (isHeard()) events.publish({ at: now(), ...happening } satisfies IdpEvent);
  };
}
