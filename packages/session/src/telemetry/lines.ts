/** A level and a sentence for each event; a new event does not compile without. docs/telemetry.md lists the same. */
import type { SessionEvent } from "../events.ts";

/** How much a line matters: `error` is for whoever runs the application, `warn` for whoever looks for attacks. */
export type Level = "debug" | "info" | "warn" | "error";

/** The line of each event. What happens with every request is `debug`. */
export const lines: { readonly [Type in SessionEvent["type"]]: readonly [level: Level, message: string] } = {
  "signed-in": ["info", "A user signed in"],
  "sign-in-refused": ["info", "A sign-in was refused"],
  "session-created": ["debug", "A session was created"],
  "session-extended": ["debug", "A session was extended"],
  renewed: ["info", "A session was renewed"],
  revalidated: ["info", "The provider still stands by a session's user"],
  "sign-in-ended": ["info", "A sign-in ended"],
  "device-not-owned": ["warn", "A user named somebody else's sign-in to end it"],
  "password-changed": ["info", "A user changed the password"],
  "password-change-refused": ["info", "A change of password was refused"],
  "reuse-detected": ["warn", "A pair of cookies was used by two browsers: the sign-in ends"],
  "mismatched-pair": ["warn", "A refresh cookie came without the session it belongs to"],
  "duplicate-cookies": ["warn", "A request came with two cookies of one name"],
  "cross-site-refused": ["warn", "A request of another site was refused"],
  "revocation-owed": ["warn", "The provider could not be told that a sign-in ended; it will be tried again"],
  "revocation-paid": ["info", "The provider was told that a sign-in ended"],
  "webhook-received": ["info", "An event of the provider was dealt with"],
  "webhook-refused": ["warn", "A webhook was refused"],
  "provider-called": ["debug", "The provider was called"],
  "store-called": ["debug", "The session store was called"],
  "circuit-opened": ["error", "No answer for too often: it is not asked for a while"],
  "circuit-closed": ["info", "It answers again"],
  unavailable: ["error", "A request could not be dealt with because something is down"],
};

/** The level of one event: a call that failed matters more than one that did not. What an open circuit turns away it has told of. */
export function levelOf(event: SessionEvent): Level {
  const isTurnedAway = event.type === "store-called" && event.outcome === "not-asked";
  return isFailedCall(event) && !isTurnedAway ? "warn" : lines[event.type][0];
}

/** Whether an event tells of a call that brought nothing. */
export function isFailedCall(event: SessionEvent): boolean {
  if (event.type === "provider-called") return event.status === null || event.status >= 500;
  return event.type === "store-called" && event.outcome !== "answered";
}
