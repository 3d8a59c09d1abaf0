// A webhook's body is read within a size and a time, and only where nothing else has read it.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import express from "express";
import { Hono } from "hono";
import { afterEach, describe, expect, test, vi } from "vitest";
import { latchkey } from "../src/express.ts";
import { latchkey as latchkeyOnHono } from "../src/hono.ts";
import { createSessions, memoryStore, type Sessions } from "../src/index.ts";
import { readWebhookBody } from "../src/webhook-body.ts";
import { exchange } from "./http.ts";
import { cookieKey } from "./records.ts";
import { webhookPath } from "./webhooks.ts";

afterEach(() => {
  vi.useRealTimers();
});

async function* parts(...lengths: number[]): AsyncGenerator<Uint8Array> {
  for (const length of lengths) yield Buffer.alloc(length, "a");
}

describe("a body", () => {
  test("is put together from its parts, none included", async () => {
    expect(await readWebhookBody(parts())).toEqual(Buffer.alloc(0));
    expect(await readWebhookBody(parts(3, 0, 4))).toEqual(Buffer.alloc(7, "a"));
  });

  test("is too large as soon as it is, and no more of it is read", async () => {
    let read = 0;
    const endless = async function* () {
      for (;;) {
        read++;
        yield Buffer.alloc(10_000);
      }
    };
    expect(await readWebhookBody(endless())).toBe("too-large");
    expect(read).toBe(7);
  });

  test("that comes too slowly is given up after ten seconds", async () => {
    vi.useFakeTimers();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const reading = readWebhookBody(never);
    const tooEarly = vi.fn();
    void reading.then(tooEarly);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(tooEarly).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await reading).toBe("incomplete");
  });

  test("whose connection breaks is incomplete", async () => {
    const broken = async function* () {
      yield Buffer.alloc(1);
      throw new Error("aborted");
    };
    expect(await readWebhookBody(broken())).toBe("incomplete");
  });
});

const body = '{"event":{"type":"user.delete","createInstant":1,"user":{"id":"a"}}}';

/** What a webhook needs for its signature to be looked at. */
function signed(): Record<string, string> {
  const hash = createHash("sha256").update(body).digest("base64");
  const claims = Buffer.from(JSON.stringify({ request_body_sha256: hash })).toString("base64url");
  return { "content-type": "application/json", "x-fusionauth-signature-jwt": `e30.${claims}.AA` };
}

/** Sessions whose provider can't be reached: a webhook that is looked at gets 503. */
function receiver(): Sessions {
  return createSessions({
    application: "store",
    origin: "http://127.0.0.1",
    identityProvider: {
      url: "http://127.0.0.1:1",
      applicationId: "an id",
      apiKey: "a key",
      clientSecret: "a secret",
      fetch: () => Promise.reject(new Error("nobody is there")),
    },
    cookieKeys: [cookieKey("2026a")],
    publicPaths: [],
    webhookPath,
    store: memoryStore(),
  });
}

describe("on Express", () => {
  /** What a webhook gets behind these parsers. */
  async function answerBehind(
    ...parsers: express.RequestHandler[]
  ): Promise<{ status: number; body: string }> {
    const sessions = receiver();
    const app = express();
    app.use(...parsers, latchkey(sessions));
    app.use(((error: Error, _request, response, _next) => {
      response.status(500).send(error.message);
    }) satisfies express.ErrorRequestHandler);
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      return await exchange(port, { method: "POST", path: webhookPath, headers: signed(), body });
    } finally {
      server.closeAllConnections();
      server.close();
      await sessions.close();
    }
  }

  test("is read behind a parser of forms, and behind one of raw bodies", async () => {
    expect((await answerBehind(express.urlencoded({ extended: false }))).status).toBe(503);
    expect((await answerBehind(express.raw({ type: "application/json" }))).status).toBe(503);
  });

  test("that a parser of JSON has read is a mistake in the wiring, and the message names the order", async () => {
    const answer = await answerBehind(express.json());
    expect(answer).toMatchObject({ status: 500 });
    expect(answer.body).toContain("put express.json() and its like after it");
  });
});

describe("on Hono", () => {
  test("is read unless a middleware before the library's has read it", async () => {
    const sessions = receiver();
    const request = () =>
      new Request(`http://127.0.0.1${webhookPath}`, { method: "POST", headers: signed(), body });
    const good = new Hono().use(latchkeyOnHono(sessions));
    expect((await good.fetch(request())).status).toBe(503);

    const errors: string[] = [];
    const wrong = new Hono().use(async (context, next) => {
      await context.req.json();
      await next();
    });
    wrong.use(latchkeyOnHono(sessions));
    wrong.onError((error) => {
      errors.push(error.name);
      return new Response(null, { status: 500 });
    });
    expect((await wrong.fetch(request())).status).toBe(500);
    expect(errors).toEqual(["WebhookBodyConsumedError"]);
    await sessions.close();
  });
});
