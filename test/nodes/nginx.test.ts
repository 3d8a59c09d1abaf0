// docs/nginx.conf, line by line: what reaches a node, which node, and what never does. The nodes are stand-ins that tell what they got.
import { mkdtempSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request as plainRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import { request, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePorts } from "../free-ports.ts";
import { type NginxServer, startNginx } from "../servers/nginx.ts";
import { type Certificate, makeCertificate } from "./certificate.ts";
import { nginxConfiguration, untilAskedAgain } from "./nginx-configuration.ts";

/** A request that reached a node, as far as its headers; the body comes later. */
interface Reached {
  readonly node: number;
  readonly request: IncomingMessage;
}

const folder = mkdtempSync(join(tmpdir(), "latchkey-nginx-test-"));
const servers: Server[] = [];
let certificate: Certificate;
let nginx: NginxServer;
let ports: { redirected: number; tls: number };

let reached: Reached[] = [];
/** What the nodes do; each test may say otherwise. */
let answer: (node: number, request: IncomingMessage, response: ServerResponse) => void;
const well: typeof answer = (_, { headers }, response) => void response.end(JSON.stringify(headers));

beforeAll(async () => {
  certificate = makeCertificate(folder);
  for (let node = 0; node < 5; node++) {
    const server = createServer((incoming, response) => {
      reached.push({ node, request: incoming });
      answer(node, incoming, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
  }
  const [redirected = 0, tls = 0] = await freePorts(2);
  ports = { redirected, tls };
  const nodes = servers.map((server) => ({ port: (server.address() as AddressInfo).port }));
  const own = { store: nodes.slice(0, 3), provider: nodes.slice(3), certificate, log: join(folder, "log") };
  nginx = await startNginx(nginxConfiguration({ ...ports, ...own }), tls);
});
afterAll(async () => {
  await nginx.remove();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  answer = well;
  // What a test before broke is asked again by now.
  await expect.poll(() => nodesAsked("/"), { timeout: 2 * untilAskedAgain, interval: 100 }).toBe(3);
  await expect
    .poll(() => nodesAsked("/", "127.0.0.1"), { timeout: 2 * untilAskedAgain, interval: 100 })
    .toBe(2);
  reached = [];
});

/** How many nodes answer six requests. */
async function nodesAsked(path: string, host = "localhost"): Promise<number> {
  reached = [];
  for (let count = 0; count < 6; count++) await send("GET", path, { host });
  return new Set(reached.map(({ node }) => node)).size;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<Answer> {
  const servername = headers["host"] === "127.0.0.1" ? "" : (headers["host"] ?? "localhost");
  const to = { host: "127.0.0.1", port: ports.tls, servername, ca: certificate.pem, agent: false } as const;
  return exchanged({ ...to, method, path, headers: { host: "localhost", ...headers } }, body, request);
}

function exchanged(
  options: RequestOptions,
  body: string,
  by: typeof request | typeof plainRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = by({ ...options, checkServerIdentity: () => undefined }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    outgoing.on("error", reject).end(body);
  });
}

describe("what a node gets to know", () => {
  test("is the address that nginx saw; whatever a stranger wrote about himself ends here", async () => {
    const { body } = await send("GET", "/", {
      "x-forwarded-for": "198.51.100.66, 127.0.0.1",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      "x-forwarded-port": "80",
      "x-real-ip": "198.51.100.66",
      forwarded: "for=198.51.100.66;host=evil.example",
      connection: "upgrade",
      upgrade: "websocket",
    });
    const headers = JSON.parse(body) as Record<string, string>;
    expect(headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "https",
      host: "localhost",
    });
    for (const name of ["x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded", "upgrade"])
      expect(headers).not.toHaveProperty(name);
  });

  test("are three cookies of 4,096 bytes, and it may set as many", async () => {
    const cookies = [1, 2, 3].map((number) => `__Host-c${number}=${"x".repeat(4_000)}`);
    const setCookies = cookies.map((cookie) => `${cookie}; Path=/; HttpOnly; SameSite=Lax; Secure`);
    answer = (_, { headers }, response) => {
      response.setHeader("set-cookie", setCookies).setHeader("cache-control", "no-store");
      response.end(headers.cookie);
    };
    const { status, headers, body } = await send("GET", "/", { cookie: cookies.join("; ") });
    expect(status).toBe(200);
    expect(body === cookies.join("; ")).toBe(true);
    expect(headers["set-cookie"]).toEqual(setCookies);
  });

  test("is that a form began, while its body is still on the way", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answer = (_, incoming, response) => {
      resolve();
      incoming.resume().on("end", () => response.end("whole"));
    };
    const options = {
      host: "127.0.0.1",
      port: ports.tls,
      servername: "localhost",
      ca: certificate.pem,
      agent: false,
    } as const;
    const headers = { host: "localhost", "content-length": "4" };
    const got = Promise.withResolvers<number | undefined>();
    const outgoing = request({ ...options, method: "POST", path: "/login", headers }, (response) => {
      got.resolve(response.resume().statusCode);
    });
    outgoing.write("a=");
    await promise;
    outgoing.end("bc");
    expect(await got.promise).toBe(200);
  });

  test("is no body of more than 64 kB", async () => {
    expect((await send("POST", "/login", {}, "x".repeat(65 * 1024))).status).toBe(413);
    expect(reached).toEqual([]);
  });
});

describe("what does not get through", () => {
  test("is plain http: it is sent to https", async () => {
    const options = {
      host: "127.0.0.1",
      port: ports.redirected,
      headers: { host: "localhost" },
      agent: false,
    } as const;
    const { status, headers } = await exchanged({ ...options, path: "/login?x=1" }, "", plainRequest);
    expect([status, headers.location]).toEqual([301, "https://localhost/login?x=1"]);
    expect(reached).toEqual([]);
  });

  test("is a name that is none of ours: it gets no answer", async () => {
    await expect(send("GET", "/", { host: "evil.example" })).rejects.toThrow("socket hang up");
    expect(reached).toEqual([]);
  });

  test("is a question after a node's health", async () => {
    for (const path of ["/api/health", "/api/status", "/api/"])
      expect((await send("GET", path)).status).toBe(404);
    expect(reached).toEqual([]);
  });
});

/** Cuts the connection when the whole request has arrived; the first node that is asked alone. */
function cutsOnce(): typeof answer {
  let isCut = false;
  return (node, incoming, response) => {
    if (isCut) return well(node, incoming, response);
    isCut = true;
    incoming.resume().on("end", () => incoming.socket.destroy());
  };
}

describe("where a node fails", () => {
  test.each([
    ["GET", "/shopping-cart", "localhost", 200, 2],
    ["POST", "/login", "localhost", 502, 1],
    ["POST", "/api/login", "127.0.0.1", 502, 1],
    ["DELETE", "/api/jwt/refresh/x", "127.0.0.1", 200, 2],
    ["POST", "/oauth2/token", "127.0.0.1", 200, 2],
  ])(
    "without an answer, %s %s is sent again only if it may be",
    async (method, path, host, status, times) => {
      answer = cutsOnce();
      expect((await send(method, path, { host }, method === "POST" ? "a=b" : "")).status).toBe(status);
      expect(reached.length).toBe(times);
      expect(new Set(reached.map(({ node }) => node)).size).toBe(times);
    },
  );

  test("that stops, and says so with 502, another one answers, and it is left alone", async () => {
    answer = (node, incoming, response) =>
      node === 0 ? void response.writeHead(502).end() : well(node, incoming, response);
    const statuses = [];
    for (let count = 0; count < 9; count++) statuses.push((await send("GET", "/")).status);
    expect(statuses).toEqual(statuses.map(() => 200));
    expect(reached.filter(({ node }) => node === 0)).toHaveLength(1);
    expect((await send("POST", "/login", {}, "a=b")).status).toBe(200);
  });

  test("because the store is down, its 503 is the answer: the others would say the same", async () => {
    answer = (_, __, response) => void response.writeHead(503, { "retry-after": "5" }).end();
    const { status, headers } = await send("GET", "/shopping-cart");
    expect([status, headers["retry-after"], reached.length]).toEqual([503, "5", 1]);
    answer = well;
    expect(await nodesAsked("/")).toBe(3);
  });

  test("because nobody listens, any request goes to another: nothing had been sent", async () => {
    const [server = createServer()] = servers;
    const { port } = server.address() as AddressInfo;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    try {
      for (let count = 0; count < 6; count++)
        expect((await send("POST", "/login", {}, "a=b")).status).toBe(200);
      expect(reached.map(({ node }) => node)).not.toContain(0);
      expect(reached.length).toBe(6);
    } finally {
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    }
  });
});
