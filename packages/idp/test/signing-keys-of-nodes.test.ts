// Several nodes on one database sign with one ring: a key that signs anywhere is published everywhere, at every instant, also while
// nodes start, keys roll and one is taken out of use. The clock is the test's and the same for all.
import { createPublicKey, verify } from "node:crypto";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../src/config.ts";
import { createIdp, type Idp } from "../src/index.ts";
import { openForOperator } from "../src/program/operator.ts";
import { createSealing } from "../src/sealing.ts";
import { openSigningKeys } from "../src/signing-keys.ts";
import { openStore } from "../src/store/open.ts";
import {
  ALICE_EMAIL,
  ALICE_PASSWORD,
  API_KEY,
  emptyDatabase,
  ISSUER,
  KEYS,
  onPostgres,
  seeded,
  STORE_APP,
  STORE_SECRET,
} from "./idp.ts";

const SECOND = 1_000;
/** A public key as JWKS shows it. */
interface Jwk {
  kid: string;
  alg: string;
}

/** An access token and the key that signed it. */
interface Signed {
  token: string;
  kid: string;
}

/** Somebody who is signed in. */
interface Browser {
  refreshToken?: string;
}

async function jwksOf(node: Idp): Promise<{ keys: Jwk[]; maxAge: number }> {
  const response = await node.fetch(new Request(`${ISSUER}/.well-known/jwks.json`));
  const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "")?.[1]);
  const { keys } = (await response.json()) as { keys: Jwk[] };
  return { keys, maxAge };
}

/** A token that this node signs for one browser, which brings its refresh token: that costs no password hash. */
async function signedBy(node: Idp, browser: Browser): Promise<Signed> {
  browser.refreshToken ??= await signedIn(node);
  const form = { grant_type: "refresh_token", refresh_token: browser.refreshToken };
  const body = new URLSearchParams({ ...form, client_id: STORE_APP, client_secret: STORE_SECRET });
  const response = await node.fetch(new Request(`${ISSUER}/oauth2/token`, { method: "POST", body }));
  const answer = (await response.json()) as { access_token: string; refresh_token: string };
  browser.refreshToken = answer.refresh_token;
  const [head = ""] = answer.access_token.split(".");
  return { token: answer.access_token, kid: JSON.parse(Buffer.from(head, "base64url").toString()).kid };
}

async function signedIn(node: Idp): Promise<string> {
  const body = JSON.stringify({ loginId: ALICE_EMAIL, password: ALICE_PASSWORD, applicationId: STORE_APP });
  const headers = { authorization: API_KEY, "content-type": "application/json" };
  const response = await node.fetch(new Request(`${ISSUER}/api/login`, { method: "POST", headers, body }));
  return ((await response.json()) as { refreshToken: string }).refreshToken;
}

function verifies({ keys }: { keys: Jwk[] }, { token, kid }: Signed): boolean {
  const jwk = keys.find((key) => key.kid === kid);
  if (jwk === undefined) return false;
  const [head = "", claims = "", signature = ""] = token.split(".");
  const key = {
    key: createPublicKey({ key: { ...jwk }, format: "jwk" }),
    dsaEncoding: "ieee-p1363" as const,
  };
  const digest = jwk.alg === "EdDSA" ? null : "sha256";
  return verify(digest, Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"));
}

async function isTaken(node: Idp, { token }: { token: string }): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  return (await node.fetch(new Request(`${ISSUER}/api/jwt/validate`, { headers }))).status === 200;
}

/** Nodes on one database and with one clock. */
async function startNodes(
  database: string,
  count: number,
  run: (nodes: Nodes) => Promise<void>,
): Promise<void> {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const start = (extra: object = {}) =>
    createIdp({ database, issuer: ISSUER, keys: KEYS, now: () => clock.now, ...extra });
  const first = await start({ kickstart: seeded() });
  const nodes = [first];
  try {
    for (let number = 1; number < count; number += 1) nodes.push(await start());
    await run({ nodes, clock, start, browser: {} });
  } finally {
    for (const node of nodes) await node.close();
  }
}

interface Nodes {
  nodes: Idp[];
  clock: { now: number };
  start: (extra?: object) => Promise<Idp>;
  browser: Browser;
}

/** Signs on each node and looks whether all publish that key and take what it signed. */
async function expectOneRing(nodes: readonly Idp[], browser: Browser): Promise<Signed[]> {
  const signed: Signed[] = [];
  // One after the other: two SQLite connections in one process would block each other's thread.
  for (const node of nodes) signed.push(await signedBy(node, browser));
  for (const node of nodes) {
    const jwks = await jwksOf(node);
    for (const one of signed) {
      expect(verifies(jwks, one)).toBe(true);
      expect(await isTaken(node, one)).toBe(true);
    }
  }
  return signed;
}

test("at no instant does a node sign with a key that another's JWKS lacks, nor one that a kept JWKS lacks (ASVS 11.2.2)", async () => {
  await startNodes(await emptyDatabase(), 3, async ({ nodes, clock, start, browser }) => {
    const [one, , three] = nodes;
    const kept = new Map<number, { until: number; jwks: Awaited<ReturnType<typeof jwksOf>> }>();
    const signers = new Set<string>();
    let alive: Signed[] = [];
    for (let second = 0; second <= 200; second += 5) {
      if (second === 20) await one?.rotateSigningKey();
      if (second === 50) await three?.rotateSigningKey();
      if (second === 120) nodes.push(await start({ signingAlgorithm: "EdDSA" }));
      for (const [index, node] of nodes.entries()) {
        // Somebody who keeps JWKS for as long as he may and never asks anew for a kid.
        if ((kept.get(index)?.until ?? 0) > clock.now) continue;
        const jwks = await jwksOf(node);
        kept.set(index, { until: clock.now + jwks.maxAge * SECOND, jwks });
      }
      const signed = await expectOneRing(nodes, browser);
      for (const { jwks } of kept.values())
        for (const each of signed) expect(verifies(jwks, each)).toBe(true);
      for (const node of nodes) for (const each of alive) expect(await isTaken(node, each)).toBe(true);
      alive = [...alive, ...signed.slice(0, 1)].slice(-4);
      for (const { kid } of signed) signers.add(kid);
      clock.now += 5 * SECOND;
    }
    expect(signers.size).toBe(4);
  });
});

test("a rotation that can't wait signs at once where it was asked for, and everywhere within 20 seconds", async () => {
  await startNodes(await emptyDatabase(), 3, async ({ nodes, clock, browser }) => {
    await expectOneRing(nodes, browser);
    const kid = await nodes[1]?.rotateSigningKey({ now: true });
    const signers = (await expectOneRing(nodes, browser)).map((one) => one.kid);
    expect(signers[1]).toBe(kid);
    clock.now += 20 * SECOND;
    expect((await expectOneRing(nodes, browser)).map((one) => one.kid)).toEqual([kid, kid, kid]);
  });
});

test("a key that leaked is retired when no node can sign with it any more, and what it signed is good nowhere then", async () => {
  const database = await emptyDatabase();
  await startNodes(database, 3, async ({ nodes, clock, browser }) => {
    const operator = await openForOperator({ database, issuer: ISSUER, keys: KEYS, now: () => clock.now });
    onTestFinished(() => operator.close());
    const { signingKeys } = operator.provider;
    clock.now += 60 * SECOND;
    const [leaked] = await expectOneRing(nodes, browser);
    if (leaked === undefined) throw new Error("Nothing was signed");
    expect(await signingKeys.retire(leaked.kid)).toEqual({
      outcome: "signs",
      afterMs: Number.POSITIVE_INFINITY,
    });
    await nodes[0]?.rotateSigningKey({ now: true });
    await expectOneRing(nodes, browser);
    expect(await signingKeys.retire(leaked.kid)).toEqual({ outcome: "signs", afterMs: 20 * SECOND });
    clock.now += 20 * SECOND;
    expect(await signingKeys.retire(leaked.kid)).toEqual({ outcome: "retired" });
    await expectOneRing(nodes, browser);
    for (const node of nodes) expect(verifies(await jwksOf(node), leaked)).toBe(false);
    clock.now += 20 * SECOND;
    for (const node of nodes) expect(await isTaken(node, leaked)).toBe(false);
    expect(await signingKeys.retire(leaked.kid)).toEqual({ outcome: "unknown" });
  });
});

test("a rotation that is taken back leaves a key that signs on, a day later, too", async () => {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const config = resolveConfig({ database: ":memory:", issuer: ISSUER, keys: KEYS, now: () => clock.now });
  const store = await openStore(await emptyDatabase(), config.now, { uuid: config.uuid, mails: false });
  try {
    const keys = await openSigningKeys(config, store.signingKeys, createSealing(config), () => undefined);
    await keys.ensure();
    clock.now += 100 * SECOND;
    const { kid } = await keys.current();
    expect(await keys.retire(await keys.rotate())).toEqual({ outcome: "retired" });
    clock.now += 2 * 86_400 * SECOND;
    expect(await keys.current()).toMatchObject({ kid, verifiesUntil: null });
  } finally {
    await store.close();
  }
});

test("whatever is rotated and retired, and when: what a node signs, every node publishes and takes, until it is retired or a day is over", async () => {
  const step = fc.record({
    seconds: fc.integer({ min: 0, max: 45 }),
    node: fc.integer({ min: 0, max: 2 }),
    action: fc.constantFrom("wait", "wait", "rotate", "rotate now", "retire"),
    which: fc.nat(5),
  });
  const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const config = resolveConfig({ database: ":memory:", issuer: ISSUER, keys: KEYS, now: () => clock.now });
    const store = await openStore(":memory:", config.now, { uuid: config.uuid, mails: false });
    const open = () => openSigningKeys(config, store.signingKeys, createSealing(config), () => undefined);
    const nodes = [await open(), await open(), await open()];
    for (const node of nodes) await node.ensure();
    const signed = new Set<string>();
    for (const { seconds, node, action, which } of steps) {
      clock.now += seconds * SECOND;
      if (action === "rotate") await nodes[node]?.rotate();
      if (action === "rotate now") await nodes[node]?.rotate({ now: true });
      const kid = (await store.signingKeys.list())[which]?.kid ?? "";
      if (action === "retire" && (await nodes[node]?.retire(kid))?.outcome === "retired") signed.delete(kid);
      for (const each of nodes) signed.add((await each.current()).kid);
      for (const each of nodes) {
        const published = (await each.published()).map((key) => key.kid);
        for (const one of signed) expect(published).toContain(one);
        for (const one of signed) expect(await each.find(one)).not.toBeNull();
      }
    }
    await store.close();
  });
  await fc.assert(property, { numRuns: 100 });
});

test("nodes that start on an empty database, on Postgres all at once, make a ring that is one", async () => {
  const database = await emptyDatabase();
  const clock = { now: Date.UTC(2026, 0, 1) };
  const config = { database, issuer: ISSUER, keys: KEYS, now: () => clock.now };
  const nodes: Idp[] = [];
  try {
    // Two SQLite connections in one process would block each other's thread; commands.test.ts starts processes at once on one.
    if (onPostgres) nodes.push(...(await Promise.all(Array.from({ length: 6 }, () => createIdp(config)))));
    else for (let count = 0; count < 3; count += 1) nodes.push(await createIdp(config));
    nodes.push(await createIdp({ ...config, kickstart: seeded() }));
    const browser: Browser = {};
    for (let second = 0; second <= 90; second += 15) {
      await expectOneRing(nodes, browser);
      clock.now += 15 * SECOND;
    }
  } finally {
    for (const node of nodes) await node.close();
  }
});
