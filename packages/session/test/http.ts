/** HTTP as a browser or an attacker writes it: the path byte for byte, no redirect followed, no cookie kept. */
import { Agent, request as send } from "node:http";
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";

/** A request. `path` is sent as it is. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** The loopback address it comes from, 127.0.0.0/8; 127.0.0.1 by default. */
  readonly from?: string;
}

/** A response, whole. */
export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly setCookies: readonly string[];
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Sends a request to a listener on 127.0.0.1. */
export function exchange(
  port: number,
  { method, path, headers = {}, body, from }: Outgoing,
): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const address = from === undefined ? {} : { localAddress: from };
    const all = { ...length, ...headers };
    const options = { host: "127.0.0.1", port, method, path, agent, headers: all, ...address };
    const outgoing = send(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          setCookies: response.headers["set-cookie"] ?? [],
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The values these responses set for a cookie, in order. */
export function cookiesSet(responses: readonly Incoming[], name: string): string[] {
  const cookies = responses.flatMap(({ setCookies }) => setCookies.map(parseSetCookie));
  return cookies.filter((cookie) => cookie.name === name).map(({ value }) => value);
}
