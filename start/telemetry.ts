/**
 * What `npm start` tells of itself: lines of JSON where LOG_LEVEL asks for them, since a newcomer wants to read what is printed, and
 * metrics for Prometheus on a port of their own. What is not asked for is not loaded: it would be a tenth of the start.
 */
import { EnvironmentError } from "./errors.ts";
import type { Variables } from "./secret-variables.ts";

/** What was started. */
export interface Telemetry {
  /** Where the metrics are; `null` where METRICS_PORT is not set. */
  readonly metrics: string | null;
  /** Listens no more, to events and to HTTP. */
  close(): Promise<void>;
}

const levels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/**
 * Starts what LOG_LEVEL (default silent), METRICS_PORT (default none) and METRICS_HOST (default 127.0.0.1) ask for. Call it before
 * the parts are built: the provider tells of its signing key. Throws EnvironmentError for a value that can't be used.
 */
export async function startTelemetry(variables: Variables): Promise<Telemetry> {
  const level = levelFrom(variables["LOG_LEVEL"] || "silent");
  const port = portFrom(variables["METRICS_PORT"]);
  const isEmbedded = !variables["IDP_URL"];
  const host = variables["METRICS_HOST"] || "127.0.0.1";
  const served =
    port === null ? null : await (await import("./metrics.ts")).startMetrics(port, host, isEmbedded);
  // Where nothing listens, nothing is put together either.
  const stops = level === "silent" ? [] : (await import("./logs.ts")).startLogging(level, isEmbedded);
  return {
    metrics: served?.url ?? null,
    async close() {
      for (const stop of stops) stop();
      await served?.close();
    },
  };
}

function levelFrom(level: string): string {
  if (levels.includes(level)) return level;
  throw new EnvironmentError("LOG_LEVEL", `"${level}" is none of ${levels.join(", ")}`);
}

function portFrom(text: string | undefined): number | null {
  if (!text) return null;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new EnvironmentError("METRICS_PORT", `"${text}" is not a port (0 to 65535)`);
}
