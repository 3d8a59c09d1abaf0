/** A server of the lab's own on this machine: where an attacker keeps keys, or what stands between application and provider. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Target } from "./target.ts";

/** A running server. */
export interface LocalServer {
  readonly origin: string;
  /** What was asked of it, "GET /path", oldest first. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** A request that arrived, its body read. */
export interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Listens on loopback and answers with what `answers` does. */
export async function localServer(
  answers: (asked: Asked, response: ServerResponse) => void,
): Promise<LocalServer> {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const line = `${incoming.method} ${incoming.url}`;
      asked.push(line);
      answers({ line, headers: incoming.headers, body: Buffer.concat(chunks) }, response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** What stands between an application and its provider, and can make the provider slow or absent. */
export interface ProviderLine extends LocalServer {
  /** How often a refresh token was exchanged, or was meant to be. */
  exchanges(): number;
  /** From now on answers to exchanges are kept back, until `release`. Resolves when the first is there. */
  hold(): { readonly reached: Promise<void>; release(): void };
  /** The provider counts as absent: everything is 503. */
  cut(isCut: boolean): void;
}

const exchange = /^POST \/(oauth2\/token|api\/jwt\/refresh)\b/;

/** A line to the target's provider. */
export async function providerLine(target: Target): Promise<ProviderLine> {
  let isCut = false;
  let held: Promise<void> = Promise.resolve();
  let reached = () => {};
  const server = await localServer((asked, response) => {
    if (isCut) return void response.writeHead(503).end();
    passOn(target.origins.idp, asked, async (answer) => {
      if (exchange.test(asked.line)) {
        reached();
        await held;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
  });
  return {
    ...server,
    exchanges: () => server.asked.filter((line) => exchange.test(line)).length,
    hold() {
      const release = Promise.withResolvers<void>();
      const first = Promise.withResolvers<void>();
      held = release.promise;
      reached = first.resolve;
      return { reached: first.promise, release: release.resolve };
    },
    cut(now) {
      isCut = now;
    },
  };
}

function passOn(
  origin: string,
  { line, headers, body }: Asked,
  answered: (answer: IncomingMessage) => Promise<void>,
): void {
  const [method = "GET", path = "/"] = line.split(" ");
  const { host, port } = new URL(origin);
  const { "transfer-encoding": _, ...others } = headers;
  const options = { host: "127.0.0.1", port, method, path, agent: false };
  const length = { "content-length": body.length };
  request({ ...options, headers: { ...others, host, ...length } }, (answer) => void answered(answer)).end(
    body,
  );
}
