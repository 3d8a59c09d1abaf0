// What the program tells of itself while it serves: lines of JSON on stdout, and metrics for Prometheus on a port of their own, so that
// they are not on the one that browsers reach. It decides nothing of what is told: telemetry/ does.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { pino, stdTimeFunctions } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";
import { logEvents, redactedPaths } from "../telemetry/pino.ts";
import { countEvents } from "../telemetry/prometheus.ts";
import { BadVariableError } from "./errors.ts";
import { codeOf, plain, type Variables } from "./variables.ts";

/** What was started. */
export interface Telemetry {
  /** Where the metrics are; null where METRICS_PORT is not set. */
  readonly metrics: string | null;
  /** Listens no more, to events and to HTTP. */
  close(): Promise<void>;
}

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/**
 * Starts what LOG_LEVEL (default info), METRICS_PORT (default none) and METRICS_HOST (default 127.0.0.1) ask for. Throws
 * BadVariableError, with nothing left open, for a value that can't be used.
 */
export async function startTelemetry(variables: Variables): Promise<Telemetry> {
  const level = levelFrom(plain(variables, "LOG_LEVEL") ?? "info");
  const port = portFrom(plain(variables, "METRICS_PORT"));
  const host = plain(variables, "METRICS_HOST") ?? "127.0.0.1";
  const server = port === null ? null : await startMetrics(port, host);
  const stopLogging = startLogging(level);
  return {
    metrics: server?.url ?? null,
    async close() {
      stopLogging();
      await server?.close();
    },
  };
}

function levelFrom(level: string): string {
  if (LEVELS.includes(level)) return level;
  throw new BadVariableError("LOG_LEVEL", `must be one of ${LEVELS.join(", ")}`);
}

function portFrom(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new BadVariableError("METRICS_PORT", "must be a port, 0 to 65535");
}

function startLogging(level: string): () => void {
  // Nothing listens, so that nothing is put together either.
  if (level === "silent") return () => undefined;
  const logger = pino({
    level,
    redact: redactedPaths,
    base: { "service.name": "latchkey-idp", "host.name": hostname(), "process.pid": process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
  return logEvents(logger);
}

async function startMetrics(port: number, host: string): Promise<{ url: string; close(): Promise<void> }> {
  const register = new Registry();
  const server = createServer((request, response) => void answer(register, request, response));
  await listening(server, port, host);
  collectDefaultMetrics({ register });
  const stopCounting = countEvents(register);
  return {
    url: urlOf(server),
    async close() {
      stopCounting();
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
  } catch (error) {
    const code = codeOf(error);
    if (code === "EADDRINUSE") throw new BadVariableError("METRICS_PORT", `${port} is in use on ${host}`);
    if (code === "EACCES") throw new BadVariableError("METRICS_PORT", `${port} may not be used by this user`);
    throw new BadVariableError("METRICS_HOST", `cannot listen on ${host} (${code})`);
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
