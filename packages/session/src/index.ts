/** `@latchkey/session`: the whole public surface. Adapters are `@latchkey/session/express`, `/fastify` and `/hono`. */

// Sessions for an application.
export { createSessions, type Sessions } from "./sessions.ts";
export type { PolicyName, SessionsOptions, Workflow } from "./settings.ts";
export type { IdentityProviderOptions, SignInRefusal } from "./provider-contract.ts";
export type { CookieKey } from "./key-ring.ts";
export { defaultLifetimes, type LifetimeOptions, type Lifetimes } from "./lifetimes.ts";
export { type Deadline, type Duration, formatDuration, parseDuration } from "./duration.ts";
export type { Status } from "./status.ts";

// What a handler works with.
export type { Visitor } from "./visitor.ts";
export type { Session } from "./session.ts";
export type { SignInForm, SignInResult } from "./sign-in.ts";
export type { ChangePasswordForm, ChangePasswordRefusal, ChangePasswordResult } from "./change-password.ts";
export type { SignedInDevice } from "./devices.ts";
export type { RecentSignInOptions } from "./recent-sign-in.ts";
export { formTokenField, formTokenHeader } from "./form-token.ts";
export { safeReturnTo } from "./return-to.ts";

// What can go wrong, and what happened.
export {
  AdapterMissingError,
  IdentityProviderMisconfiguredError,
  IdentityProviderUnavailableError,
  LatchkeyError,
  SessionStoreUnavailableError,
  SignInRequiredError,
  WebhookBodyConsumedError,
} from "./errors.ts";
export { type PublishedSessionEvent, sessionChannel, type SessionEvent } from "./events.ts";

// Stores, and what another one must do.
export { memoryStore } from "./store/memory.ts";
export { sqliteStore, type SqliteStoreOptions } from "./store/sqlite.ts";
export type {
  Device,
  EndReason,
  LiveSignIns,
  SessionRecord,
  SessionStore,
  SignInRecord,
  User,
} from "./store/store.ts";

// For adapters of other frameworks.
export type { Answer } from "./answer.ts";
export type { RecentSignIn } from "./recent-sign-in.ts";
export type { IncomingRequest, Received } from "./receive.ts";
export type { PendingResponse, ResponseHeaders, VisitorOfRequest } from "./visitor.ts";
export type { IncomingWebhook, WebhookRefusal } from "./webhook.ts";
