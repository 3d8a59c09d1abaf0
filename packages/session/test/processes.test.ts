// Nodes that are really processes (D7): on one SQLite file, with one provider over real HTTP, and nothing else in common.
// However 50 requests are spread over them, a renewal comes to one session id, and to refresh cookies that open to one token.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { printed, secret } from "../../../test/leak-watch.ts";
import { memoryStore } from "../src/index.ts";
import { openPresented } from "../src/sealed-pair.ts";
import { checkedSettings } from "../src/settings.ts";
import { Browser } from "./browser.ts";
import { cookiesSet, type Incoming } from "./http.ts";
import type { Told } from "./node-process.ts";
import { startProvider, type TestProvider } from "./provider.ts";
import { cookieKey } from "./records.ts";

interface Node {
  readonly port: number;
  tell(told: Told): Promise<number>;
}

const origin = "http://store.localhost";
const key = cookieKey("2026a");
secret(key.secret);
const open = new AsyncDisposableStack();
let provider: TestProvider;
let nodes: Node[];
let settings: ReturnType<typeof checkedSettings>;

beforeAll(async () => {
  provider = await startProvider();
  open.defer(() => provider.close());
  const { fetch, ...options } = provider.options("hardened");
  const port = await listening((request) => fetch?.(request) ?? Promise.reject(new Error("no provider")));
  const identityProvider = { ...options, issuer: options.url, url: `http://127.0.0.1:${port}` };
  const folder = mkdtempSync(join(tmpdir(), "latchkey-processes-"));
  open.defer(() => rmSync(folder, { recursive: true }));
  const start = { origin, identityProvider, cookieKeys: [key], database: join(folder, "sessions.sqlite") };
  settings = checkedSettings({
    ...start,
    application: "store",
    store: memoryStore(),
    publicPaths: [],
  });
  nodes = [];
  for (let node = 0; node < 3; node++) nodes.push(await startNode({ start, now: provider.clock.now() }));
}, 60_000);
afterAll(() => open.disposeAsync());

async function listening(fetch: (request: Request) => Response | Promise<Response>): Promise<number> {
  const server = serve({ fetch, port: 0, hostname: "127.0.0.1" });
  open.defer(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function startNode(told: Told): Promise<Node> {
  const child = fork(join(import.meta.dirname, "node-process.ts"), {
    execArgv: ["--conditions=latchkey-source"],
    silent: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => printed(String(text)));
  open.defer(() => ended(child));
  const tell = async (what: Told) => {
    const answer = once(child, "message");
    child.send(what);
    return Number((await answer)[0]);
  };
  return { port: await tell(told), tell };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.disconnect();
  await exit;
}

async function pass(minutes: number): Promise<void> {
  provider.clock.pass(minutes, "minutes");
  await Promise.all(nodes.map((node) => node.tell({ now: provider.clock.now() })));
}

async function signedIn(): Promise<Browser> {
  const browser = new Browser({ origin, port: nodes[0]?.port ?? 0 }, provider.clock);
  const { email, password } = await provider.anybody();
  expect((await browser.signIn(email, password)).status).toBe(302);
  return browser;
}

/** Fifty requests with the same cookies at once, dealt out to the nodes. */
function fiftyAtOnce(browser: Browser, path = "/shopping-cart"): Promise<Incoming[]> {
  const copies = Array.from({ length: 50 }, () => browser.copy());
  return Promise.all(
    copies.map((copy, index) => copy.get(path, { port: nodes[index % nodes.length]?.port ?? 0 })),
  );
}

function rotations(): number {
  return provider.events.filter(({ type }) => type === "refresh-token-rotated").length;
}

test("50 requests at once over three processes: all served, one session id, one rotation, one refresh token", async () => {
  const browser = await signedIn();
  for (let round = 0; round < 3; round++) {
    await pass(31);
    const before = rotations();
    const answers = await fiftyAtOnce(browser);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const [session = "", ...others] = new Set(cookiesSet(answers, "session"));
    expect([session.length, others]).toEqual([43, []]);
    expect(rotations() - before).toBe(1);

    const sealed = cookiesSet(answers, "refresh-token");
    const opened = sealed.map((cookie) => openPresented(settings, cookie));
    expect(new Set(opened.map((pair) => pair?.session))).toEqual(new Set([settings.hashOf(session)]));
    const tokens = new Set(opened.map((pair) => pair?.refreshToken));
    expect(tokens.size).toBe(1);
    expect(tokens).toEqual(new Set([provider.refreshTokens.at(-1)]));
    // Whichever answer arrives last, the browser goes on: here the one in the middle.
    browser.plant("session", session);
    browser.plant("refresh-token", sealed[25] ?? "");
  }
});

test("a sign-out on one process ends what two others are renewing", async () => {
  const browser = await signedIn();
  await browser.get("/shopping-cart");
  await pass(31);
  const before = browser.copy();
  const held = provider.hold("POST /oauth2/token", "answer");
  const renewing = [1, 2].map((node) =>
    before.copy().get("/shopping-cart", { port: nodes[node]?.port ?? 0 }),
  );
  await held.reached;
  // The sign-out renews too, on its own node, and ends what it renewed.
  expect((await browser.post("/logout")).status).toBe(302);
  held.open();
  const answers = await Promise.all(renewing);
  for (const answer of answers) {
    const handedOut = cookiesSet([answer], "session")[0];
    const after = before.copy();
    if (handedOut !== undefined) {
      after.plant("session", handedOut);
      after.plant("refresh-token", cookiesSet([answer], "refresh-token")[0] ?? "");
    }
    for (const { port } of nodes) expect((await after.get("/shopping-cart", { port })).status).toBe(302);
  }
  // One of the two was held in the middle of it: that one is refused, whatever the other one was quick enough for.
  expect(answers.map(({ status }) => status)).toContain(302);
});
