// One kept connection and one request at a time on it, as raw text: the generator shares its core with Redis and Postgres, and node:http's
// client costs more than many of the servers that are measured. It reads what node:http writes: Content-Length or chunks, ASCII.
import { createConnection, type Socket } from "node:net";

/** An answer. */
export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: string;
}

/** A connection that is kept. */
export interface Connection {
  /** Sends a request, as `written` writes it, and waits for the whole answer; rejects where there is none. */
  ask(request: string): Promise<Answer>;
  close(): void;
}

/** Connects to a port of this machine. */
export function connect(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => resolve(kept(socket)));
    socket.setNoDelay(true);
    socket.once("error", reject);
  });
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

function kept(socket: Socket): Connection {
  let waiting: Waiting | null = null;
  let received = "";
  const fail = (error: Error) => {
    waiting?.reject(error);
    waiting = null;
  };
  socket.setEncoding("latin1");
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("The server closed the connection")));
  socket.on("data", (text: string) => {
    received += text;
    const answer = whole(received);
    if (answer === null) return;
    received = "";
    const asked = waiting;
    waiting = null;
    asked?.resolve(answer);
  });
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error("The connection is closed"));
        waiting = { resolve, reject };
        socket.write(request, "latin1");
      }),
    close: () => void socket.destroy(),
  };
}

/** The answer, once all of it is there. */
function whole(text: string): Answer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? null : { status, head, body: rest };
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, head, body: "" };
  const body = joined(rest);
  return body === null ? null : { status, head, body };
}

/** The chunks put together (RFC 9112 §7.1); `null` until the last is there. */
function joined(text: string): string | null {
  let body = "";
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n", at);
    if (end === -1) return null;
    const size = Number.parseInt(text.slice(at, end), 16);
    const from = end + 2;
    if (text.length < from + size + 2) return null;
    if (size === 0) return body;
    body += text.slice(from, from + size);
    at = from + size + 2;
  }
}

/** A request as text. */
export function written(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body = "",
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === "GET" ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}${length}\r\n${body}`;
}

/** All values of a header. */
export function valuesOf({ head }: Answer, name: string): string[] {
  return Array.from(head.matchAll(new RegExp(`\\r\\n${name}: *([^\\r]*)`, "gi")), ([, value = ""]) => value);
}
