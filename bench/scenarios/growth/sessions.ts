// What uses of sessions cost over stores of different sizes: a signed-in page, the list of one's sign-ins, the end of all of them. First
// every candidate is seen to do that.
import { randomInt } from "node:crypto";
import { serverCpu } from "../../../test/scaling-costs.ts";
import { isPageOf } from "../../page.ts";
import { type Rounds, rounds } from "../../rounds.ts";
import { type Running, start } from "../../running.ts";
import { load } from "../../wrk.ts";
import { cache } from "./cached.ts";
import type { Place, What } from "./ground.ts";
import { cookieOf, each, peopleOf, personOf, userOf } from "./made.ts";

/** Microseconds of CPU a request: the candidate's, and its server's. */
export interface Cost {
  readonly own: number;
  readonly server: number;
}

/** The costs of one candidate in one round. */
export interface SessionCosts {
  readonly page: Cost;
  readonly list: Cost;
  readonly end: Cost;
}

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly lists: number;
  readonly ends: number;
}

/** Browsers that ask in turn, others each round: few of so many are used at a time. */
const browsers = 4_000;
const connections = 32;
const lanes = 8;

interface Candidate extends Running {
  readonly place: Place;
}

/** What is done to a candidate of any size. */
interface Doing<Costs> {
  readonly file: string;
  readonly check: (candidate: Candidate) => Promise<void>;
  readonly measure: (candidate: Candidate, effort: Effort) => Promise<Costs>;
}

/** Measures one store in all its sizes, round by round; rounds are by size, as text. */
export function sessionCosts(
  what: What,
  places: readonly Place[],
  effort: Effort,
): Promise<Rounds<SessionCosts>> {
  const doing = {
    file: "servers/growth-sessions.ts",
    check: (each: Candidate) => check(what, each),
    measure: costs,
  };
  return inAllSizes(what, places, effort, doing);
}

/** The limit of a page on SQLite: the same files without our code. Of people who have been signed out meanwhile nobody is asked for. */
export function limitCosts(
  places: readonly Place[],
  effort: Effort,
): Promise<Rounds<Pick<SessionCosts, "page">>> {
  const measure = async (candidate: Candidate, { seconds }: Effort) => ({
    page: await pageCost(candidate, seconds),
  });
  const checked = (each: Candidate) => checkPages("the limit", each);
  return inAllSizes("sqlite", places, effort, { file: "servers/limit-growth.ts", check: checked, measure });
}

async function inAllSizes<Costs>(
  what: What,
  places: readonly Place[],
  effort: Effort,
  { file, check, measure }: Doing<Costs>,
): Promise<Rounds<Costs>> {
  const candidates: Candidate[] = [];
  try {
    for (const place of places) {
      const environment = { WHAT: what, WHERE: place.where };
      const running = await start({ name: String(place.size), file, environment });
      candidates.push({ ...running, place });
    }
    for (const candidate of candidates) {
      await check(candidate);
      // What is compiled first is not measured.
      await measure(candidate, { ...effort, seconds: 1 });
    }
    return await rounds(candidates, effort.rounds, (candidate) => measure(candidate, effort));
  } finally {
    await Promise.all(candidates.map((candidate) => candidate.stop()));
  }
}

async function costs(candidate: Candidate, { seconds, lists, ends }: Effort): Promise<SessionCosts> {
  const page = await pageCost(candidate, seconds);
  const list = await costOf(candidate, () => inLanes(lists, () => listed(candidate, anyone(candidate))));
  const people = Array.from({ length: ends }, () => leaving(candidate));
  const tokens = await Promise.all(people.map((person) => formToken(candidate, person)));
  const end = await costOf(candidate, () =>
    inLanes(ends, (index) => signOutEverywhere(candidate, people[index] ?? 0, tokens[index] ?? "")),
  );
  return { page, list, end };
}

function pageCost(candidate: Candidate, seconds: number): Promise<Cost> {
  cache(candidate.place);
  const cookies = Array.from({ length: Math.min(browsers, candidate.place.size) }, () =>
    cookieOf(anyone(candidate)),
  );
  const { port, host } = candidate;
  return costOf(candidate, async () => {
    const { requests, failed } = await load({ port, host, path: "/page", cookies, seconds, connections });
    if (failed > 0) throw new Error(`${candidate.name}: ${failed} pages failed`);
    return requests;
  });
}

async function costOf(candidate: Candidate, requests: () => Promise<number>): Promise<Cost> {
  const { server } = candidate.place;
  const before = { own: (await candidate.usage()).cpu, server: serverCpu(server) };
  const count = await requests();
  const after = { own: (await candidate.usage()).cpu, server: serverCpu(server) };
  return { own: (after.own - before.own) / count, server: (after.server - before.server) / count };
}

async function inLanes(count: number, one: (index: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const lane = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return count;
}

/** The number of a session that is still there. */
function anyone({ place }: Candidate): number {
  for (;;) {
    const index = randomInt(place.size);
    if (!place.ended.has(personOf(index, place))) return index;
  }
}

/** Somebody whose sign-ins are about to end. */
function leaving({ place }: Candidate): number {
  for (;;) {
    const person = randomInt(peopleOf(place.size));
    if (place.ended.has(person)) continue;
    place.ended.add(person);
    return person;
  }
}

function ask(
  { port }: Candidate,
  path: string,
  cookie: string | null,
  { method = "GET", headers = {} }: { method?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const sent = { ...headers, accept: "text/html", ...(cookie !== null && { cookie }) };
  return fetch(`http://127.0.0.1:${port}${path}`, { method, headers: sent, redirect: "manual" });
}

async function listed(candidate: Candidate, index: number): Promise<readonly { isThis: boolean }[]> {
  const response = await ask(candidate, "/devices", cookieOf(index));
  if (response.status !== 200) throw new Error(`${candidate.name}: no list, but ${response.status}`);
  const { devices } = (await response.json()) as { devices: { isThis: boolean }[] };
  if (devices.length !== each)
    throw new Error(`${candidate.name} lists ${devices.length} sign-ins of ${each}`);
  return devices;
}

// The first session of somebody has his own number.
async function formToken(candidate: Candidate, person: number): Promise<string> {
  const response = await ask(candidate, "/form-token", cookieOf(person));
  if (response.status !== 200) throw new Error(`${candidate.name}: no form token, but ${response.status}`);
  return response.text();
}

async function signOutEverywhere(candidate: Candidate, person: number, token: string): Promise<void> {
  const headers = { "x-form-token": token, "sec-fetch-site": "same-origin" };
  const init = { method: "POST", headers };
  const { status } = await ask(candidate, "/sign-out-everywhere", cookieOf(person), init);
  if (status !== 204) throw new Error(`${candidate.name}: not signed out everywhere, but ${status}`);
}

async function check(what: What, candidate: Candidate): Promise<void> {
  const { place } = candidate;
  await checkPages(what, candidate);
  const fail = failing(what, candidate);
  const person = leaving(candidate);
  if ((await listed(candidate, person)).filter(({ isThis }) => isThis).length !== 1)
    fail("lists no sign-in as this one");
  await signOutEverywhere(candidate, person, await formToken(candidate, person));
  for (let index = person; index < place.size; index += peopleOf(place.size))
    if ((await ask(candidate, "/page", cookieOf(index))).status !== 302)
      fail("serves a session that was ended");
  const other = anyone(candidate);
  if ((await ask(candidate, "/page", cookieOf(other))).status !== 200) fail("ended somebody else's session");
}

async function checkPages(what: string, candidate: Candidate): Promise<void> {
  const { place } = candidate;
  const fail = failing(what, candidate);
  for (let count = 0; count < 50; count++) {
    const index = anyone(candidate);
    const response = await ask(candidate, "/page", cookieOf(index));
    const { email = "" } = userOf(personOf(index, place));
    if (!isPageOf(await response.text(), email))
      fail(`serves another page than ${email}'s: ${response.status}`);
  }
  if ((await ask(candidate, "/page", null)).status !== 302) fail("serves the page to nobody");
  const unknown = cookieOf(place.size);
  if ((await ask(candidate, "/page", unknown)).status !== 302)
    fail("serves the page to a session that is none");
}

function failing(what: string, { place }: Candidate): (which: string) => never {
  return (which) => {
    throw new Error(`${what} of ${place.size} sessions ${which}`);
  };
}
