// Bodies as they come in over a connection: of a length that is declared, in chunks, too long, broken off, compressed.
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "@hono/node-server";
import { FORUM_APP, type TestIdp, startIdp } from "./idp.ts";

const LIMIT = 64 * 1024;
const type = "Content-Type: application/json";
let idp: TestIdp;
let server: ReturnType<typeof serve>;
beforeEach(async () => {
  idp = await startIdp();
  server = serve({ fetch: (request) => idp.idp.fetch(request), hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
});
afterEach(() => new Promise((closed) => server.close(closed)));

/** The answer to this request, as much as comes until the connection ends. */
async function ask(path: string, headers: readonly string[], body: string, end = false): Promise<string> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const socket = connect(address.port, "127.0.0.1").setEncoding("utf8");
  const head = [`POST ${path} HTTP/1.1`, "Host: idp.test", "Connection: close", ...headers, "", ""];
  socket.write(head.join("\r\n") + body);
  if (end) socket.end();
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

function jsonOf(bytes: number): string {
  const empty = '{"refreshToken":"x","padding":""}';
  return empty.replace('""', `"${"a".repeat(bytes - empty.length)}"`);
}

const length = (bytes: number): string => `Content-Length: ${bytes}`;
const chunks = (text: string, each: number): string => {
  const parts: string[] = text.match(new RegExp(`[^]{1,${each}}`, "g")) ?? [];
  return [...parts, ""].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("");
};
const CHUNKED = "Transfer-Encoding: chunked";
const invalid = /^HTTP\/1\.1 400 .*\[invalid\]refreshToken/s;

test("a body of 64 KiB is read, declared or in chunks; one byte more is refused", async () => {
  const [fits, more] = [jsonOf(LIMIT), jsonOf(LIMIT + 1)];
  const path = "/api/jwt/refresh";
  expect(await ask(path, [type, length(LIMIT)], fits)).toMatch(invalid);
  expect(await ask(path, [type, CHUNKED], chunks(fits, 1_000))).toMatch(invalid);
  expect(await ask(path, [type, length(LIMIT + 1)], more)).toMatch(/^HTTP\/1\.1 413 /);
  expect(await ask(path, [type, CHUNKED], chunks(more, 1_000))).toMatch(/^HTTP\/1\.1 413 /);
});

test("no body, and one of length 0, are an empty one", async () => {
  const blank = /^HTTP\/1\.1 400 .*\[blank\]refreshToken/s;
  expect(await ask("/api/jwt/refresh", [length(0)], "")).toMatch(blank);
  expect(await ask("/api/jwt/refresh", [], "")).toMatch(blank);
  expect(await ask("/api/jwt/refresh", [CHUNKED], chunks("", 1))).toMatch(blank);
});

test("a form is read either way", async () => {
  const form = `grant_type=refresh_token&client_id=${FORUM_APP}&refresh_token=x`;
  const headers = ["Content-Type: application/x-www-form-urlencoded"];
  const refused = /^HTTP\/1\.1 401 .*client_authentication_missing/s;
  expect(await ask("/oauth2/token", [...headers, length(form.length)], form)).toMatch(refused);
  expect(await ask("/oauth2/token", [...headers, CHUNKED], chunks(form, 7))).toMatch(refused);
});

test("what is no UTF-8, or compressed, is refused either way", async () => {
  const gzip = "Content-Encoding: gzip";
  for (const [headers, body] of [
    [[length(2)], "{}"],
    [[CHUNKED], chunks("{}", 1)],
  ] as const) {
    expect(await ask("/api/jwt/refresh", [type, gzip, ...headers], body)).toMatch(/^HTTP\/1\.1 415 /);
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  const url = `http://127.0.0.1:${address.port}/api/jwt/refresh`;
  const headers = { "content-type": "application/json" };
  const body = Buffer.of(0x22, 0xff, 0x22);
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(400);
});

test("a body that breaks off, and one with two lengths, store nothing and end nobody else's requests", async () => {
  const path = "/api/jwt/refresh";
  expect(await ask(path, [type, length(100)], "{", true)).not.toMatch(/^HTTP\/1\.1 200/);
  expect(await ask(path, [type, length(2), CHUNKED], chunks("{}", 1))).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask(path, [type, length(2), length(3)], "{}")).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask(path, [type, length(2)], "{}")).toMatch(/^HTTP\/1\.1 400 .*\[blank\]refreshToken/s);
});

test("a request that is not what it declares is bounded all the same", async () => {
  const headers = { "content-type": "application/json", "content-length": "2" };
  const request = new Request("http://idp.test/api/jwt/refresh", {
    method: "POST",
    headers,
    body: jsonOf(LIMIT + 1),
  });
  expect((await idp.idp.fetch(request)).status).toBe(413);
});
