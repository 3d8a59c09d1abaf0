// How the program ends: whoever spreads requests over several nodes can tell in time, and no request is cut off.
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { emptyDatabase } from "./idp.ts";
import { type Running, startServer, variablesOf } from "./program.ts";

/** A request over a connection that is kept, its status and headers; rejects where it was cut off or nobody listens. */
function asking(url: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(response));
      response.once("error", reject);
    });
    sent.once("error", reject);
    sent.end();
  });
}

/** Waits until this is so. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(5);
}

/** A request whose body is still to come; the server has begun to read it. */
async function begun({ url }: Running): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const head = ["POST /api/login HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
  socket.write([...head, "Content-Length: 2", "Expect: 100-continue", "\r\n"].join("\r\n"));
  expect(String((await once(socket, "data"))[0])).toContain("100 Continue");
  return socket;
}

async function finished(socket: Socket): Promise<string> {
  socket.write("{}");
  return text(socket);
}

const isReady = async (url: string, agent: Agent): Promise<boolean> =>
  (await asking(`${url}/api/status`, agent)).statusCode === 200;

test("behind a balancer that looks at /api/status no request is cut off, and what is under way is finished", async () => {
  const server = await startServer({ ...variablesOf(await emptyDatabase()), DRAIN_SECONDS: "1" });
  const agent = new Agent({ keepAlive: true });
  const balancer = { sends: true };
  const looking = (async () => {
    while (balancer.sends) {
      balancer.sends = await isReady(server.url, agent);
      await pause(20);
    }
  })();
  let failures = 0;
  const clients = Array.from({ length: 10 }, async () => {
    while (balancer.sends) {
      const answer = await asking(`${server.url}/.well-known/jwks.json`, agent).catch(() => null);
      if (answer?.statusCode !== 200) failures += 1;
    }
  });
  const early = await begun(server);
  server.signal("SIGTERM");
  await Promise.all([looking, ...clients]);
  // It is not ready, and answers still.
  const late = await begun(server);
  const kept = await asking(`${server.url}/api/health`, agent);
  // Who keeps a connection is told to take another one.
  expect([kept.statusCode, kept.headers.connection, failures]).toEqual([200, "close", 0]);
  const isGone = () =>
    asking(`${server.url}/api/health`, new Agent()).then(
      () => false,
      () => true,
    );
  await until(isGone);
  for (const socket of [early, late]) expect(await finished(socket)).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(await server.exited).toBe(0);
});

test("a second signal ends it at once, whatever it waits for; SIGINT does not drain", async () => {
  const variables = { ...variablesOf(await emptyDatabase()), DRAIN_SECONDS: "600" };
  const server = await startServer(variables);
  server.signal("SIGTERM");
  const agent = new Agent();
  await until(async () => !(await isReady(server.url, agent)));
  server.signal("SIGTERM");
  expect(await server.exited).toBe("SIGTERM");

  const other = await startServer(variables);
  other.signal("SIGINT");
  expect(await other.exited).toBe(0);
});
