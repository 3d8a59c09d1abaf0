// Three nodes that deliver side by side, each a process of its own: every event arrives once and those of a user in order, also when a
// node dies with an event in its hands.
import { beforeAll, expect, test, vi } from "vitest";
import { emptyDatabase, startIdp } from "./idp.ts";
import { type Node, startNodes } from "./nodes.ts";
import { type Receiver, type Received, startReceiver, types } from "./receiver.ts";

const LEASE_MS = 60_000;

let database = "";
let nodes: Node[] = [];
beforeAll(async () => {
  database = await emptyDatabase();
  const idp = await startIdp({ database });
  await idp.idp.close();
  nodes = await startNodes(database, 3);
}, 60_000);

/** What one of the nodes answers to a request that has to succeed. */
async function asked(method: string, path: string, json?: object) {
  const answer = await nodes.at(-1)?.call(method, path, json);
  expect(answer?.status).toBe(200);
  return answer?.body;
}

async function users(name: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const user = { email: `${name}${index}@example.com` };
    ids.push((await asked("POST", "/api/user", { user })).user.id);
  }
  return ids;
}

async function listening(receiver: Receiver): Promise<string> {
  const eventsEnabled = { "user.deactivate": true, "user.reactivate": true };
  const webhook = { url: receiver.url, global: true, eventsEnabled };
  return (await asked("POST", "/api/webhook", { webhook })).webhook.id;
}

/** Deactivates and reactivates a user by turns, at one node after the other. */
async function toggle(at: readonly Node[], id: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const [method, query] = index % 2 === 0 ? ["DELETE", ""] : ["PUT", "?reactivate=true"];
    const answer = await at[index % at.length]?.call(method, `/api/user/${id}${query}`);
    expect(answer?.status).toBe(200);
  }
}

const of = (received: readonly Received[], id: string): Received[] =>
  received.filter(({ event }) => event.user.id === id);

const turns = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => (index % 2 === 0 ? "user.deactivate" : "user.reactivate"));

test("what three nodes write at once is delivered by them once, each user's in order", async () => {
  const receiver = await startReceiver();
  const ids = await users("busy", 6);
  const webhook = await listening(receiver);
  const underWay = new Map<string, number>();
  let mostAtOnce = 0;
  receiver.answering = async ({ event }) => {
    const { id } = event.user;
    underWay.set(id, (underWay.get(id) ?? 0) + 1);
    mostAtOnce = Math.max(mostAtOnce, underWay.get(id) ?? 0);
    await new Promise(setImmediate);
    underWay.set(id, (underWay.get(id) ?? 0) - 1);
    return 200;
  };
  await Promise.all(ids.map((id) => toggle(nodes, id, 12)));
  await vi.waitFor(() => expect(receiver.taken).toHaveLength(72), { timeout: 30_000 });
  for (const id of ids) expect(types(of(receiver.received, id))).toEqual(turns(12));
  expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(72);
  expect(mostAtOnce).toBe(1);
  await asked("DELETE", `/api/webhook/${webhook}`);
}, 60_000);

test("a node that dies with an event in its hands holds up that user alone, whose events then come in order", async () => {
  const receiver = await startReceiver();
  const [held = "", other = ""] = await users("calm", 2);
  await listening(receiver);
  receiver.answering = ({ event }) =>
    event.user.id === held ? new Promise(() => undefined) : Promise.resolve(200);
  const [dying, ...living] = nodes;
  if (dying === undefined) throw new Error("There is no node");
  await toggle([dying], held, 1);
  await vi.waitFor(() => expect(of(receiver.received, held)).toHaveLength(1), { timeout: 10_000 });
  await dying.kill();
  await toggle([...living].toReversed(), held, 2);
  await toggle(living, other, 6);
  await vi.waitFor(() => expect(of(receiver.taken, other)).toHaveLength(6), { timeout: 30_000 });
  // Nobody else has begun his: it is the dead node's until its lease is over, and what came later waits behind it.
  expect(types(of(receiver.received, held))).toEqual(["user.deactivate"]);
  receiver.answering = async () => 200;
  const later = await startIdp({ database });
  later.clock.now = Date.now() + LEASE_MS + 1_000;
  await later.idp.deliverDue();
  expect(types(of(receiver.taken, held))).toEqual(["user.deactivate", "user.deactivate", "user.reactivate"]);
  expect(types(of(receiver.taken, other))).toEqual(turns(6));
  expect(receiver.received).toHaveLength(1 + 3 + 6);
}, 60_000);
