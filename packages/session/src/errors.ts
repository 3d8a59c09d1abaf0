/**
 * Every exception of this package. Expected outcomes (an expired session, a wrong password, a forged cookie) are
 * values, never one of these. No message holds a token, a session id or a password.
 */

/**
 * The base of every exception of `@latchkey/session`; tell them apart by `code`. Those with an HTTP status carry it under
 * the two names that frameworks look for.
 */
export abstract class LatchkeyError extends Error {
  abstract readonly code: string;
}

/**
 * The identity provider gave no usable answer: a refused connection, a passed deadline, a 5xx or 429, or an answer
 * that is not the protocol's. It says nothing about the user, who keeps all cookies (D9).
 */
export class IdentityProviderUnavailableError extends LatchkeyError {
  readonly code = "identity-provider-unavailable";
  override readonly name = "IdentityProviderUnavailableError";
  readonly status = 503;
  readonly statusCode = 503;
  /** Whether an answer came at all. */
  readonly answered: boolean;
  /** Whole seconds after which it is worth coming back: for the Retry-After of a 503. */
  readonly retryAfter: number;

  constructor(
    message: string,
    options: ErrorOptions & { readonly answered: boolean; readonly retryAfter?: number },
  ) {
    super(message, options);
    this.answered = options.answered;
    this.retryAfter = options.retryAfter ?? 1;
  }
}

/**
 * The identity provider answered that *this application* is set up wrongly: its API key or client secret is refused,
 * or a setting it needs is off. An operator has to act; no user is signed out for it (RFC 6749 §5.2 invalid_client).
 */
export class IdentityProviderMisconfiguredError extends LatchkeyError {
  readonly code = "identity-provider-misconfigured";
  override readonly name = "IdentityProviderMisconfiguredError";
  readonly status = 503;
  readonly statusCode = 503;
  /** Whole seconds after which it is worth coming back: for the Retry-After of a 503. */
  readonly retryAfter = 5;
}

/**
 * The session store gave no answer in time, or one that can't be understood, or is not asked for a moment because of that. Requests
 * with a cookie get 503 (ASVS 16.5.2). What was asked of it may take effect all the same.
 */
export class SessionStoreUnavailableError extends LatchkeyError {
  readonly code = "session-store-unavailable";
  override readonly name = "SessionStoreUnavailableError";
  readonly status = 503;
  readonly statusCode = 503;
  /** Whole seconds after which it is worth coming back: for the Retry-After of a 503. */
  readonly retryAfter: number;

  constructor(message: string, options: ErrorOptions & { readonly retryAfter?: number } = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter ?? 1;
  }
}

/** What is down, or reads as down: each says when to come back. */
export type Outage =
  | IdentityProviderUnavailableError
  | IdentityProviderMisconfiguredError
  | SessionStoreUnavailableError;

/** Whether an exception says that something is down: never a reason to sign anybody out (D9). */
export function isOutage(error: unknown): error is Outage {
  return (
    error instanceof SessionStoreUnavailableError ||
    error instanceof IdentityProviderUnavailableError ||
    error instanceof IdentityProviderMisconfiguredError
  );
}

/**
 * A handler asked for the signed-in user where nobody is signed in. A route
 * listed in `publicPaths` by mistake refuses all the same (the class of CVE-2025-29927).
 */
export class SignInRequiredError extends LatchkeyError {
  readonly code = "sign-in-required";
  override readonly name = "SignInRequiredError";
  readonly status = 401;
  readonly statusCode = 401;

  constructor() {
    super("This needs a signed-in user.");
  }
}

/** `visitor(request)` was called on a request that has not passed through the adapter: a mistake in the wiring. */
export class AdapterMissingError extends LatchkeyError {
  readonly code = "adapter-missing";
  override readonly name = "AdapterMissingError";

  constructor() {
    super("This request did not pass through latchkey(sessions): register the adapter before the routes.");
  }
}

/**
 * Something has read a webhook's body before the library could: its signature is over the bytes, which are gone. A mistake in
 * the wiring of an Express application.
 */
export class WebhookBodyConsumedError extends LatchkeyError {
  readonly code = "webhook-body-consumed";
  override readonly name = "WebhookBodyConsumedError";
  readonly status = 500;
  readonly statusCode = 500;

  constructor() {
    super("A webhook's body was read before latchkey(sessions): put express.json() and its like after it.");
  }
}
