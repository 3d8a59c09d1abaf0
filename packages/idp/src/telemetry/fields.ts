// What an event's members are called in logs and spans: OpenTelemetry's names where it has one, `latchkey.…` otherwise. They are
// promised in docs/telemetry.md. What has no name here is not written, whatever somebody adds to an event.

import type { IdpEvent } from "../events.ts";

/** What may be left out. */
export interface FieldOptions {
  /** False: no client addresses, which are personal data (GDPR art. 4(1), recital 30). Default true. */
  readonly addresses?: boolean;
}

/** The fields of one event; `undefined` and `null` have none. */
export type Fields = Record<string, string | number | boolean>;

type MemberOf<Event> = Event extends unknown ? Exclude<keyof Event, "type"> : never;

/** A name for each member of each event; null for what is not written. A new member does not compile without a line. */
export const fieldNames: Readonly<Record<MemberOf<IdpEvent>, string | null>> = {
  at: "latchkey.at",
  tenantId: "latchkey.tenant.id",
  applicationId: "latchkey.application.id",
  userId: "user.id",
  refreshTokenId: "latchkey.sign_in.id",
  address: "client.address",
  // As the application wrote it, which may be "Ada's telephone".
  deviceName: null,
  registered: "latchkey.registered",
  reason: "latchkey.reason",
  until: "latchkey.until",
  isRight: "latchkey.password.right",
  // For tests of the timing; no scalar.
  rounds: null,
  running: "latchkey.hashing.running",
  waiting: "latchkey.hashing.waiting",
  generation: "latchkey.generation",
  from: "latchkey.generation.from",
  to: "latchkey.generation.to",
  presented: "latchkey.generation.presented",
  current: "latchkey.generation.current",
  familyRevoked: "latchkey.family_revoked",
  count: "latchkey.revoked",
  kid: "latchkey.signing_key.id",
  algorithm: "latchkey.signing_key.algorithm",
  since: "latchkey.signing_key.since",
  refreshTokens: "latchkey.swept",
  waited: "latchkey.waited_ms",
  receiver: "latchkey.delivery.receiver",
  eventId: "latchkey.delivery.event_id",
  eventType: "latchkey.delivery.event_type",
  attempts: "latchkey.delivery.attempts",
  failure: "latchkey.delivery.failure",
  pause: "latchkey.delivery.pause_ms",
  route: "http.route",
  method: "http.request.method",
  status: "http.response.status_code",
  milliseconds: "latchkey.duration_ms",
  name: "error.type",
  code: "latchkey.error.code",
  path: "url.path",
};

/** The event's full name, as logs and spans have it: "latchkey.idp.login-failed". */
export function eventName(type: IdpEvent["type"]): string {
  return `latchkey.idp.${type}`;
}

/** An event's members under their names. */
export function fieldsOf(event: IdpEvent, { addresses = true }: FieldOptions): Fields {
  const fields: Fields = { "event.name": eventName(event.type) };
  for (const [member, value] of Object.entries(event)) {
    const name = isNamed(member) && (addresses || member !== "address") ? fieldNames[member] : null;
    if (name !== null && isWritten(value)) fields[name] = member === "method" ? methodName(value) : value;
  }
  return fields;
}

const METHODS: ReadonlySet<unknown> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A method of HTTP; "_OTHER", as OpenTelemetry has it, for whatever else somebody has sent. */
export function methodName(method: unknown): string {
  return METHODS.has(method) ? String(method) : "_OTHER";
}

function isNamed(member: string): member is keyof typeof fieldNames {
  return Object.hasOwn(fieldNames, member);
}

function isWritten(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
