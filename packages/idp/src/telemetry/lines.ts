// A level and a sentence for each event; a new event does not compile without. docs/telemetry.md lists the same.

import type { IdpEvent } from "../events.ts";

/** How much a line matters: `error` is for whoever runs the provider, `warn` for whoever looks for attacks. */
export type Level = "debug" | "info" | "warn" | "error";

/** The line of each event. What happens with every request is `debug`. */
export const lines: { readonly [Type in IdpEvent["type"]]: readonly [level: Level, message: string] } = {
  "login-succeeded": ["info", "A user signed in"],
  "login-failed": ["info", "A sign-in failed"],
  "lockout-started": ["warn", "Too many sign-ins failed: a lockout began"],
  "new-device": ["info", "A user signed in on a device not seen before"],
  "password-checked": ["debug", "A password was checked"],
  "password-hashing-refused": ["error", "Too many passwords wait to be hashed: a caller heard 503"],
  "password-hashed": ["debug", "A password was hashed"],
  "refresh-token-issued": ["info", "A refresh token was issued"],
  "refresh-token-rotated": ["info", "A refresh token was exchanged for the next one"],
  "refresh-token-used": ["info", "A reusable refresh token was used"],
  "refresh-token-repeated": ["info", "A refresh token was presented again within its grace"],
  "refresh-token-went-forward": ["error", "A refresh token is newer than the database: it was restored"],
  "refresh-token-reused": ["warn", "A refresh token was used by two parties"],
  "refresh-token-refused": ["info", "A refresh token was refused"],
  "refresh-tokens-revoked": ["info", "Refresh tokens were revoked"],
  "client-refused": ["warn", "An application's credentials were refused"],
  "signing-key-rotated": ["info", "A new signing key was made"],
  "signing-key-in-use": ["debug", "The key ring was read"],
  swept: ["debug", "Refresh tokens that had ended were forgotten"],
  "event-delivered": ["info", "An event was delivered"],
  "event-not-delivered": ["warn", "An event could not be delivered; it will be tried again"],
  "event-given-up": ["error", "An event could not be delivered for good"],
  "request-answered": ["debug", "A request was answered"],
  failed: ["error", "A request or a task failed"],
};

/** The level of one event: a request that the provider itself could not answer matters more than others. */
export function levelOf(event: IdpEvent): Level {
  return isFailedRequest(event) ? "warn" : lines[event.type][0];
}

/** Whether an event tells of a request that was answered with 5xx. */
export function isFailedRequest(event: IdpEvent): boolean {
  return event.type === "request-answered" && event.status >= 500;
}
