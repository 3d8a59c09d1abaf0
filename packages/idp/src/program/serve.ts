// `latchkey-idp serve`: listens, and ends without cutting anybody off. The order of the end: not ready, still answering; then nobody
// new, what is under way is finished; then the store is closed. A second signal ends at once.

import { once } from "node:events";
import { type IncomingMessage, Server, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Http2Bindings, HttpBindings, ServerType } from "@hono/node-server";
import type { Idp } from "../index.ts";
import { environmentFrom, listeningFrom } from "./environment.ts";
import { BadVariableError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";
import { codeOf, type Variables } from "./variables.ts";

// A request head or body that takes longer is an attempt to hold the connection (slow loris, CWE-400). Node looks for those
// every connectionsCheckingInterval only, by default every 30 seconds.
const serverOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

// What is in flight when nobody new is let in gets this long; orchestrators kill after 10 s or more.
const FINISHING_MS = 8_000;

/** Serves until a signal ends it. Throws, with nothing left open, what stops the start. */
export async function serveUntilSignal(variables: Variables, { out }: Terminal): Promise<void> {
  const { hostname, port, drainSeconds } = listeningFrom(variables);
  const { config, database, remarks } = environmentFrom(variables);
  for (const remark of remarks) out(`latchkey-idp: ${remark}\n`);
  // Only now what takes time to load: a wrong variable is said at once.
  const { startTelemetry } = await import("./telemetry.ts");
  const { createIdp } = await import("../index.ts");
  const telemetry = await startTelemetry(variables);
  const end = async (): Promise<void> => {
    await idp?.close();
    await telemetry.close();
  };
  let idp: Idp | null = null;
  try {
    idp = await createIdp(config);
    const server = await listen(idp, hostname, port);
    endOnSignal(server, idp, drainSeconds, end);
    const metrics = telemetry.metrics === null ? "" : `, metrics ${telemetry.metrics}`;
    out(
      `latchkey-idp listens on ${urlOf(server)}, issuer ${config.issuer}, database ${database}${metrics}\n`,
    );
  } catch (error) {
    await end();
    throw error;
  }
}

async function listen(idp: Idp, hostname: string, port: number): Promise<ServerType> {
  const fetch = (request: Request, { incoming }: HttpBindings | Http2Bindings) =>
    idp.fetch(request, { address: incoming.socket.remoteAddress });
  const { serve } = await import("@hono/node-server");
  const server = serve({ fetch, hostname, port, serverOptions });
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    throw new BadVariableError(...listenFailure(codeOf(error), hostname, port));
  }
}

function listenFailure(code: string, hostname: string, port: number): [name: string, what: string] {
  if (code === "EADDRINUSE") return ["PORT", `${port} is in use on ${hostname}`];
  if (code === "EACCES") return ["PORT", `${port} may not be used by this user`];
  return ["HOST", `cannot listen on ${hostname} (${code})`];
}

function urlOf(server: ServerType): string {
  const address = server.address();
  if (address === null || typeof address === "string") return String(address);
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

function endOnSignal(server: ServerType, idp: Idp, drainSeconds: number, end: () => Promise<void>): void {
  const begin = (signal: NodeJS.Signals): void => {
    // A further signal of either kind ends the process the way signals do.
    for (const each of SIGNALS) process.off(each, begin);
    // Who presses a key at a terminal has no proxy to wait for.
    void drained(server, idp, signal === "SIGINT" ? 0 : drainSeconds).then(() => finish(server, end));
  };
  for (const signal of SIGNALS) process.on(signal, begin);
}

async function drained(server: ServerType, idp: Idp, seconds: number): Promise<void> {
  idp.drain();
  // Who keeps a connection is told to take a new one, which a proxy makes to another node. Before the handler, so that the header is
  // there when it writes the head.
  server.prependListener("request", (_: IncomingMessage, response: ServerResponse) => {
    response.setHeader("connection", "close");
  });
  await pause(seconds * 1_000);
}

function finish(server: ServerType, end: () => Promise<void>): void {
  if (server instanceof Server) {
    // A connection whose request came before the draining is not kept for another one after it.
    server.keepAliveTimeout = 1;
    setTimeout(() => server.closeAllConnections(), FINISHING_MS).unref();
  }
  server.close(() => void end());
}
