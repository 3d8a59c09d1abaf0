/**
 * What `npm start` tells of itself: lines of JSON where LOG_LEVEL asks for them, since a newcomer wants to read what is printed, and
 * metrics for Prometheus on a port of their own. It listens to the library, and to the provider where it is embedded.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import * as idpMetrics from "@latchkey/idp/prometheus";
import * as idpLogs from "@latchkey/idp/pino";
import * as sessionLogs from "@latchkey/session/pino";
import * as sessionMetrics from "@latchkey/session/prometheus";
import { pino, stdTimeFunctions } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
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
  const served = port === null ? null : await startMetrics(port, host, isEmbedded);
  const stops = startLogging(level, isEmbedded);
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

function startLogging(level: string, isEmbedded: boolean): (() => void)[] {
  // Nothing listens, so that nothing is put together either.
  if (level === "silent") return [];
  const logger = pino({
    level,
    redact: sessionLogs.redactedPaths,
    base: { "service.name": "latchkey", "host.name": hostname(), "process.pid": process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return [sessionLogs.logEvents(logger), ...(isEmbedded ? [idpLogs.logEvents(logger)] : [])];
}

async function startMetrics(
  port: number,
  host: string,
  isEmbedded: boolean,
): Promise<{ url: string; close(): Promise<void> }> {
  const register = new Registry();
  const server = createServer((request, response) => void answer(register, request, response));
  await listening(server, port, host);
  collectDefaultMetrics({ register });
  const stops = [
    sessionMetrics.countEvents(register),
    ...(isEmbedded ? [idpMetrics.countEvents(register)] : []),
  ];
  return {
    url: urlOf(server),
    async close() {
      for (const stop of stops) stop();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "EADDRINUSE")
      throw new EnvironmentError("METRICS_PORT", `port ${port} is in use`, { cause });
    if (code === "EACCES")
      throw new EnvironmentError("METRICS_PORT", `port ${port} is not this user's to take`, { cause });
    throw new EnvironmentError("METRICS_HOST", `"${host}" can't be listened on (${code})`, { cause });
  }
}

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") return String(address);
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}/metrics`;
}

async function answer(
  register: Registry,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (url?.split("?", 1)[0] !== "/metrics") return void response.writeHead(404).end();
  if (method !== "GET" && method !== "HEAD") return void response.writeHead(405, { allow: "GET" }).end();
  try {
    const text = await register.metrics();
    response.writeHead(200, { "content-type": register.contentType, "cache-control": "no-store" }).end(text);
  } catch {
    response.writeHead(500).end();
  }
}
