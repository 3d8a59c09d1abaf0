// Guessing at several nodes gets no further than guessing at one (CWE-307): on Postgres and on a SQLite file, with processes of their own.
import { beforeAll, expect, test, vi } from "vitest";
import { ALICE_EMAIL, ALICE_PASSWORD, emptyDatabase, onPostgres, startIdp, STORE_APP } from "./idp.ts";
import { type Node, type NodeAnswer, startNodes } from "./nodes.ts";

// Real hashes, also where other tests have cheap ones: what they cost, or what reads them elsewhere, is part of this.
vi.unmock("@node-rs/argon2");

const ACTION = "0f7f6a35-7a2b-4c0e-9a5c-6f2f1b7f6d10";

let nodes: Node[] = [];
beforeAll(async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  await idp.idp.close();
  nodes = await startNodes(database, onPostgres ? 3 : 2);
}, 60_000);

function login(index: number, extra: object = {}): Promise<NodeAnswer> {
  const node = nodes[index % nodes.length];
  if (node === undefined) throw new Error("There is no such node");
  const json = { loginId: ALICE_EMAIL, password: "not the password", applicationId: STORE_APP, ...extra };
  return node.call("POST", "/api/login", json);
}

/** So many guesses at once over all nodes, and how long they took. */
async function guesses(
  count: number,
  extra: (index: number) => object = () => ({}),
): Promise<{ counts: Record<number, number>; seconds: number }> {
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => login(index, extra(index))));
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return { counts, seconds: (performance.now() - began) / 1_000 };
}

// What a single guesser who never misses a moment is admitted: `free`, and one more after 1, 3, 7 … seconds.
const mostWithin = (free: number, seconds: number): number => free + Math.floor(Math.log2(seconds + 1));

test("the right password at one node forgives the failures at all", async () => {
  for (let round = 0; round < 3; round += 1) {
    expect((await guesses(4)).counts).toEqual({ 404: 4 });
    expect((await login(round, { password: ALICE_PASSWORD })).status).toBe(200);
  }
});

test("of 60 guesses at once over all nodes no more are admitted than at one, whatever comes after them", async () => {
  const extra = () => ({ loginId: "nobody@example.com" });
  const { counts, seconds } = await guesses(60, extra);
  const admitted = counts[404] ?? 0;
  expect(Object.keys(counts)).toEqual(["404", "429"]);
  expect(admitted).toBeGreaterThanOrEqual(5);
  expect(admitted).toBeLessThanOrEqual(mostWithin(5, seconds));
  const more = await guesses(60, extra);
  expect(admitted + (more.counts[404] ?? 0)).toBeLessThanOrEqual(mostWithin(5, seconds + more.seconds + 1));
});

test("guesses at many accounts from one address meet one rule at all nodes", async () => {
  const { counts, seconds } = await guesses(60, (index) => ({
    loginId: `nobody${index}@example.com`,
    ipAddress: "198.51.100.1",
  }));
  const admitted = counts[404] ?? 0;
  expect(Object.keys(counts)).toEqual(["404", "429"]);
  expect(admitted).toBeGreaterThanOrEqual(20);
  expect(admitted).toBeLessThanOrEqual(mostWithin(20, seconds));
});

test("a lockout that guesses at all nodes bring about holds at every node", async () => {
  const failedAuthenticationConfiguration = { userActionId: ACTION, tooManyAttempts: 3 };
  const { body } = (await nodes[0]?.call("GET", "/api/tenant")) ?? {};
  const tenant = { failedAuthenticationConfiguration };
  const patched = await nodes[0]?.call("PATCH", `/api/tenant/${body.tenants[0].id}`, { tenant });
  expect(patched?.status).toBe(200);
  expect((await guesses(60)).counts).toEqual({ 404: 3, 409: 57 });
  for (const index of nodes.keys())
    expect((await login(index, { password: ALICE_PASSWORD })).status).toBe(409);
});
