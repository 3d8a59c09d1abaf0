/** Lines of JSON, for whoever collects logs. */
import { hostname } from "node:os";
import * as idpLogs from "@latchkey/idp/pino";
import * as sessionLogs from "@latchkey/session/pino";
import { pino, stdTimeFunctions } from "pino";

/** Logs what the library tells, and the provider where it is embedded; what comes back stops it. */
export function startLogging(level: string, isEmbedded: boolean): (() => void)[] {
  const logger = pino({
    level,
    redact: sessionLogs.redactedPaths,
    base: { "service.name": "latchkey", "host.name": hostname(), "process.pid": process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return [sessionLogs.logEvents(logger), ...(isEmbedded ? [idpLogs.logEvents(logger)] : [])];
}
