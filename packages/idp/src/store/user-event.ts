// What is told to applications and users, as it waits in the outbox. Written in the same step as the change it tells of; the
// forms it is sent in are webhooks/envelope.ts and mail/message.ts. No token, hash or password is ever part of one.

import type { LoginFailure, RevocationReason } from "../events.ts";
import type { Rule } from "../throttle.ts";
import type { LoginIds, RefreshToken, User } from "./records.ts";

/** Every type of event: FusionAuth's names, and "jwt.refresh-token.reuse", which is ours. */
export const USER_EVENT_TYPES = [
  "jwt.refresh-token.revoke",
  "jwt.refresh-token.reuse",
  "user.deactivate",
  "user.reactivate",
  "user.delete",
  "user.password.update",
  "user.email.update",
  "user.identity.update",
  "user.login.success",
  "user.login.failed",
  "user.login.new-device",
] as const;

/** The name of an event. */
export type UserEventType = (typeof USER_EVENT_TYPES)[number];

const HOUR_MS = 3_600_000;

// Three at once, then one an hour: the first of any hour is always sent.
const SELDOM: Rule = {
  free: 3,
  firstWaitMs: HOUR_MS,
  longestWaitMs: HOUR_MS,
  forgets: { oneEveryMs: HOUR_MS },
};

// Five at once, then one in four hours: ten in a day.
const NEW_DEVICE: Rule = {
  free: 5,
  firstWaitMs: 4 * HOUR_MS,
  longestWaitMs: 4 * HOUR_MS,
  forgets: { oneEveryMs: 4 * HOUR_MS },
};

/**
 * The events that the user himself is told by mail (ASVS 6.3.5, 6.3.7), and how many messages of that kind an address gets: many would
 * bury the one that matters, and the address may be a stranger's (CWE-770).
 */
export const MAILED: ReadonlyMap<UserEventType, Rule> = new Map<UserEventType, Rule>([
  ["jwt.refresh-token.reuse", SELDOM],
  ["user.password.update", SELDOM],
  ["user.email.update", SELDOM],
  ["user.identity.update", SELDOM],
  ["user.login.new-device", NEW_DEVICE],
]);

/** From where and on what it was done, as far as known: FusionAuth's `EventInfo`. */
export interface EventInfo {
  ipAddress?: string | undefined;
  deviceName?: string | undefined;
  deviceDescription?: string | undefined;
  deviceType?: string | undefined;
}

/** That something happened, for the store to complete with what it knows of the user, the token and the application. */
export interface Happening {
  type: UserEventType;
  userId?: string | undefined;
  applicationId?: string | undefined;
  refreshTokenId?: string | undefined;
  reason?: RevocationReason | LoginFailure | undefined;
  previous?: LoginIds | undefined;
  /** Of a refresh token the device and address of its row are taken where this says nothing. */
  info?: EventInfo | undefined;
}

/** One event, complete. Which of `user` and `refreshToken` are there tells one token, a user and an application apart. */
export interface UserEvent {
  /** The same for every receiver and every attempt. */
  id: string;
  type: UserEventType;
  createInstant: number;
  tenantId: string;
  applicationId?: string | undefined;
  /** As he was when it happened; before it, if he was deleted. */
  user?: Omit<User, "password"> | undefined;
  refreshToken?: Omit<RefreshToken, "secret"> | undefined;
  reason?: RevocationReason | LoginFailure | undefined;
  /** Of an event that tells of a change of them: what they were before. */
  previous?: LoginIds | undefined;
  info: EventInfo;
}

/**
 * To whom a mail about the event goes; null to nobody. A changed address is told to the one before: the new one may be that of
 * whoever took the account over (ASVS 6.3.7).
 */
export function mailAddressOf({ user, previous }: UserEvent): string | null {
  return (previous ?? user)?.email ?? null;
}

/** An event on its way to one receiver. */
export interface Delivery {
  /** Later events have higher ones. */
  number: number;
  /** The id of a webhook, or `MAIL`. */
  receiver: string;
  event: UserEvent;
  writtenInstant: number;
  /** This one included. */
  attempts: number;
}

/** The receiver that is no webhook. */
export const MAIL = "mail";

/** Who is told over HTTP. */
export interface Webhook {
  id: string;
  url: string;
  description?: string | undefined;
  /** Null: FusionAuth's `global`. */
  tenantIds: string[] | null;
  events: UserEventType[];
  connectTimeout: number;
  readTimeout: number;
  signed: boolean;
  data?: Record<string, unknown> | undefined;
  /** Headers, user name and password; see webhooks/webhook-secrets.ts. */
  sealedSecrets: string;
  version: number;
  insertInstant: number;
  lastUpdateInstant: number;
}
