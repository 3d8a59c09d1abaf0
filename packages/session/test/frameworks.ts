/**
 * The same pages on Express, Fastify and Hono, each wired as its users wire it, listening on a free port of 127.0.0.1. A framework is
 * loaded when an application of it is built: loading all three is most of what a process under test would spend.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { ErrorRequestHandler } from "express";
import type { Sessions } from "../src/index.ts";
import type { Gate } from "./clock.ts";
import { type Asked, ownCookie, pages, sensitiveRoutes } from "./pages.ts";

/** The frameworks with an adapter. */
export type Framework = "Express" | "Fastify" | "Hono";

/** What an application needs: sessions that are known only once the port is, and the gate of its slow pages. */
export interface Wiring {
  readonly gate: () => Gate | null;
  /** A free one by default. */
  readonly port?: number;
}

/** Listens first, so that the origin can name the port; `mount` then puts the pages behind it. */
export interface Listener {
  readonly port: number;
  mount(sessions: Sessions): Promise<void>;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
type Built = { handler: Handler; close?: () => Promise<void> };

const chunks = ["first part, ", "second part"];
/** A header's value that no framework can send. */
const impossible = "one\ntwo";

/** Loads what an application on Fastify needs, for a process that is to be quick once it is asked to start. */
export const loadFastify = () =>
  Promise.all([import("fastify"), import("@fastify/formbody"), import("../src/fastify.ts")]);

const build: Record<Framework, (sessions: Sessions, wiring: Wiring) => Promise<Built>> = {
  async Express(sessions, { gate }) {
    const [{ default: express }, onExpress] = await Promise.all([
      import("express"),
      import("../src/express.ts"),
    ]);
    const app = express();
    app.use(express.urlencoded({ extended: false }), onExpress.latchkey(sessions), express.json());
    for (const [route, page] of Object.entries(pages)) {
      const [method, path] = split(route);
      app[method](path, async (request, response) => {
        const asked = { visitor: onExpress.visitor(request), fields: fieldsOf(request.body), gate: gate() };
        const { status, body, headers = {} } = await page(asked);
        response.status(status).set(headers).send(body);
      });
    }
    for (const [route, options] of sensitiveRoutes) {
      const [method, path] = split(route);
      app[method](path, onExpress.requireRecentSignIn("10m", options), (_request, response) => {
        response.send("sensitive");
      });
    }
    app.get("/stream", (_request, response) => {
      Readable.from(chunks).pipe(response);
    });
    app.get("/own-headers", (_request, response) => {
      response.writeHead(200, { "set-cookie": ownCookie, "cache-control": "public" });
      response.end("own headers");
    });
    app.get("/own-header-list", (_request, response) => {
      response.writeHead(200, "OK", ["Set-Cookie", ownCookie, "Cache-Control", "public"]);
      response.end("own headers");
    });
    app.get("/impossible-header", (_request, response) => {
      response.set("x-name", impossible).send("the page");
    });
    app.get("/send-then-throw", async (_request, response) => {
      response.send("the page");
      throw new Error("a mistake after the page");
    });
    app.get("/send-then-next", (_request, response, next) => {
      response.send("the page");
      next();
    });
    app.get("/send-then-write-head", (_request, response) => {
      response.send("the page");
      if (!response.headersSent) response.writeHead(503).end();
    });
    app.get("/send-then-flush", (_request, response) => {
      response.send("the page");
      response.flushHeaders();
    });
    app.get("/impossible-status", (_request, response) => {
      response.statusCode = 1_000;
      response.end("the page");
    });
    app.use(((_error, _request, response, next) => {
      if (response.headersSent) next(_error);
      else response.status(statusOf(_error)).send("the application's own error page");
    }) satisfies ErrorRequestHandler);
    return { handler: app };
  },

  async Fastify(sessions, { gate }) {
    const [{ default: fastify }, { default: formbody }, onFastify] = await loadFastify();
    const app = fastify();
    await app.register(formbody);
    await app.register(onFastify.latchkey(sessions));
    for (const [route, page] of Object.entries(pages)) {
      const [method, path] = split(route);
      app[method](path, async (request, reply) => {
        const asked = { visitor: onFastify.visitor(request), fields: fieldsOf(request.body), gate: gate() };
        const { status, body, headers = {} } = await page(asked);
        return reply.code(status).headers(headers).type("text/html").send(body);
      });
    }
    for (const [route, options] of sensitiveRoutes) {
      const [method, path] = split(route);
      const preHandler = onFastify.requireRecentSignIn("10m", options);
      app[method](path, { preHandler }, (_request, reply) => reply.send("sensitive"));
    }
    app.get("/stream", (_request, reply) => reply.send(Readable.from(chunks)));
    app.get("/broken-stream", (_request, reply) => {
      const stream = new Readable({ read() {} });
      stream.destroy(new Error("the disk is gone"));
      return reply.send(stream);
    });
    app.get("/own-headers", (_request, reply) =>
      reply.headers({ "set-cookie": ownCookie, "cache-control": "public" }).send("own headers"),
    );
    app.get("/own-header-list", (_request, reply) =>
      reply.header("Set-Cookie", [ownCookie]).header("Cache-Control", "public").send("own headers"),
    );
    app.get("/impossible-header", (_request, reply) => reply.header("x-name", impossible).send("the page"));
    app.setErrorHandler((error, _request, reply) =>
      reply.code(statusOf(error)).send("the application's own error page"),
    );
    await app.ready();
    return { handler: (request, response) => app.routing(request, response), close: async () => app.close() };
  },

  async Hono(sessions, { gate }) {
    const [{ Hono }, { getRequestListener }, onHono] = await Promise.all([
      import("hono"),
      import("@hono/node-server"),
      import("../src/hono.ts"),
    ]);
    const app = new Hono();
    app.use(onHono.latchkey(sessions));
    for (const [route, page] of Object.entries(pages)) {
      const [method, path] = split(route);
      app[method](path, async (context) => {
        const isJson = context.req.header("content-type")?.startsWith("application/json") === true;
        const fields = fieldsOf(
          isJson ? await context.req.json() : await context.req.parseBody({ all: true }),
        );
        const {
          status,
          body,
          headers = {},
        } = await page({ visitor: onHono.visitor(context), fields, gate: gate() });
        return new Response(body, { status, headers: { "content-type": "text/html", ...headers } });
      });
    }
    for (const [route, options] of sensitiveRoutes) {
      const [method, path] = split(route);
      app[method](path, onHono.requireRecentSignIn("10m", options), (context) => context.text("sensitive"));
    }
    app.get("/stream", () => new Response(new Blob(chunks).stream()));
    app.get("/own-headers", () => {
      return new Response("own headers", { headers: { "set-cookie": ownCookie, "cache-control": "public" } });
    });
    app.get("/impossible-header", () => new Response("the page", { headers: { "x-name": impossible } }));
    app.get("/own-header-list", (context) => {
      context.header("Set-Cookie", ownCookie);
      context.header("Cache-Control", "public");
      return context.text("own headers");
    });
    app.onError((error) => new Response("the application's own error page", { status: statusOf(error) }));
    const listener = getRequestListener(app.fetch);
    return { handler: (request, response) => void listener(request, response) };
  },
};

function split(route: string): ["get" | "post" | "put" | "delete", string] {
  const [method = "", path = ""] = route.split(" ");
  if (method === "GET") return ["get", path];
  if (method === "PUT") return ["put", path];
  return [method === "DELETE" ? "delete" : "post", path];
}

function fieldsOf(body: unknown): Asked["fields"] {
  return typeof body === "object" && body !== null ? { ...body } : {};
}

function statusOf(error: unknown): number {
  if (typeof error !== "object" || error === null) return 500;
  const status: unknown = Reflect.get(error, "statusCode") ?? Reflect.get(error, "status");
  return typeof status === "number" ? status : 500;
}

/** Listens for an application of that framework. */
export async function listen(framework: Framework, wiring: Wiring): Promise<Listener> {
  let built: Built | null = null;
  const server = createServer((request, response) => built?.handler(request, response));
  server.listen(wiring.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    async mount(sessions) {
      built = await build[framework](sessions, wiring);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await built?.close?.();
    },
  };
}
