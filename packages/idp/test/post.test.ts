// What a receiver's answer may look like: of it only the status counts, and the connection is kept where that costs nobody anything.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ALICE, startIdp } from "./idp.ts";
import { subscribe, told } from "./receiver.ts";

type Answer = (response: ServerResponse) => unknown;

const taken: Answer = (response) => response.writeHead(200).end("thank you");

/** Tells a receiver that answers so, and shortly from then on, as many events; how they went, and how many connections it took. */
async function delivered(answers: readonly Answer[]): Promise<{ outcomes: string[]; connections: number }> {
  const connections = new Set<unknown>();
  const coming = answers.values();
  const server = createServer((request, response) => {
    connections.add(request.socket);
    request.resume().once("end", () => (coming.next().value ?? taken)(response));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const idp = await startIdp();
  const { port } = server.address() as AddressInfo;
  await subscribe(idp, { url: `http://127.0.0.1:${port}/` }, { eventsEnabled: { "user.deactivate": true } });
  for (let event = 0; event < answers.length; event += 1) {
    await idp.call("DELETE", `/api/user/${ALICE}`);
    await idp.idp.deliverDue();
    await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
    // An attempt that failed is made again.
    idp.clock.now += 1_000;
    await idp.idp.deliverDue();
  }
  const outcomes = idp.events.flatMap((event) => {
    if (event.type === "event-not-delivered") return [event.failure];
    return event.type === "event-delivered" ? ["delivered"] : [];
  });
  return { outcomes, connections: connections.size };
}

test("receivers that answer shortly are told over one connection", async () => {
  expect(await delivered([taken, taken, taken])).toEqual({
    outcomes: ["delivered", "delivered", "delivered"],
    connections: 1,
  });
});

test("a header beyond ASCII arrives as it was set, and the body beside it too", async () => {
  const { idp, receiver } = await told({}, { headers: { "x-key": "geheim-ä" } });
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { fullName: "Ålice" } } });
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.deliverDue();
  expect(receiver.received[0]?.headers["x-key"]).toBe("geheim-ä");
  expect(receiver.received[0]?.event.user.fullName).toBe("Ålice");
});

test("nobody waits for a body without end, and its connection is not kept", async () => {
  const endless: Answer = (response) => response.writeHead(200).write("x".repeat(100_000));
  expect(await delivered([endless, endless, taken])).toEqual({
    outcomes: ["delivered", "delivered", "delivered"],
    connections: 3,
  });
});

test("who answers that another protocol is spoken has not answered", async () => {
  const switching: Answer = ({ socket }) =>
    socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n");
  // At once, and not at its deadline, which would be a TimeoutError.
  expect((await delivered([switching])).outcomes).toEqual(["Error", "delivered"]);
});

test("a body that breaks off was an answer, a head that does was none and is asked for again", async () => {
  const broken: Answer = (response) => response.writeHead(200).write("x", () => response.destroy());
  const none: Answer = (response) => response.destroy();
  expect((await delivered([broken, none])).outcomes).toEqual(["delivered", "Error", "delivered"]);
});
