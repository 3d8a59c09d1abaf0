// What scenarios 1 to 3 do alike: the checks before, the rounds, and the table.
import { request as send } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { isPageOf } from "./page.ts";
import {
  cpu,
  each,
  joined,
  paired,
  rounds,
  type Rounds,
  type Sample,
  type Spread,
  spread,
  throughput,
} from "./rounds.ts";
import { type Running, start, type Start } from "./running.ts";
import { type Chart, number, type Options, shown, type Table } from "./section.ts";
import { load } from "./wrk.ts";

const connections = 32;

/** How a candidate's page is asked for. */
export interface Visited {
  readonly name: string;
  readonly candidate: Running;
  /** Default `/page`. */
  readonly path?: string;
  /** What is sent instead of the candidate's own cookies; none: no cookie at all. */
  readonly cookies?: readonly string[];
  /** Why the server's expiry does not move with a use, where that is known. */
  readonly standsStill?: string;
}

/**
 * Throws unless the signed-in page names who signed in, the signed-out one is refused, a cookie that was tampered with is, too, and a use moves
 * the session's end.
 */
export async function checkSessions({ name, candidate, standsStill }: Visited): Promise<void> {
  const { cookies = [], names = [] } = candidate;
  if (cookies.length === 0) throw new Error(`${name}: nobody has signed in`);
  for (const [index, cookie] of cookies.entries()) {
    const { status, body } = await ask(candidate, cookie);
    if (status !== 200 || !isPageOf(body, names[index] ?? ""))
      throw new Error(
        `${name}: the page of browser ${index} is ${status}, and not ${names[index]}'s: ${body}`,
      );
  }
  for (const [what, cookie] of [
    ["no cookie", ""],
    ["a cookie that was tampered with", tampered(cookies[0] ?? "")],
  ] as const) {
    const { status } = await ask(candidate, cookie);
    if (status !== 302 && status !== 401) throw new Error(`${name}: ${what} got ${status}`);
  }
  if (standsStill !== undefined) return;
  const before = Number(await candidate.ask("expiryOf", 1));
  await delay(1_100);
  await ask(candidate, cookies[1] ?? "");
  const moved = Number(await candidate.ask("expiryOf", 1)) - before;
  if (!(moved > 500)) throw new Error(`${name}: a second later a use moved the expiry by ${moved} ms`);
}

// Each character that may be one of a value is turned into another.
function tampered(cookie: string): string {
  return cookie.replace(/=[^;]*/g, (value) => `=${value.slice(1).split("").toReversed().join("")}`);
}

function ask({ port, host }: Running, cookie: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host, accept: "text/html", ...(cookie !== "" && { cookie }) };
    send({ host: "127.0.0.1", port, path: "/page", headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });
}

/** One round of one candidate; throws where a request was not answered as it should be. */
export async function measurePage(
  { name, candidate, path = "/page", cookies = candidate.cookies ?? [] }: Visited,
  seconds: number,
): Promise<Sample> {
  const { port, host } = candidate;
  const before = await candidate.usage();
  const { failed, ...answered } = await load({ port, host, path, cookies, seconds, connections });
  const { cpu } = await candidate.usage();
  if (failed > 0 || answered.requests === 0) throw new Error(`${name}: ${failed} requests failed`);
  return { ...answered, cpu: cpu - before.cpu };
}

/** Warms each candidate up, then measures them in turn. */
async function measurePages(visited: readonly Visited[], options: Options): Promise<Rounds> {
  const [count, seconds] = options.isQuick ? [1, 1] : [3, 1];
  for (const each of visited) {
    options.say(`  ${each.name}: warming up`);
    await measurePage(each, options.isQuick ? 1 : 3);
  }
  return rounds(visited, count, (candidate, round) => {
    options.say(`  round ${round + 1} of ${count}: ${candidate.name}`);
    return measurePage(candidate, seconds);
  });
}

/** A row a candidate, compared with the same page with no session. */
export function pageTable(
  measured: Rounds,
  rows: readonly { readonly name: string; readonly base: string; readonly durability?: string }[],
): Table {
  return {
    columns: [
      "candidate",
      "requests/s",
      "ratio to no session",
      "server CPU µs/request",
      "p50 ms",
      "p99 ms",
      "what survives",
    ],
    rows: rows.map(({ name, base, durability = "–" }) => [
      name,
      number(spread(each(measured, name, throughput)).median),
      shown(paired(measured, name, base, throughput)),
      shown(spread(each(measured, name, cpu)), 1),
      number(spread(each(measured, name, ({ p50 }) => p50)).median, 2),
      number(spread(each(measured, name, ({ p99 }) => p99)).median, 2),
      durability,
    ]),
  };
}

/** What a session costs: microseconds of CPU a request above the same page with none, round by round. */
export function costOfSession(measured: Rounds, name: string, base: string): number[] {
  const below = each(measured, base, cpu);
  return each(measured, name, cpu).map((value, round) => value - (below[round] ?? Number.NaN));
}

/** One candidate's cost of a session through another's, round by round. */
export function ratioOfCosts(
  measured: Rounds,
  [name, base]: readonly [string, string],
  [peer, baseOfPeer]: readonly [string, string],
): Spread {
  const below = costOfSession(measured, peer, baseOfPeer);
  const above = costOfSession(measured, name, base);
  return spread(above.map((value, round) => value / (below[round] ?? Number.NaN)));
}

/** Bars of such costs; Latchkey's are ours. */
export function chartOfCosts(
  measured: Rounds,
  { file, title }: { readonly file: string; readonly title: string },
  bars: readonly (readonly [string, string])[],
): Chart {
  return {
    file,
    title,
    unit: "µs of CPU a request, above the same page with no session",
    bars: bars.map(([name, base]) => ({
      name,
      value: spread(costOfSession(measured, name, base)).median,
      isOurs: name.includes("Latchkey"),
    })),
  };
}

/** A candidate to start, and how it is asked. */
export interface Entry extends Start, Pick<Visited, "path" | "cookies" | "standsStill"> {
  /** Nobody signs in, so there is nothing to check. It is asked with the cookies of the first candidate that has any. */
  readonly isBare?: boolean;
  /** What else it has to show before it is measured than that its sessions are right. */
  readonly check?: (visited: Visited) => Promise<void>;
}

/**
 * Starts them one after the other, checks each, measures all in turn, and stops them; and that three times: the same program, started twice,
 * may differ by a tenth for as long as it runs, by how its code was compiled and where its memory lies.
 */
export async function compare(entries: readonly Entry[], options: Options): Promise<Rounds> {
  const measured = await compareOnce(entries, options);
  if (options.isQuick) return measured;
  return joined([measured, await compareOnce(entries, options), await compareOnce(entries, options)]);
}

async function compareOnce(entries: readonly Entry[], options: Options): Promise<Rounds> {
  const visited: Visited[] = [];
  try {
    for (const { isBare = false, check = checkSessions, path, cookies, standsStill, ...entry } of entries) {
      options.say(`  ${entry.name}: starting, and checking what it does`);
      const visit = {
        name: entry.name,
        candidate: await start(entry),
        ...(path !== undefined && { path }),
        ...(cookies !== undefined && { cookies }),
        ...(standsStill !== undefined && { standsStill }),
      };
      visited.push(visit);
      if (!isBare) await check(visit);
    }
    const some = visited.find(({ candidate }) => candidate.cookies?.length)?.candidate.cookies ?? [];
    const asked = visited.map((visit) =>
      visit.candidate.cookies?.length ? visit : { cookies: some, ...visit },
    );
    return await measurePages(asked, options);
  } finally {
    for (const { candidate } of visited) await candidate.stop();
  }
}

/** How many browsers sign in: peers take 80 ms for each. */
export function signIns({ isQuick }: Options): string {
  return isQuick ? "10" : "40";
}
