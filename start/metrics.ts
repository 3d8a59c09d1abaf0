/** Metrics for Prometheus, on a port of their own. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import * as idpMetrics from "@latchkey/idp/prometheus";
import * as sessionMetrics from "@latchkey/session/prometheus";
import { collectDefaultMetrics, Registry } from "prom-client";
import { EnvironmentError } from "./errors.ts";

/**
 * Serves what the library counts, and the provider where it is embedded; throws EnvironmentError where the port or the host can't be
 * listened on.
 */
export async function startMetrics(
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
