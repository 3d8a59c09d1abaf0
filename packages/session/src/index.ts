/** `@latchkey/session`: the whole public surface. Adapters are `@latchkey/session/express`, `/fastify` and `/hono`. */
export type { PublishedSessionEvent, SessionEvent } from "./events.ts";
export { sessionChannel } from "./events.ts";
export type { Answer } from "./answer.ts";
export type { ChangePasswordForm, ChangePasswordRefusal, ChangePasswordResult } from "./change-password.ts";
export type { SignedInDevice } from "./devices.ts";
export { type Duration, formatDuration, parseDuration } from "./duration.ts";
export {
  AdapterMissingError,
  IdentityProviderMisconfiguredError,
  IdentityProviderUnavailableError,
  LatchkeyError,
  SessionStoreUnavailableError,
  SignInRequiredError,
  WebhookBodyConsumedError,
} from "./errors.ts";
export { formTokenField, formTokenHeader } from "./form-token.ts";
export type { IdentityProviderOptions, SignInRefusal } from "./provider-contract.ts";
export type { CookieKey } from "./key-ring.ts";
export type { RecentSignIn, RecentSignInOptions } from "./recent-sign-in.ts";
export { safeReturnTo } from "./return-to.ts";
export type { IncomingRequest, Received } from "./receive.ts";
export { createSessions, type Sessions } from "./sessions.ts";
export { defaultLifetimes, type LifetimeOptions, type Lifetimes } from "./lifetimes.ts";
export type { PolicyName, SessionsOptions, Workflow } from "./settings.ts";
export { memoryStore } from "./store/memory.ts";
export { sqliteStore, type SqliteStoreOptions } from "./store/sqlite.ts";
export type { IncomingWebhook, WebhookRefusal } from "./webhook.ts";
export type {
  Device,
  EndReason,
  LiveSignIns,
  SessionRecord,
  SessionStore,
  SignInRecord,
  User,
} from "./store/store.ts";
export type { Session } from "./session.ts";
export type { SignInForm, SignInResult } from "./sign-in.ts";
export type { PendingResponse, ResponseHeaders, Visitor, VisitorOfRequest } from "./visitor.ts";
