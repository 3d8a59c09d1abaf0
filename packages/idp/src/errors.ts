// Every error this package throws, one literal `code` each.
// Expected outcomes (wrong password, expired token, duplicate e-mail) are values, not errors; the one exception is
// `RequestRefusedError`, which ends a request from any depth of an endpoint and which only answer.ts turns into a response.
// No message may hold a secret: messages reach logs.

/** The identity provider's own errors; switch on `code`. */
export abstract class IdpError extends Error {
  abstract readonly code: string;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** The store cannot be used now (locked, full, closed, broken file). The caller is told 503 and nothing was stored. */
export class StoreUnavailableError extends IdpError {
  readonly code = "store-unavailable";

  constructor(cause: unknown) {
    super("The identity provider's store cannot be used", cause);
  }
}

/** Too many passwords are being hashed or wait for it. The caller is told 503 with Retry-After. */
export class HashingBusyError extends IdpError {
  readonly code = "hashing-busy";

  constructor() {
    super("Too many passwords wait to be hashed");
  }
}

/** The database was written by a newer version of this package; opening it could destroy data. */
export class DatabaseTooNewError extends IdpError {
  readonly code = "database-too-new";

  constructor(found: number, known: number) {
    super(`The database has schema version ${found}; this version of @latchkey/idp knows up to ${known}`);
  }
}

/** Something in the database is sealed under a key that is not in `config.keys`, or is damaged. */
export class CannotUnsealError extends IdpError {
  readonly code = "cannot-unseal";

  constructor(what: string) {
    super(`No key in config.keys opens ${what}: add the key it was sealed with`);
  }
}

/**
 * A message will never be taken: thrown by `mail.send`, it makes the provider give the message up instead of trying again for a day.
 * `why` goes into an event: no address.
 */
export class MailRefusedError extends IdpError {
  readonly code = "mail-refused";

  constructor(why: string, cause?: unknown) {
    super(`refused for good: ${why}`, cause);
  }
}

/** With `production: true` the database still holds a sample secret (ASVS 13.2.3). */
export class SampleSecretError extends IdpError {
  readonly code = "sample-secret";

  constructor(what: string) {
    super(`${what} is a sample secret; production refuses it`);
  }
}

/** A kickstart file is wrong at `place`, e.g. `requests[0].body.user`. Never says a value: it may be a password. */
export class KickstartInvalidError extends IdpError {
  readonly code = "kickstart-invalid";
  readonly place: string;

  constructor(place: string, what: string) {
    const path = place.replace(/^\./, "");
    super(`Kickstart file, ${path}: ${what}`);
    this.place = path;
  }
}

/** A kickstart request was refused. The database is empty again, so the next start retries. */
export class KickstartFailedError extends IdpError {
  readonly code = "kickstart-failed";
  /** 1 for the first request. */
  readonly request: number;
  readonly status: number;
  readonly errorCodes: readonly string[];

  constructor(request: number, method: string, url: string, status: number, errorCodes: readonly string[]) {
    const codes = errorCodes.length === 0 ? "" : ` (${errorCodes.join(", ")})`;
    super(`Kickstart request ${request}, ${method} ${url}, was answered ${status}${codes}`);
    this.request = request;
    this.status = status;
    this.errorCodes = errorCodes;
  }
}

/** An API key of a kickstart could not be stored. The database is empty again, so the next start retries. */
export class KickstartKeyRefusedError extends IdpError {
  readonly code = "kickstart-key-refused";

  constructor(number: number, why: string) {
    super(`Kickstart API key ${number} can't be stored: ${why}`);
  }
}

/** One entry of FusionAuth's error JSON. */
export interface ErrorEntry {
  code: string;
  message: string;
}

/** FusionAuth's error JSON: a map from the dotted request path to its errors, and errors of no field. */
export interface ErrorBody {
  fieldErrors?: Record<string, ErrorEntry[]>;
  generalErrors?: ErrorEntry[];
}

/** The request is refused with this status; without a body the answer is empty, as FusionAuth's 401 and 404 are. */
export class RequestRefusedError extends IdpError {
  readonly code = "request-refused";
  readonly status: number;
  readonly body: ErrorBody | null;

  constructor(status: number, body: ErrorBody | null = null) {
    super(`The request is refused with ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** A 400 about one field: `fieldRefusal("duplicate", "user.email")` has the code `[duplicate]user.email`. */
export function fieldRefusal(reason: string, field: string): RequestRefusedError {
  return new RequestRefusedError(400, { fieldErrors: { [field]: [fieldError(reason, field)] } });
}

/** The entry for one field; the message never repeats the value, which may be a password. */
export function fieldError(reason: string, field: string): ErrorEntry {
  return { code: `[${reason}]${field}`, message: `${field}: ${REASONS[reason] ?? "is not acceptable"}.` };
}

/** A refusal about no field, e.g. `generalRefusal(400, "[TenantIdRequired]", "…")`. */
export function generalRefusal(status: number, code: string, message: string): RequestRefusedError {
  return new RequestRefusedError(status, { generalErrors: [{ code, message }] });
}

const REASONS: Record<string, string> = {
  blank: "is required",
  missing: "is required",
  invalid: "is not valid",
  notEmail: "is not an e-mail address",
  duplicate: "exists already",
  couldNotConvert: "is not a UUID",
  tooShort: "is too short",
  tooLong: "is too long",
  tooMany: "has too many entries",
  singleCase: "needs upper and lower case letters",
  onlyAlpha: "needs a character that is not a letter",
  requireNumber: "needs a digit",
  containsEmail: "is little more than the e-mail address",
  containsUsername: "is little more than the username",
  breachedCommonPassword: "is one of the most used passwords",
};
