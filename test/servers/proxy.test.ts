// The proxy spoils what it is told to spoil and nothing else: otherwise the tests that use it prove nothing.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Proxy, startProxy } from "./proxy.ts";

let echo: Server;
let proxy: Proxy;
const open: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => void socket.on("error", () => undefined).pipe(socket)).listen(
    0,
    "127.0.0.1",
  );
  await once(echo, "listening");
  const address = echo.address();
  proxy = await startProxy(typeof address === "object" && address !== null ? address.port : 0);
});

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
});

interface Client {
  readonly socket: Socket;
  /** All that came back, as text. */
  readonly got: () => string;
  /** "end", or the code of the error it broke off with. */
  readonly over: Promise<string>;
}

async function client(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  open.push(socket);
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  const over = new Promise<string>((resolve) => {
    socket.on("end", () => resolve("end"));
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : "error"));
  });
  await Promise.race([once(socket, "connect"), over]);
  return { socket, got: () => text, over };
}

test("passes everything on, in order, both ways", async () => {
  const { socket, got } = await client();
  const said = "0123456789".repeat(100_000);
  socket.write(said);
  await expect.poll(got).toBe(said);
});

test("refuses: open connections are reset, new ones refused, until it is told to pass", async () => {
  const before = await client();
  await proxy.set("refuse");
  expect(await before.over).toBe("ECONNRESET");
  expect(await (await client()).over).toBe("ECONNREFUSED");
  await proxy.set("pass");
  const after = await client();
  after.socket.write("hello");
  await expect.poll(after.got).toBe("hello");
});

test.each(["hang", "silent"] as const)("%s: says nothing, and everything late", async (fault) => {
  await proxy.set(fault);
  const { socket, got } = await client();
  socket.write("one ");
  socket.write("two");
  const reference = await client();
  expect(reference.socket.readyState).toBe("open");
  expect(got()).toBe("");
  await proxy.set("pass");
  await expect.poll(got).toBe("one two");
});

test("delays each chunk", async () => {
  await proxy.set({ delay: 40 });
  const { socket, got } = await client();
  const started = performance.now();
  socket.write("hello");
  await expect.poll(got, { interval: 5 }).toBe("hello");
  expect(performance.now() - started).toBeGreaterThanOrEqual(79);
});

test("cuts an answer after so many bytes, with a reset", async () => {
  await proxy.set({ cutAfter: 3 });
  const { socket, got, over } = await client();
  socket.write("hello");
  expect(await over).toBe("ECONNRESET");
  expect("hello").toContain(got());
  expect(got().length).toBeLessThanOrEqual(3);
});

test("truncates an answer after so many bytes, and ends in order", async () => {
  await proxy.set({ truncateAfter: 3 });
  const { socket, got, over } = await client();
  socket.write("hello");
  expect(await over).toBe("end");
  expect(got()).toBe("hel");
});

test("truncates a request", async () => {
  await proxy.set({ truncateAfter: 2, from: "client" });
  const { socket, got, over } = await client();
  socket.write("hello");
  expect(await over).toBe("end");
  expect(got()).toBe("he");
});

test("duplicates what is answered; turns it into garbage of the same length", async () => {
  await proxy.set("duplicate");
  const { socket, got } = await client();
  socket.write("hello");
  await expect.poll(got).toBe("hellohello");
  await proxy.set("garbage");
  socket.write("0123456789abcdef");
  await expect.poll(() => got().length).toBe(26);
  expect(got()).not.toContain("0123456789abcdef");
});
