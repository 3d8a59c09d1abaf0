/**
 * Reading the provider's answers: what they hold in FusionAuth's wire format, and what an answer nobody expected means. No
 * message repeats what an answer held.
 */
import { IdentityProviderMisconfiguredError, IdentityProviderUnavailableError } from "./errors.ts";
import type { Answer } from "./provider-call.ts";
import type { User } from "./store/store.ts";

/** FusionAuth's 404 is empty: there is no such thing. Nothing else may end a sign-in or count as a revocation (D9). */
export function isAbsent({ status, isEmpty }: Answer): boolean {
  return status === 404 && isEmpty;
}

/** A 404 that says something comes from what stands in between: a gateway, or another server at this address. */
export function isForeign({ status, isEmpty }: Answer): boolean {
  return status === 404 && !isEmpty;
}

/** The members of a 200's JSON object; throws for any other answer. */
export function okBody(answer: Answer, what: string): Record<string, unknown> {
  if (answer.status !== 200 || typeof answer.body !== "object" || answer.body === null)
    unusable(answer, what);
  return record(answer.body);
}

/** Sorts an answer nothing was expected of: our credentials or settings are wrong, or the provider is not well. */
export function unusable({ status, retryAfter }: Answer, what: string): never {
  const ours = status === 400 || status === 401 || status === 403 || status === 404;
  const message = `The identity provider answered ${status} to ${what}.`;
  throw ours
    ? new IdentityProviderMisconfiguredError(message)
    : new IdentityProviderUnavailableError(message, {
        answered: true,
        retryAfter: Math.min(retryAfter ?? 1, longestAway),
      });
}

/** Seconds: a provider that wants to be left alone for a day must not send everybody's browser away for it. */
const longestAway = 60;

const profileFields = ["email", "username", "firstName", "lastName", "fullName", "imageUrl"] as const;

/** The user of an answer, cut down to what pages need; throws IdentityProviderUnavailableError for one without an id. */
export function readUser(value: unknown, applicationId: string): User {
  const raw = record(value);
  const id = text(raw["id"]);
  if (id === null)
    throw new IdentityProviderUnavailableError("The identity provider's answer holds no user id.", {
      answered: true,
    });
  const profile: { [field in (typeof profileFields)[number]]?: string } = {};
  for (const field of profileFields) {
    const content = text(raw[field]);
    if (content !== null) profile[field] = content;
  }
  return { id, ...profile, roles: strings(record(registrationOf(raw, applicationId))["roles"]) };
}

/** When a user's password was last changed, epoch milliseconds; 0 where it does not say. */
export function passwordChangedAt(user: Record<string, unknown>): number {
  const changed = user["passwordLastUpdateInstant"];
  return typeof changed === "number" ? changed : 0;
}

/** The user's registration for an application; `undefined` if there is none. */
export function registrationOf(user: Record<string, unknown>, applicationId: string): unknown {
  const registrations = user["registrations"];
  return Array.isArray(registrations)
    ? registrations.find((each) => record(each)["applicationId"] === applicationId)
    : undefined;
}

/** The members of a JSON object; no members for anything else. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** A string with something in it; `null` for anything else. */
export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}
