// How events get to their receivers: in order for each user, again until they are taken, over restarts, and never so that one
// receiver holds up another. The receivers are real listeners; time is moved, not waited for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { pauseMs } from "../src/delivery-attempt.ts";
import { ALICE, API_KEY, emptyDatabase, dump, ISSUER, KEYS, startIdp, type TestIdp } from "./idp.ts";
import { startReceiver, subscribe, types, verified } from "./receiver.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;

const deactivate = (idp: TestIdp, userId = ALICE) => idp.call("DELETE", `/api/user/${userId}`);
const reactivate = (idp: TestIdp, userId = ALICE) => idp.call("PUT", `/api/user/${userId}?reactivate=true`);
const named = (idp: TestIdp, type: string) => idp.events.filter((event) => event.type === type);

async function another(idp: TestIdp, name: string): Promise<string> {
  const { body } = await idp.call("POST", "/api/user", { json: { user: { email: `${name}@example.com` } } });
  return body.user.id;
}

/** Moves the clock and delivers, step by step, until nothing is left or the time is over. */
async function pass(idp: TestIdp, ms: number, step: number): Promise<void> {
  for (const end = idp.clock.now + ms; idp.clock.now < end; ) {
    idp.clock.now += step;
    await idp.idp.deliverDue();
  }
}

test("an event arrives without anybody asking for it", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  await deactivate(idp);
  await vi.waitFor(() => expect(receiver.taken).toHaveLength(2), 10_000);
});

test("the events of one user arrive in order, also when attempts fail in between", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  let attempts = 0;
  receiver.answering = async () => ((attempts += 1) % 3 === 0 ? 200 : 500);
  for (let round = 0; round < 5; round += 1) {
    await deactivate(idp);
    await reactivate(idp);
  }
  await pass(idp, 10 * MINUTE, 5_000);
  const round = ["user.deactivate", "jwt.refresh-token.revoke", "user.reactivate"];
  expect(types(receiver.taken)).toEqual([round, round, round, round, round].flat());
  expect(receiver.received).toHaveLength(45);
});

test("many events for many receivers are not begun in one turn of the event loop", async () => {
  let most = 0;
  let ofThisTurn = 0;
  const idp = await startIdp({
    webhooks: {
      async fetch() {
        if (ofThisTurn === 0) setImmediate(() => (ofThisTurn = 0));
        most = Math.max(most, ++ofThisTurn);
        await new Promise(setImmediate);
        return new Response();
      },
    },
  });
  for (let count = 0; count < 5; count += 1) await subscribe(idp, await startReceiver());
  const people = await Promise.all(Array.from({ length: 16 }, (_, index) => another(idp, `person${index}`)));
  await Promise.all(people.map((userId) => deactivate(idp, userId)));
  await idp.idp.deliverDue();
  expect(named(idp, "event-delivered").length).toBeGreaterThanOrEqual(5 * 16);
  expect(most).toBeLessThanOrEqual(10);
});

test("one at a time for each user: the next is sent when the one before was taken", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  let underWay = 0;
  let most = 0;
  receiver.answering = async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setTimeout(resolve, 5));
    underWay -= 1;
    return 200;
  };
  await Promise.all([deactivate(idp), reactivate(idp), deactivate(idp), reactivate(idp)]);
  await idp.idp.deliverDue();
  expect([receiver.taken.length, most]).toEqual([6, 1]);
});

test("refused once, then taken: the second attempt has the same id and body, and a signature of its own time", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver, { eventsEnabled: { "user.deactivate": true } });
  receiver.answering = async () => 503;
  await deactivate(idp);
  await idp.idp.deliverDue();
  receiver.answering = async () => 200;
  idp.clock.now += 499;
  await idp.idp.deliverDue();
  expect(receiver.received).toHaveLength(1);
  idp.clock.now += 501;
  await idp.idp.deliverDue();
  await idp.idp.deliverDue();
  const [first, second, ...more] = receiver.received;
  if (first === undefined || second === undefined) throw new Error("The event did not arrive twice");
  expect(more).toEqual([]);
  expect(second.raw).toBe(first.raw);
  const [before, after] = [await verified(idp, first), await verified(idp, second)];
  // What a receiver knows a replay by.
  expect(after.jti).toBe(before.jti);
  expect(after.iat).toBe(Number(before.iat) + 1);
  expect(named(idp, "event-not-delivered")).toMatchObject([{ failure: "status 503", attempts: 1 }]);
  expect(named(idp, "event-delivered")).toMatchObject([{ attempts: 2, eventType: "user.deactivate" }]);
});

test("a receiver that is down for long is asked less and less often, and hears it all when it is back", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  await receiver.close();
  await deactivate(idp);
  await reactivate(idp);
  await idp.idp.deliverDue();
  await pass(idp, 12 * HOUR, MINUTE);
  const failed = named(idp, "event-not-delivered");
  expect(failed.length).toBeGreaterThan(100);
  expect(failed.length).toBeLessThan(320);
  expect(new Set(failed.map((event) => ("eventType" in event ? event.eventType : "")))).toEqual(
    new Set(["user.deactivate"]),
  );
  const back = await startReceiver(receiver.port);
  await pass(idp, 5 * MINUTE, MINUTE);
  expect(types(back.taken)).toEqual(["user.deactivate", "jwt.refresh-token.revoke", "user.reactivate"]);
});

test("after 24 hours an event is given up, and said to be", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  receiver.answering = async () => 500;
  await deactivate(idp);
  await pass(idp, 24 * HOUR - 5 * MINUTE, 5 * MINUTE);
  expect(named(idp, "event-given-up")).toEqual([]);
  await pass(idp, 10 * MINUTE, MINUTE);
  expect(named(idp, "event-given-up")).toMatchObject([
    { eventType: "user.deactivate", failure: "status 500" },
    { eventType: "jwt.refresh-token.revoke", failure: "status 500" },
  ]);
  expect(await dump(database)).toContain('["outbox",[]]');
  const before = receiver.received.length;
  receiver.answering = async () => 200;
  await reactivate(idp);
  await idp.idp.deliverDue();
  expect(types(receiver.received.slice(before))).toEqual(["user.reactivate"]);
});

test("a receiver that hangs holds up neither other receivers nor, until eight of them hang, other users", async () => {
  const idp = await startIdp();
  const hanging = await startReceiver();
  const quick = await startReceiver();
  const settings = {
    eventsEnabled: { "user.deactivate": true },
    connectTimeout: 10_000,
    readTimeout: 30_000,
  };
  await subscribe(idp, hanging, settings);
  await subscribe(idp, quick, settings);
  const others = await Promise.all(Array.from({ length: 12 }, (_, index) => another(idp, `user${index}`)));
  hanging.answering = ({ event }) =>
    event.user.id === ALICE ? new Promise(() => undefined) : Promise.resolve(200);
  for (const id of [ALICE, ...others]) await deactivate(idp, id);
  await vi.waitFor(() => {
    expect([hanging.taken.length, quick.taken.length]).toEqual([12, 13]);
  }, 10_000);
  hanging.answering = () => new Promise(() => undefined);
  for (const id of [ALICE, ...others]) await reactivate(idp, id);
  for (const id of [ALICE, ...others]) await deactivate(idp, id);
  await vi.waitFor(() => expect(quick.taken.length).toBe(26), 10_000);
  // Bounded, whatever waits: Alice's and seven more.
  expect(hanging.received.length).toBe(13 + 7);
  // Closing does not wait for a receiver that hangs.
  const began = performance.now();
  await idp.idp.close();
  expect(performance.now() - began).toBeLessThan(5_000);
});

test("an attempt ends at the webhook's deadline", async () => {
  const idp = await startIdp();
  const receiver = await startReceiver();
  await subscribe(idp, receiver, { connectTimeout: 50, readTimeout: 50 });
  receiver.answering = () => new Promise(() => undefined);
  await deactivate(idp);
  await idp.idp.deliverDue();
  expect(named(idp, "event-not-delivered")).toMatchObject([{ failure: "TimeoutError", attempts: 1 }]);
});

test("redirects are not followed, and what is not 2xx is not taken (ASVS 15.3.2)", async () => {
  const idp = await startIdp();
  const elsewhere = await startReceiver();
  const receiver = await startReceiver();
  await subscribe(idp, receiver);
  const answers = [301, 302, 303, 307, 308].map((status) => ({ status, location: elsewhere.url }));
  for (const answer of [...answers, 304, 400, 404, 500]) {
    receiver.answering = async () => answer;
    await deactivate(idp);
    await pass(idp, 5 * MINUTE, 5 * MINUTE);
  }
  expect(elsewhere.received).toEqual([]);
  expect(named(idp, "event-delivered")).toEqual([]);
  expect(new Set(types(receiver.received))).toEqual(new Set(["user.deactivate"]));
});

test("a restart in between loses nothing and keeps the order", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database });
  const receiver = await startReceiver();
  await subscribe(before, receiver);
  receiver.answering = () => new Promise(() => undefined);
  await deactivate(before);
  await reactivate(before);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), 10_000);
  await before.idp.close();

  receiver.answering = async () => 200;
  const after = await startIdp({ database });
  await after.idp.deliverDue();
  expect(types(receiver.taken)).toEqual(["user.deactivate", "jwt.refresh-token.revoke", "user.reactivate"]);
});

/** A provider in a process of its own, on this database, until the test ends. */
async function startProcess(database: string) {
  const keys = KEYS.map(({ id, secret }) => `${id}:${secret}`).join();
  const env = { PATH: process.env["PATH"], PORT: "0", ISSUER, DATABASE: database, KEYS: keys };
  const main = join(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, ["--conditions=latchkey-source", main], { env, stdio: "pipe" });
  const exited = once(child, "exit");
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface(child.stdout)) {
    const url = /listens on (http:\S+?),/.exec(line)?.[1];
    if (url === undefined) continue;
    return {
      kill: () => (child.kill("SIGKILL"), exited),
      deactivate: async (id: string) => {
        const options = { method: "DELETE", headers: { authorization: API_KEY } };
        for (;;) {
          const { status } = await fetch(`${url}/api/user/${id}`, options);
          // The file was locked for too long on a busy machine, and nothing was changed.
          if (status !== 503) return status;
        }
      },
    };
  }
  throw new Error("The process did not start");
}

test("a process that is killed right after its answer has lost nothing", async () => {
  const database = await emptyDatabase();
  const receiver = await startReceiver();
  const idp = await startIdp({ database });
  await subscribe(idp, receiver);
  await idp.idp.close();
  receiver.answering = () => new Promise(() => undefined);
  const killed = await startProcess(database);
  expect(await killed.deactivate(ALICE)).toBe(200);
  await killed.kill();

  receiver.answering = async () => 200;
  const after = await startIdp({ database });
  // The dead process may have claimed the event: its lease runs out.
  after.clock.now = Date.now() + 61_000;
  await after.idp.deliverDue();
  expect(types(receiver.taken)).toEqual(["user.deactivate", "jwt.refresh-token.revoke"]);
});

test("of several processes on one database each event is delivered by one", async () => {
  const database = await emptyDatabase();
  const receiver = await startReceiver();
  const idp = await startIdp({ database });
  await subscribe(idp, receiver, { eventsEnabled: { "user.deactivate": true } });
  const users = await Promise.all(Array.from({ length: 60 }, (_, index) => another(idp, `user${index}`)));
  await idp.idp.close();
  const nodes = await Promise.all([0, 1, 2].map(() => startProcess(database)));
  const statuses = await Promise.all(users.map(async (id, index) => nodes[index % 3]?.deactivate(id)));
  expect(new Set(statuses)).toEqual(new Set([200]));
  await vi.waitFor(() => expect(receiver.taken).toHaveLength(60), { timeout: 30_000 });
  expect(receiver.received).toHaveLength(60);
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(60);
}, 60_000);

test("what waits for a webhook goes with it", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const receiver = await startReceiver();
  const id = await subscribe(idp, receiver);
  receiver.answering = async () => 500;
  await deactivate(idp);
  await idp.idp.deliverDue();
  expect((await idp.call("DELETE", `/api/webhook/${id}`)).status).toBe(200);
  expect(await dump(database)).toContain('["outbox",[]]');
  await pass(idp, MINUTE, MINUTE);
  expect(receiver.received).toHaveLength(1);
});

test("a receiver in the same process is reached without a socket", async () => {
  const taken: string[] = [];
  const idp = await startIdp({
    webhooks: {
      async fetch(request) {
        const { event } = await request.json();
        taken.push(event.type);
        return new Response(null, { status: 200 });
      },
    },
  });
  await subscribe(idp, { url: "https://store.example/webhooks" });
  await deactivate(idp);
  await idp.idp.deliverDue();
  expect(taken).toEqual(["user.deactivate", "jwt.refresh-token.revoke"]);
});

test("pauses double from 0.5–1 s up to 2.5–5 minutes, whatever chance says", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), random, (attempts, chance) => {
      const full = Math.min(1_000 * 2 ** (attempts - 1), 300_000);
      const pause = pauseMs(attempts, chance);
      expect(pause).toBeGreaterThanOrEqual(full / 2);
      expect(pause).toBeLessThanOrEqual(full);
    }),
  );
});
