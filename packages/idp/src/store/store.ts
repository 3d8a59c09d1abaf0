// The contract of the provider's store. Every method is asynchronous so that a store on another machine fits.
//
// For every method:
//   absent      reads answer null or an empty list; changes of what is not there change nothing and say so.
//   durable     a change that was answered is on disk; a crash right after loses nothing.
//   concurrent  each method is one atomic step. Updates carry the `version` that was read and answer "conflict" if it
//               moved on, so that no change is silently lost. An update never creates.
//   down        the method throws StoreUnavailableError and nothing was changed.
//   many        what ends more than some hundred refresh tokens may be several steps, so that it holds up nobody else. The last one ends the
//               rest, makes the change it belongs to, and tells. Where it throws before, some may have ended and nobody was told.
//   isolation   nothing is returned that another caller could still see undone.
// The store's clock is `now()`; a store that several machines share must answer one clock for all of them.

import type { RevocationReason } from "../events.ts";
import type {
  ApiKey,
  Application,
  PasswordHash,
  Refreshable,
  RefreshToken,
  Registration,
  Role,
  SigningKey,
  Tenant,
  User,
} from "./records.ts";
import type { Delivery, EventInfo, Happening, Webhook } from "./user-event.ts";
import type { Rule } from "../throttle.ts";

/**
 * How an insert or update ended: the name of the unique member that is taken, or that somebody else was faster ("conflict"), or
 * that what it belongs to – tenant, application, user – was deleted meanwhile ("gone").
 */
export type Saved =
  | "saved"
  | "conflict"
  | "gone"
  | `duplicate ${"id" | "name" | "email" | "username" | "key"}`;

/** Tenants. Deleting one deletes all that is in it. */
export interface TenantStore {
  insert(tenant: Tenant): Promise<Saved>;
  find(id: string): Promise<Tenant | null>;
  /** The default one first, then oldest first. */
  list(): Promise<Tenant[]>;
  update(tenant: Tenant): Promise<Saved>;
  delete(id: string): Promise<boolean>;
}

/** Applications and their roles. */
export interface ApplicationStore {
  insert(application: Application): Promise<Saved>;
  find(id: string): Promise<Application | null>;
  list(filter: { tenantId: string | null; active: boolean }): Promise<Application[]>;
  /** Writes everything but `active` and the roles. */
  update(application: Application): Promise<Saved>;
  /** Deactivating revokes the application's refresh tokens in the same step. */
  setActive(id: string, active: boolean, info?: EventInfo): Promise<boolean>;
  delete(id: string, info?: EventInfo): Promise<boolean>;
  insertRole(applicationId: string, role: Role): Promise<Saved>;
}

/** A new password, and whether it ends the user's refresh tokens. */
export interface PasswordChange {
  password: PasswordHash;
  revoke: boolean;
  /** SHA-256 of the id of the device on which the user himself chose it: the only one that is known afterwards. */
  device?: string | null;
}

/** Users. */
export interface UserStore {
  /** Together with a registration, both or neither. */
  insert(user: User, registration?: Registration): Promise<Saved>;
  /** All or none; says which one could not be saved. */
  insertAll(
    users: readonly { user: User; registrations: readonly Registration[] }[],
  ): Promise<{ saved: Saved; index: number }>;
  find(id: string): Promise<User | null>;
  /** `email` in any case. */
  findByEmail(tenantId: string, email: string): Promise<User | null>;
  /** `username` in any case. */
  findByUsername(tenantId: string, username: string): Promise<User | null>;
  /**
   * Writes everything but `active`, `credentialVersion` and the times of sign-in. A password that is given replaces the
   * old one, and with `revoke` the user's refresh tokens are revoked in the same step.
   */
  update(user: User, change?: PasswordChange, info?: EventInfo): Promise<Saved>;
  /** The highest factor of each scheme but argon2id that a password of the tenant is kept in. */
  importedFactors(tenantId: string): Promise<ReadonlyMap<string, number>>;
  /** Replaces the stored form of the same password; nothing happens if the password was changed meanwhile. */
  rehash(id: string, credentialVersion: number, password: PasswordHash): Promise<void>;
  /** Deactivating revokes the user's refresh tokens in the same step if `revoke`. */
  setActive(id: string, active: boolean, revoke: boolean, info?: EventInfo): Promise<boolean>;
  delete(id: string, info?: EventInfo): Promise<boolean>;
}

/** Registrations. */
export interface RegistrationStore {
  /** A second registration of the same user for the same application is a "duplicate key". */
  insert(registration: Registration): Promise<Saved>;
  find(userId: string, applicationId: string): Promise<Registration | null>;
  list(userId: string): Promise<Registration[]>;
  update(registration: Registration): Promise<Saved>;
  /** Revokes the user's refresh tokens for this application in the same step. */
  delete(userId: string, applicationId: string, info?: EventInfo): Promise<boolean>;
}

/** A sign-in to be recorded, and the refresh token that may come of it. */
export interface SignIn {
  userId: string;
  /** As it was when the password was checked. */
  credentialVersion: number;
  /** To which it is a sign-in; null without one. */
  applicationId: string | null;
  /** Of a registration that was found, else null. */
  registrationId: string | null;
  refreshToken: RefreshToken | null;
  /** SHA-256 of the device's id, if it was said. */
  device?: string | null;
  /** The caller says that the device is new: FusionAuth's `newDevice`. */
  saidNew?: boolean;
  /** From where, for the event; what it lacks is taken from the refresh token. */
  info?: EventInfo | undefined;
}

/** Which refresh tokens: one, a user's, a user's in one application, or an application's. Never "all". */
export type RevocationTarget =
  | { id: string }
  | { userId: string; applicationId?: string }
  | { applicationId: string };

/** What changes when a refresh token is used. */
export interface TokenUse {
  /** The generation afterwards; the same as before for a reusable token. */
  generation: number;
  keyId: string;
  expiresInstant: number;
  endsInstant: number;
  lastAccessedAddress: string | null;
}

/** Refresh tokens. */
export interface RefreshTokenStore {
  /**
   * Records the sign-in and its refresh token, provided that the user is still active and not expired, with the same password,
   * that the application is still active and that the registration still exists; else null and nothing is stored. A change that
   * happened while the password was being checked thus wins (CWE-367). The device is known from then on, in the same step;
   * `newDevice` says that it was not and that the user has others.
   */
  signIn(signIn: SignIn): Promise<{ newDevice: boolean } | null>;
  /** Also a revoked or expired one. `readAt` is the store's clock. */
  find(id: string): Promise<{ token: RefreshToken; readAt: number } | null>;
  /** The same with what it belongs to, all as of one moment. Settings are shared between answers and can't be changed. */
  findRefreshable(id: string): Promise<Refreshable | null>;
  /**
   * The compare-and-set every rotation goes through: only if the row still has the generation `from` and is not revoked.
   * False: somebody else was faster. Sets `rotatedInstant` to the store's clock if the generation changes.
   */
  advance(id: string, from: number, use: TokenUse): Promise<boolean>;
  /** Newest first, at most 1,000, neither revoked nor expired (FusionAuth issue 3500). */
  list(userId: string): Promise<RefreshToken[]>;
  /** Only in this tenant unless null; answers how many were alive. Rows stay until they end, so that reuse is recognised after a restart. */
  revoke(
    target: RevocationTarget,
    reason: RevocationReason,
    tenantId: string | null,
    info?: EventInfo,
  ): Promise<number>;
  /**
   * Notes that this user's tokens are to end, which `revokeOwed` does a quarter of a second later. It takes as long for an id that is
   * nobody's: an answer that waited for the revocation would come later for a user who exists (CWE-208).
   */
  oweRevocation(userId: string): Promise<void>;
  /** Ends what is owed because of lockouts, also by a process that is gone. */
  revokeOwed(): Promise<void>;
  /**
   * Notes that two parties hold this family and, with `revoke`, revokes it in the same step; answers how many tokens were alive
   * that no longer are. The user is told the first time only.
   */
  reused(id: string, revoke: boolean, info?: EventInfo): Promise<number>;
  /** Forgets up to `limit` rows that have ended. */
  sweep(limit: number): Promise<number>;
}

/** One tally that an attempt counts in. */
export interface Counter {
  key: string;
  rule: Rule;
  /** Failures until this instant count no more; 0 where all do. */
  countsFrom: number;
}

/** How asking to make an attempt ended; `next` are the earliest next attempts (epoch ms) by each counter, in their order. */
export interface Reserved {
  admitted: boolean;
  next: readonly number[];
}

/** Failed attempts to prove a password. */
export interface AttemptStore {
  /**
   * Counts a failure in every counter before the password is looked at; where one of them demands a wait, in none, and the
   * attempt is not admitted. Of parallel attempts no more are admitted than the rules allow.
   */
  reserve(counters: readonly Counter[]): Promise<Reserved>;
  /** The attempt was none, or no failure: forgets what these keys counted, takes one failure back from those. */
  settle(keys: { clear: readonly string[]; takeBack: readonly string[] }): Promise<void>;
  /** Forgets up to `limit` tallies that say nothing any more. */
  sweep(limit: number): Promise<number>;
}

/** The devices each user has signed in from, by the hashes of their ids: the 50 last used, none unused for 400 days. */
export interface KnownDeviceStore {
  isKnown(userId: string, device: string): Promise<boolean>;
  /** Forgets up to `limit` devices that were not used for 400 days. */
  sweep(limit: number): Promise<number>;
}

/** API keys. */
export interface ApiKeyStore {
  insert(key: ApiKey): Promise<Saved>;
  find(id: string): Promise<ApiKey | null>;
  findByHash(hash: string): Promise<ApiKey | null>;
  list(): Promise<ApiKey[]>;
  update(key: ApiKey): Promise<Saved>;
  delete(id: string): Promise<boolean>;
}

/** The provider's signing keys. */
export interface SigningKeyStore {
  /** Makes this the newest key, which is to sign; those before it verify until `others` and are forgotten afterwards. */
  insert(key: SigningKey, others: number): Promise<void>;
  /** Newest first, without those whose time is over. */
  list(): Promise<SigningKey[]>;
  reseal(kid: string, sealedPrivateKey: string): Promise<void>;
  /** Forgets a key, which verifies nothing from then on; false if there was none. The newest of the others has no end. */
  retire(kid: string): Promise<boolean>;
}

/** Who is told over HTTP: 50 global webhooks and 50 of each tenant at most. */
export interface WebhookStore {
  /** "full" if there is no place left where it would reach: among the global ones, or among those of one of its tenants. */
  insert(webhook: Webhook): Promise<Saved | "full">;
  find(id: string): Promise<Webhook | null>;
  /** Oldest first. */
  list(): Promise<Webhook[]>;
  /** "full" as above, if it would reach somebody else than before. */
  update(webhook: Webhook): Promise<Saved | "full">;
  /** What waits for it is forgotten. */
  delete(id: string): Promise<boolean>;
}

/**
 * What is still to be told. Every method above that makes an event true writes it here in the same step, a row for each
 * receiver, and none where nobody is to hear of it.
 */
export interface OutboxStore {
  /**
   * Tells of what changed nothing here, a failed sign-in, a quarter of a second later and together with others: an answer that
   * waited for it, or met it on its way out, would come later for a user who exists (CWE-208). Nobody hears whether it could be
   * written.
   */
  tellLater(happening: Happening): void;
  /** Calls back whenever this process has written something; never before it can be claimed. */
  listen(listener: () => void): void;
  /** Each receiver that something waits for, and when the first of it is due. */
  due(): Promise<{ receiver: string; due: number }[]>;
  /** Up to `limit` deliveries that are due, of each user's only the oldest; for `leaseMs` nobody else gets them. */
  claim(receiver: string, limit: number, leaseMs: number): Promise<Delivery[]>;
  /** Forgets a delivery; the next one of the same user is due. */
  finish(delivery: Delivery): Promise<void>;
  /** Makes a delivery due again after `delayMs`, unless somebody else has claimed it meanwhile. */
  postpone(delivery: Delivery, delayMs: number): Promise<void>;
}

/** The whole store. */
export interface Store {
  /** The store's clock, epoch milliseconds: what every instant in it is compared with, the same for every process on this store. */
  now(): number;
  readonly tenants: TenantStore;
  readonly applications: ApplicationStore;
  readonly users: UserStore;
  readonly registrations: RegistrationStore;
  readonly refreshTokens: RefreshTokenStore;
  readonly attempts: AttemptStore;
  readonly knownDevices: KnownDeviceStore;
  readonly apiKeys: ApiKeyStore;
  readonly signingKeys: SigningKeyStore;
  readonly webhooks: WebhookStore;
  readonly outbox: OutboxStore;
  /** A note that outlives restarts, e.g. that the kickstart was applied. */
  note(name: string): Promise<string | null>;
  setNote(name: string, value: string): Promise<void>;
  /** Writes the note if nobody has created anything – no user, application, API key or note – and tells whether it did. */
  claim(name: string, value: string): Promise<boolean>;
  /** Writes the note if it still says `from`, and tells whether it did. */
  replaceNote(name: string, from: string, to: string): Promise<boolean>;
  /** Deletes every row of every table if the note still says `value`, and tells whether it did. */
  clearIf(name: string, value: string): Promise<boolean>;
  /** Throws StoreUnavailableError when the store can't be used. */
  check(): Promise<void>;
  /** Waits for what was begun, then closes; every later call throws StoreUnavailableError. */
  close(): Promise<void>;
}
