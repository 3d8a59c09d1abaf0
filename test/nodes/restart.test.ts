// Nodes are restarted, upgraded, rolled back and killed while twenty people use the Store. nginx has its own means alone: it notices what
// fails, and asks another node where that does no harm.
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "../servers/postgres.ts";
import { type Experience, hasFailed, startLoad } from "./load.ts";
import type { Node } from "./node.ts";
import { untilAskedAgain } from "./nginx-configuration.ts";
import { type LogLine, type Person, type Site, startSite } from "./site.ts";

let site: Site;
const people: Person[] = [];

beforeAll(async () => {
  // Renewed every two seconds, so that renewals meet every step of a restart.
  site = await startSite({ store: { SESSION_ABSOLUTE: "2s" } });
  for (let count = 0; count < 20; count++) people.push(await site.newcomer());
}, 120_000);
afterAll(() => site.close());

/** One node after the other, as the guide has it: the next one only when nginx takes this one again. */
async function roll(nodes: readonly Node[], release: string): Promise<void> {
  for (const node of nodes) {
    await node.restart(release);
    await delay(untilAskedAgain);
  }
}

/** Requests that nginx has given to one node after another, and of which the first had been sent something that may not come twice. */
function askedTwice(lines: readonly LogLine[]): LogLine[] {
  return lines.filter(({ request, asked }) => {
    const mayComeTwice = !request.startsWith("POST ") || request === "POST /oauth2/token";
    return !mayComeTwice && asked.slice(0, -1).some(({ bytes }) => bytes > 0);
  });
}

/** What failed, and how many milliseconds after `since` it was sent. */
function failures({ outcomes }: Experience, since: number): string[] {
  return outcomes.filter(hasFailed).map(({ method, path, status, sent, answered }) => {
    const times = [sent, answered].map((time) => Math.round(time - since)).join("–");
    return `${method} ${path} ${status} ${times}`;
  });
}

/** Requests that nginx could have no good answer to, with those it asked. */
function broken(lines: readonly LogLine[]): string[] {
  const failed = lines.filter(({ status }) => status >= 500);
  return failed.map(({ request, status, asked }) => `${request} ${status} ${JSON.stringify(asked)}`);
}

async function waitFor(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 30_000, interval: 50 }).toBe(true);
}

describe("under load from 20 people", () => {
  test("every node is replaced by the next release, and by today's again: no request fails, nobody is signed out", async () => {
    const [before, begun] = [site.log().length, performance.now()];
    const load = startLoad(site, people);
    await waitFor(() => load.soFar().signIns >= people.length);
    await roll(site.provider, "next");
    expect(await query(site.database, "SELECT of_the_next_release FROM users LIMIT 1")).toHaveLength(1);
    await roll(site.store, "next");
    // Back: today's code starts on a database that is a step further.
    await roll(site.provider.slice(0, 1), "today");
    const experience = await load.stop();

    const lines = site.log().slice(before);
    expect([...failures(experience, begun), ...broken(lines)]).toEqual([]);
    expect(experience.signedOut).toEqual([]);
    // There was something to lose.
    expect(new Set(experience.outcomes.map(({ release }) => release))).toEqual(new Set(["today", "next"]));
    expect(experience.signOuts).toBeGreaterThan(people.length);
    const renewals = lines.filter(({ request }) => request === "POST /oauth2/token");
    expect(renewals.length).toBeGreaterThan(people.length * 5);
    // What could not be given to a node was given to another; nothing was carried out twice.
    expect(lines.filter(({ asked }) => asked.length > 1).length).toBeGreaterThan(0);
    expect(askedTwice(lines)).toEqual([]);
  }, 300_000);

  test("a node of each kind is killed: what was under way there may fail, the others go on, nobody is signed out", async () => {
    const before = site.log().length;
    const load = startLoad(site, people);
    await waitFor(() => load.soFar().signIns >= people.length);
    const killedAt = performance.now();
    const [store, provider] = [site.store[1], site.provider[0]];
    store?.signal("SIGKILL");
    provider?.signal("SIGKILL");
    await Promise.all([store?.ended(), provider?.ended()]);
    await delay(untilAskedAgain);
    for (const each of [provider, store]) each?.start();
    for (const each of [provider, store]) await each?.ready();
    await delay(untilAskedAgain);
    const experience = await load.stop();

    expect(experience.signedOut).toEqual([]);
    const failed = experience.outcomes.filter(hasFailed);
    // What failed was on its way when the nodes died.
    const later = failed.filter(({ sent }) => sent > killedAt + 500);
    const lines = site.log().slice(before);
    expect(later.length === 0 ? [] : [...failures(experience, killedAt), ...broken(lines)]).toEqual([]);
    expect(failed.filter(({ method }) => method === "GET")).toEqual([]);
    expect(askedTwice(lines)).toEqual([]);
  }, 180_000);
});
