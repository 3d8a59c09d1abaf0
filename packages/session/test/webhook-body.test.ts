// A webhook's body is read within a size and a time, and only where nothing else has read it.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import express from "express";
import { afterEach, describe, expect, test, vi } from "vitest";
import { latchkey } from "../src/express.ts";
import { createSessions, memoryStore } from "../src/index.ts";
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

describe("on Express", () => {
  const body = '{"event":{"type":"user.delete","createInstant":1,"user":{"id":"a"}}}';

  /** What a webhook gets behind these parsers; where the keys can't be had it is 503, so the signature was looked at. */
  async function answerBehind(
    ...parsers: express.RequestHandler[]
  ): Promise<{ status: number; body: string }> {
    const sessions = createSessions({
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
    const app = express();
    app.use(...parsers, latchkey(sessions));
    app.use(((error: Error, _request, response, _next) => {
      response.status(500).send(error.message);
    }) satisfies express.ErrorRequestHandler);
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const hash = createHash("sha256").update(body).digest("base64");
    const claims = Buffer.from(JSON.stringify({ request_body_sha256: hash })).toString("base64url");
    const headers = { "content-type": "application/json", "x-fusionauth-signature-jwt": `e30.${claims}.AA` };
    try {
      return await exchange(port, { method: "POST", path: webhookPath, headers, body });
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
