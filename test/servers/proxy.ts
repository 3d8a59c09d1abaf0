// A TCP proxy on loopback that stands between a client and a server and spoils what passes, in ways a network, a firewall or a dying
// server would. Switched while it runs; connections that are open feel it too.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What becomes of bytes. `hang`: connections are accepted, nothing passes either way, and what waits passes when another fault is set
 * (late, in order). `silent`: the same of answers alone, requests arrive. `refuse`: nobody listens, open connections are reset.
 * `garbage`: random bytes instead of answers. `duplicate`: each chunk of an answer twice. Objects: milliseconds every chunk takes in
 * each direction; the number of bytes of answers (`from: "client"`: of requests) on one connection after which it is reset (`cutAfter`)
 * or ended in order (`truncateAfter`), counted from when the fault was set.
 */
export type Fault =
  | "pass"
  | "refuse"
  | "hang"
  | "silent"
  | "garbage"
  | "duplicate"
  | { readonly delay: number }
  | { readonly cutAfter: number; readonly from?: Side }
  | { readonly truncateAfter: number; readonly from?: Side };

/** Who sent the bytes. */
export type Side = "client" | "server";

/** A running proxy. */
export interface Proxy {
  readonly port: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Sets what happens from now on; resolves when it does. */
  set(fault: Fault): Promise<void>;
  /** The same address with this proxy's port instead of the server's. */
  through(url: string): string;
  close(): Promise<void>;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes that passed since the fault was set. */
  readonly passed: Record<Side, number>;
}

/** Starts a proxy to a port of 127.0.0.1; it passes everything on until it is told otherwise. */
export async function startProxy(target: number): Promise<Proxy> {
  const connections = new Set<Connection>();
  let fault: Fault = "pass";
  let changed = Promise.withResolvers<void>();
  let accepted = 0;

  const isHeld = (from: Side) => fault === "hang" || (fault === "silent" && from === "server");

  const forward = (connection: Connection, from: Side) => {
    const [source, sink] =
      from === "client" ? (["client", "server"] as const) : (["server", "client"] as const);
    let turn = Promise.resolve();
    const inTurn = (step: () => unknown) => {
      turn = turn.then(async () => {
        while (isHeld(from)) await changed.promise;
        if (typeof fault === "object" && "delay" in fault) await delay(fault.delay);
        if (!connection[sink].destroyed) step();
      });
    };
    connection[source].on("data", (chunk: Buffer) => inTurn(() => pass(connection, from, sink, chunk)));
    connection[source].on("end", () => inTurn(() => connection[sink].end()));
    // The other side learns of a reset when the bytes before it have passed.
    connection[source].on("error", () => inTurn(() => connection[sink].resetAndDestroy()));
  };

  const pass = (connection: Connection, from: Side, to: Side, chunk: Buffer) => {
    const sink = connection[to];
    const limit = limitOf(fault, from);
    const rest = limit === null ? chunk.length : Math.max(0, limit.bytes - connection.passed[from]);
    connection.passed[from] += chunk.length;
    if (fault === "garbage" && from === "server") sink.write(randomBytes(chunk.length));
    else sink.write(chunk.subarray(0, rest));
    if (fault === "duplicate" && from === "server") sink.write(chunk);
    if (limit === null || rest >= chunk.length) return;
    // What was written has to leave before the connection is broken off.
    if (limit.how === "truncate") sink.end();
    else sink.write("", () => reset(connection));
  };

  const accept = (client: Socket) => {
    accepted++;
    const server = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const connection = { client, server, passed: { client: 0, server: 0 } };
    connections.add(connection);
    forward(connection, "client");
    forward(connection, "server");
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("close", () => client.destroyed && server.destroyed && connections.delete(connection));
    }
  };

  let server = await listening(accept, 0);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stop = async () => {
    const closed = server.listening ? once(server, "close") : null;
    server.close();
    for (const connection of connections) reset(connection);
    await closed;
  };

  return {
    port,
    get accepted() {
      return accepted;
    },
    async set(next) {
      fault = next;
      for (const { passed } of connections) passed.client = passed.server = 0;
      changed.resolve();
      changed = Promise.withResolvers<void>();
      if (next === "refuse") await stop();
      else if (!server.listening) server = await listening(accept, port);
    },
    through: (url) => url.replace(`:${target}`, `:${port}`),
    async close() {
      fault = "refuse";
      changed.resolve();
      await stop();
    },
  };
}

async function listening(accept: (client: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function limitOf(fault: Fault, from: Side): { bytes: number; how: "cut" | "truncate" } | null {
  if (typeof fault !== "object" || "delay" in fault || (fault.from ?? "server") !== from) return null;
  return "cutAfter" in fault
    ? { bytes: fault.cutAfter, how: "cut" }
    : { bytes: fault.truncateAfter, how: "truncate" };
}

function reset({ client, server }: Connection): void {
  for (const socket of [client, server]) {
    if (socket.destroyed) continue;
    // A reset of a socket that is still connecting is an error nobody waits for.
    socket.on("error", () => undefined);
    socket.resetAndDestroy();
  }
}
