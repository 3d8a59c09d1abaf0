/** Listening, what to say when a port is taken, and how a server leaves without dropping what it has been given. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { EnvironmentError } from "./errors.ts";

/** What answers a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * What a node is doing. `draining`: it was told to stop and serves everybody as before, while its proxy learns of it.
 * `leaving`: whoever still asks it is sent to another node, where asking again does no harm.
 */
export interface Node {
  phase: "starting" | "ready" | "draining" | "leaving";
}

/** Where to listen, for whom, and the variable to name if that can't be. */
export interface Listening {
  readonly variable: string;
  readonly host?: string;
  readonly port: number;
  readonly handler: Handler;
  /** Given for what stands behind a proxy together with other nodes. */
  readonly node?: Node;
}

/** Listens until `open` is disposed of; throws EnvironmentError, naming the variable, if that can't be. */
export async function listen(listening: Listening, open: AsyncDisposableStack): Promise<void> {
  const { variable, host = "127.0.0.1", port, handler, node } = listening;
  const idle = new Set<Socket>();
  const server = createServer((request, response) => {
    idle.delete(request.socket);
    response.once("close", () => idle.add(request.socket));
    if (node !== undefined && sendsElsewhere(node, request, response)) return;
    void handler(request, response);
  });
  server.on("connection", (socket) => {
    idle.add(socket);
    socket.once("close", () => idle.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(failure(error, variable, port, host)));
    server.listen(port, host, resolve);
  });
  open.defer(() => stop(server, idle));
}

function failure(error: NodeJS.ErrnoException, variable: string, port: number, host: string): Error {
  if (error.code === "EADDRINUSE") return new EnvironmentError(variable, `port ${port} is in use`);
  if (error.code === "EACCES")
    return new EnvironmentError(variable, `port ${port} is not this user's to take`);
  if (error.code === "EADDRNOTAVAIL")
    return new EnvironmentError("HOST", `"${host}" is no address of this machine`);
  return error;
}

/**
 * What a node that is about to stop does with a request; `true` if it has answered. Connections end with their answer, so that none is
 * idle, and about to be used, when the node stops. Once it is `leaving`, a GET is answered 502: a proxy that passes 502 on (nginx's
 * `proxy_next_upstream … http_502`) asks another node and stops choosing this one, before a POST, which nobody may repeat, can
 * meet a socket that closes.
 */
function sendsElsewhere(
  { phase }: Node,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (phase !== "draining" && phase !== "leaving") return false;
  response.setHeader("connection", "close");
  const isRepeatable = method === "GET" || method === "HEAD";
  if (phase !== "leaving" || !isRepeatable || url?.startsWith("/api/")) return false;
  response.writeHead(502, { "cache-control": "no-store", "content-type": "text/plain; charset=utf-8" });
  response.end("This node is stopping; another one answers.\n");
  return true;
}

/** Milliseconds after which a connection without a request is cut: a browser's kept-alive one would hold the process open. */
const patienceWithIdle = 2_000;

/** The same with a request on it. Orchestrators kill after 10 s or more. */
const patienceWithActive = 8_000;

async function stop(server: Server, idle: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timers = [
    setTimeout(() => idle.forEach((socket) => socket.destroy()), patienceWithIdle).unref(),
    setTimeout(() => server.closeAllConnections(), patienceWithActive).unref(),
  ];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
