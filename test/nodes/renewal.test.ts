// What three nodes do together with what one of them has begun: a session is everybody's, its renewal happens once, its end holds on each.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keyRing } from "../../packages/session/src/key-ring.ts";
import { type OpenedPair, openPair } from "../../packages/session/src/sealed-pair.ts";
import { query } from "../servers/postgres.ts";
import type { Node } from "./node.ts";
import { type Person, type Site, startSite } from "./site.ts";
import { signIn, type Visitor, visitor } from "./visitor.ts";

let site: Site;
const visitors: Visitor[] = [];

/** In seconds: short, because here the clocks are real. */
const sessionIdle = 2;

beforeAll(async () => {
  site = await startSite({ store: { SESSION_IDLE: `${sessionIdle}s` } });
}, 120_000);
afterAll(async () => {
  for (const each of visitors) each.close();
  await site.close();
});

async function signedIn(person?: Person): Promise<Visitor> {
  const browser = visitor(site);
  visitors.push(browser);
  const page = await signIn(browser, person ?? (await site.newcomer()));
  expect(page?.status).toBe(302);
  return browser;
}

/** What the refresh-token cookie holds, opened with the application's own key. */
function opened(browser: Visitor): OpenedPair {
  const cookie = browser.cookies.get("__Host-refresh-token") ?? "";
  const pair = openPair(keyRing([site.cookieKey], "store"), "store\n__Host-refresh-token", cookie);
  if (pair === null) throw new Error("The cookie does not open");
  return pair;
}

async function generationOf({ signInId }: OpenedPair): Promise<number> {
  const rows = await query(site.database, `SELECT generation FROM refresh_tokens WHERE id = '${signInId}'`);
  return Number(rows[0]?.["generation"]);
}

/** A copy of a browser as it is now: another tab, whose answers are its own. */
function tabOf(browser: Visitor): Visitor {
  const tab = visitor(site);
  visitors.push(tab);
  for (const [name, value] of browser.cookies) tab.cookies.set(name, value);
  return tab;
}

test("50 requests at once with an expired session, over all nodes: all are served, it was renewed once", async () => {
  const browser = await signedIn();
  const before = opened(browser);
  const generation = await generationOf(before);
  const tabs = Array.from({ length: 50 }, () => tabOf(browser));
  const asked = site.log().length;
  await delay(sessionIdle * 1_000 + 50);

  const pages = await Promise.all(tabs.map((tab) => tab.send("GET", "/shopping-cart")));
  expect(pages.map((page) => page?.status)).toEqual(tabs.map(() => 200));
  const nodes = site
    .log()
    .slice(asked)
    .flatMap(({ asked: each }) => each.map(({ node }) => node));
  expect(new Set(nodes.filter((node) => storeAddresses().includes(node))).size).toBe(3);

  const sessions = new Set(tabs.map(({ cookies }) => cookies.get("__Host-session")));
  expect(sessions.size).toBe(1);
  expect(sessions.has(browser.cookies.get("__Host-session"))).toBe(false);
  const tokens = new Set(tabs.map((tab) => opened(tab).refreshToken));
  expect(tokens.size).toBe(1);
  expect(tokens.has(before.refreshToken)).toBe(false);
  expect(await generationOf(before)).toBe(generation + 1);

  // And it is a session: each node serves it, and none renews it again.
  const [tab = browser] = tabs;
  for (let round = 0; round < 6; round++) expect((await tab.send("GET", "/account"))?.status).toBe(200);
  expect(await generationOf(before)).toBe(generation + 1);
});

function storeAddresses(): string[] {
  return site.store.map(({ port }) => `127.0.0.1:${port}`);
}

test("signed in on one node, served by another, signed out on the third: the first refuses", async () => {
  const [first, second, third] = site.store;
  const browser = visitor(site);
  visitors.push(browser);
  const person = await site.newcomer();
  const form = await at(first, browser, "GET", "/login");
  const token = tokenIn(form.html);
  const signing = await at(first, browser, "POST", "/login", { ...person, "form-token": token });
  expect(signing.status).toBe(302);
  const cart = await at(second, browser, "GET", "/shopping-cart");
  expect(cart.status).toBe(200);
  const old = tabOf(browser);
  const leaving = await at(third, browser, "POST", "/logout", { "form-token": tokenIn(cart.html) });
  expect([leaving.status, leaving.location]).toEqual([302, "/"]);
  for (const node of site.store) {
    const refused = await at(node, old, "GET", "/shopping-cart");
    expect([refused.status, refused.location]).toEqual([302, "/login"]);
  }
  expect(
    await query(
      site.database,
      `SELECT id FROM refresh_tokens WHERE id = '${opened(old).signInId}' AND revoked IS NULL`,
    ),
  ).toEqual([]);
});

/** A request to one node, past nginx, as nginx would send it. */
async function at(
  node: Node | undefined,
  { cookies }: Visitor,
  method: string,
  path: string,
  fields?: Record<string, string>,
): Promise<{ status: number; location: string | null; html: string }> {
  const answer = await fetch(`http://127.0.0.1:${node?.port}${path}`, {
    method,
    redirect: "manual",
    headers: {
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      ...(method === "GET" ? {} : { origin: site.origin }),
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "https",
    },
    ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
  });
  for (const header of answer.headers.getSetCookie()) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
    if (/;\s*max-age=0\b/i.test(header)) cookies.delete(name);
    else cookies.set(name, value);
  }
  return { status: answer.status, location: answer.headers.get("location"), html: await answer.text() };
}

function tokenIn(html: string): string {
  return /name="form-token" value="([^"]+)"/.exec(html)?.[1] ?? "";
}
