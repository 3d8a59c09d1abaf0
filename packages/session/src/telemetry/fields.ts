/**
 * What an event's members are called in logs and spans: OpenTelemetry's names where it has one, `latchkey.…` otherwise. They are
 * promised in docs/telemetry.md. What has no name here is not written, whatever somebody adds to an event.
 */
import type { PublishedSessionEvent, SessionEvent } from "../events.ts";

/** What may be left out. */
export interface FieldOptions {
  /** False: no client addresses, which are personal data (GDPR art. 4(1), recital 30). Default true. */
  readonly addresses?: boolean;
}

/** The fields of one event; `undefined` and `null` have none. */
export type Fields = Record<string, string | number | boolean>;

type MemberOf<Event> = Event extends unknown ? Exclude<keyof Event, "type"> : never;

/** A name for each member of each event. A new member does not compile without one. */
export const fieldNames: Readonly<Record<MemberOf<PublishedSessionEvent>, string>> = {
  at: "latchkey.at",
  application: "latchkey.application",
  signInId: "latchkey.sign_in.id",
  userId: "user.id",
  address: "client.address",
  reason: "latchkey.reason",
  expiresAt: "latchkey.expires_at",
  judgement: "latchkey.judgement",
  path: "url.path",
  code: "error.type",
  message: "error.message",
  eventType: "latchkey.webhook.event_type",
  eventId: "latchkey.webhook.event_id",
  ended: "latchkey.webhook.ended",
  questioned: "latchkey.webhook.questioned",
  call: "latchkey.call",
  outcome: "latchkey.outcome",
  status: "http.response.status_code",
  milliseconds: "latchkey.duration_ms",
  what: "latchkey.circuit",
};

/** The event's full name, as logs and spans have it: "latchkey.session.signed-in". */
export function eventName(type: SessionEvent["type"]): string {
  return `latchkey.session.${type}`;
}

/** An event's members under their names. */
export function fieldsOf(event: PublishedSessionEvent, { addresses = true }: FieldOptions): Fields {
  const fields: Fields = { "event.name": eventName(event.type) };
  for (const [member, value] of Object.entries(event)) {
    const name = isNamed(member) && (addresses || member !== "address") ? fieldNames[member] : null;
    if (name !== null && isWritten(value)) fields[name] = value;
  }
  return fields;
}

function isNamed(member: string): member is keyof typeof fieldNames {
  return Object.hasOwn(fieldNames, member);
}

function isWritten(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
