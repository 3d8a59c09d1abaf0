// The outbox of `npm start`: what a developer reads there, and that nobody else can.
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOutbox, type Outbox, type SentMail } from "../start/outbox.ts";
import { freePorts } from "./free-ports.ts";

let outbox: Outbox;
let server: Server;
let port: number;
let now = Date.UTC(2026, 0, 2, 3, 4, 5);

beforeAll(async () => {
  [port = 0] = await freePorts(1);
  outbox = createOutbox(port, () => now);
  server = createServer(outbox.answer);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
});
afterAll(() => {
  server.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** fetch would set the Host header itself. */
async function get(path: string, host = `outbox.localhost:${port}`, method = "GET"): Promise<Answer> {
  const asked = Promise.withResolvers<IncomingMessage>();
  const sent = request({ port, host: "127.0.0.1", path, method, headers: { host } }, asked.resolve);
  sent.on("error", asked.reject).end();
  const answer = await asked.promise;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

const messages = async (): Promise<SentMail[]> => JSON.parse((await get("/messages.json")).body);

function message(subject: string, body = "Somebody signed in.") {
  return outbox.send({ to: "ada@example.com", from: "accounts@example.com", subject, text: body });
}

describe("the outbox", () => {
  test("is empty at first, and says so", async () => {
    expect((await get("/")).body).toContain("Nothing has been sent yet.");
    expect(await messages()).toEqual([]);
  });

  test("shows what was sent, newest first, as a page and as JSON", async () => {
    await message("First");
    now += 1000;
    await message("Second");
    expect(await messages()).toEqual([
      {
        at: "2026-01-02T03:04:06.000Z",
        to: "ada@example.com",
        subject: "Second",
        text: "Somebody signed in.",
      },
      {
        at: "2026-01-02T03:04:05.000Z",
        to: "ada@example.com",
        subject: "First",
        text: "Somebody signed in.",
      },
    ]);
    const { body } = await get("/");
    expect(body.indexOf("Second")).toBeLessThan(body.indexOf("First"));
    expect(body).toContain("2026-01-02 03:04:06 UTC");
  });

  test("prints a message as text, and has no script (CWE-79)", async () => {
    await message(`<script>alert(1)</script>`, `</p><img src=x onerror="alert(1)">`);
    const { body, headers } = await get("/");
    expect(body).not.toMatch(/<script|<img/);
    expect(body).toContain("&lt;/p&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none';/);
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("keeps the last hundred", async () => {
    for (let count = 0; count < 150; count++) await message(`Number ${count}`);
    const kept = await messages();
    expect([kept.length, kept[0]?.subject, kept[99]?.subject]).toEqual([100, "Number 149", "Number 50"]);
  });

  test.each(["evil.example", "evil.example:80", "outbox.localhost", "outbox.localhost.evil.example"])(
    "answers no request for the host %s: a name can be pointed at this machine by anybody",
    async (host) => {
      const answer = await get("/messages.json", host);
      expect([answer.status, answer.body]).toEqual([421, ""]);
    },
  );

  test("takes nothing, and has no other pages", async () => {
    expect((await get("/", undefined, "POST")).status).toBe(405);
    for (const path of ["/messages", "/../package.json", "/%zz", "//evil.example"])
      expect((await get(path)).status).toBe(404);
  });
});
