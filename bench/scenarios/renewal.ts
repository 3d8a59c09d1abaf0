// Scenario 4: a session that has expired, renewed in the answer that brings the page. Each lane is a browser; each of its requests renews.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, valuesOf, written } from "../connection.ts";
import { type Exchange, exchange, sampled } from "../exchange.ts";
import { type Browser, turn } from "../lanes/renewal.ts";
import type { Family } from "../lanes/token.ts";
import { cpu, each, paired, type Rounds, rounds, type Sample, spread, throughput } from "../rounds.ts";
import { type Running, start } from "../running.ts";
import { atMost, number, type Options, type Scenario, shown, type Table } from "../section.ts";

const lanesEach = 32;

/** How many times as fast as the real one the clocks of all parts run: a session's second is over after 4 ms. */
const speed = 250;

/** One that is ready to be measured. */
interface Ready {
  readonly name: string;
  /** What answers it, with the provider where that is a process of its own. */
  readonly servers: readonly Running[];
  readonly lanes: Exchange<unknown>;
}

const embedded = {
  renewal: "renewal, provider embedded",
  limit: "the limit, embedded",
  refresh: "its refresh alone, embedded",
};
const overHttp = {
  renewal: "renewal, provider over HTTP",
  limit: "the limit, over HTTP",
  refresh: "its refresh alone, over HTTP",
};

export const scenario: Scenario = async (options) => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-bench-"));
  const servers: Running[] = [];
  const ready: Ready[] = [];
  const begin = async (name: string, file: string, environment: Record<string, string>) => {
    const clock = { CLOCK: `${begun} ${speed}` };
    const server = await start({ name, file, environment: { ...clock, ...environment } });
    servers.push(server);
    return server;
  };
  const begun = Date.now();
  try {
    const provider = await begin("provider", "servers/refresh.ts", { DATABASE: join(folder, "idp.sqlite") });
    const there = {
      PROVIDER: `http://127.0.0.1:${provider.port}`,
      REGISTERED: JSON.stringify(await provider.ask("registered")),
    };
    for (const [names, environment] of [
      [embedded, {}],
      [overHttp, there],
    ] as const) {
      const besides = names === overHttp ? [provider] : [];
      const page = await begin(names.renewal, "servers/renewal.ts", { WORK: "renewal", ...environment });
      await check(page);
      ready.push(await renewing(page, besides));
      const limit = await begin(names.limit, "servers/renewal.ts", { WORK: "limit", ...environment });
      ready.push(await renewingLimit(limit, besides));
      const bare = await begin(names.refresh, "servers/renewal.ts", { WORK: "refresh", ...environment });
      ready.push(await refreshing(bare, besides));
    }
    const measured = await measure(ready, options);
    return sectionOf(ready, measured);
  } finally {
    await Promise.all([...ready.map(({ lanes }) => lanes.stop()), ...servers.map((server) => server.stop())]);
    rmSync(folder, { recursive: true, force: true });
  }
};

/** That a request without cookies is sent to sign in, that a page renews, and that the pair before the last ends the sign-in. */
async function check(page: Running): Promise<void> {
  const connection = await connect(page.port);
  const ask = (cookie: string) =>
    connection.ask(written("GET", "/page", { Host: page.host, Accept: "text/html", Cookie: cookie }));
  const renewed = async (browser: Browser) => {
    // Until the session is over.
    await pause(50);
    return turn(connection, browser, page);
  };
  const mustBeRefused = async (what: string, cookie: string) => {
    await pause(50);
    const answer = await ask(cookie);
    if (answer.status !== 302 || valuesOf(answer, "set-cookie").length > 0)
      throw new Error(`${page.name}: ${what} was answered ${answer.status}`);
  };
  try {
    await mustBeRefused("nobody", "none=");
    const first = (await page.ask("another")) as Browser;
    const second = await renewed(first);
    const third = await renewed(second);
    await mustBeRefused("an old pair", first.cookie);
    await mustBeRefused("the newest pair after an old one was shown", third.cookie);
  } finally {
    connection.close();
  }
}

async function renewing(page: Running, besides: readonly Running[]): Promise<Ready> {
  const browsers = (await page.ask("browsers")) as Browser[];
  return {
    name: page.name,
    servers: [page, ...besides],
    lanes: await exchange("renewal", page, browsers.slice(0, lanesEach)),
  };
}

async function renewingLimit(limit: Running, besides: readonly Running[]): Promise<Ready> {
  const browsers = (await limit.ask("limitBrowsers", await tokensFor(limit, besides))) as Browser[];
  return {
    name: limit.name,
    servers: [limit, ...besides],
    lanes: await exchange("renewal", limit, browsers),
  };
}

async function refreshing(bare: Running, besides: readonly Running[]): Promise<Ready> {
  return {
    name: bare.name,
    servers: [bare, ...besides],
    lanes: await exchange("bare-refresh", bare, await tokensFor(bare, besides)),
  };
}

/** A refresh token for each lane, of the provider that it asks. */
async function tokensFor(server: Running, [provider]: readonly Running[]): Promise<string[]> {
  const families = (await (provider === undefined
    ? server.ask("families", lanesEach)
    : provider.ask("families", { by: "grant", grace: true, count: lanesEach }))) as Family[];
  return families.map(({ token }) => token);
}

async function measure(ready: readonly Ready[], { isQuick, say }: Options): Promise<Rounds> {
  const [count, seconds] = isQuick ? [2, 1] : [7, 3];
  for (const { name, servers, lanes } of ready) {
    say(`warming: ${name}`);
    await sampled(lanes, servers, isQuick ? 0.5 : 4);
  }
  return rounds(ready, count, ({ name, servers, lanes }, round) => {
    say(`round ${round + 1} of ${count}: ${name}`);
    return sampled(lanes, servers, seconds);
  });
}

function sectionOf(ready: readonly Ready[], measured: Rounds) {
  const above = (name: string, refresh: string) => {
    const { median, least, most } = paired(measured, name, refresh, cpu);
    return { median: median - 1, least: least - 1, most: most - 1 };
  };
  const overhead = ({ renewal, refresh }: typeof embedded) => above(renewal, refresh);
  const limitOf = ({ limit, refresh }: typeof embedded) => above(limit, refresh);
  return {
    title: "4. Renewal: an expired session becomes a new one in the same response",
    text: `${lanesEach} browsers with a pair of cookies each, in a closed loop. Whenever one of them asks for the page, its session has expired; the
answer holds the page and a new pair. Workflow W2, hardened, Fastify, sessions and sign-ins in SQLite (sign-ins WAL and FULL, sessions WAL and NORMAL),
the provider in SQLite (WAL, FULL): embedded in the same process, or in one of its own on the same core, whose CPU is counted too. Beside each, the
provider's refresh alone: the same grant, asked for in the same way and its answer read, by a route that does nothing else. Clocks run ${speed} times
as fast as the real one and each browser waits 10 ms (in its latency, too), so that a session that idles out after a second has, at every request. Checked: who has no cookies is sent to sign in, the page is
the right person's, both cookies change at every request, and a pair that was renewed is refused and ends the sign-in.

**The limit** has everything of ours taken away: the pair opened (AES-GCM), the refresh, the access token's signature verified
(\`node:crypto\`), the new session on the disk, the new pair sealed, the page (\`bench/servers/limit-renewal.ts\`).`,
    tables: [tableOf(ready, measured)],
    targets: [
      atMost("CPU of a renewal above the provider's refresh, embedded", 0.3, overhead(embedded), {
        limit: limitOf(embedded),
      }),
      atMost("CPU of a renewal above the provider's refresh, over HTTP", 0.3, overhead(overHttp), {
        limit: limitOf(overHttp),
      }),
    ],
    charts: [
      {
        file: "renewal",
        title: "Renewal, and the provider's part of it",
        unit: "CPU µs",
        bars: ready.map(({ name }) => ({
          name,
          value: spread(each(measured, name, cpu)).median,
          isOurs: name === embedded.renewal || name === overHttp.renewal,
        })),
      },
    ],
  };
}

function tableOf(ready: readonly Ready[], measured: Rounds): Table {
  return {
    columns: ["candidate", "CPU µs a request", "requests/s", "p50 ms", "p99 ms"],
    rows: ready.map(({ name }) => {
      const of = (value: (sample: Sample) => number) => spread(each(measured, name, value));
      return [
        name,
        shown(of(cpu), 0),
        shown(of(throughput), 0),
        number(of(({ p50 }) => p50).median, 1),
        number(of(({ p99 }) => p99).median, 1),
      ];
    }),
  };
}
