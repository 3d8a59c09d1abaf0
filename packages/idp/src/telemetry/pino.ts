// `@latchkey/idp/pino`: a line of log for each event. It says when and how loudly; what stands in a line is fields.ts's, and the
// sentences are lines.ts's business.

import type { Logger } from "pino";
import { type FieldOptions, fieldsOf } from "./fields.ts";
import { levelOf, lines } from "./lines.ts";
import { listen } from "./listening.ts";

/** What of a pino logger is used. */
export type EventLogger = Pick<Logger, "debug" | "info" | "warn" | "error" | "isLevelEnabled">;

const secretHeaders = ["authorization", "cookie", "set-cookie", "x-csrf-token", "x-fusionauth-signature-jwt"];

const secretMembers = [
  "password",
  "currentPassword",
  "newPassword",
  "token",
  "access_token",
  "accessToken",
  "refresh_token",
  "refreshToken",
  "id_token",
  "client_secret",
  "clientSecret",
  "apiKey",
  "form-token",
];

/**
 * Where secrets stand in what programs log of themselves, for pino's option `redact`: by themselves, in headers, and in bodies.
 * No event holds any of them (ASVS 16.2.5). Without wildcards, which would make every line twenty times as dear.
 */
export const redactedPaths: string[] = [
  ...["", "headers", "req.headers", "res.headers", "request.headers", "response.headers"].flatMap((place) =>
    secretHeaders.map((name) => `${place}["${name}"]`),
  ),
  ...["", "body", "req.body", "request.body"].flatMap((place) =>
    secretMembers.map((name) => `${place}["${name}"]`),
  ),
];

/**
 * Writes a line for each event of every provider in this process; what comes back stops it. A logger that throws costs a
 * warning of the process, never a request. Lines hold ids and, unless `addresses` is false, client addresses: personal data.
 *
 * @example
 * const logger = pino({ redact: redactedPaths });
 * const stop = logEvents(logger);
 */
export function logEvents(logger: EventLogger, options: FieldOptions = {}): () => void {
  return listen((event) => {
    const level = levelOf(event);
    if (logger.isLevelEnabled(level)) logger[level](fieldsOf(event, options), lines[event.type][1]);
  });
}
