// Scenario 6: many people sign in at once, while somebody else goes on reading.
import { exchange } from "../exchange.ts";
import { each, paired, rounds, type Rounds, spread } from "../rounds.ts";
import { loadCore, type Running, start } from "../running.ts";
import {
  atLeast,
  atMost,
  number,
  type Options,
  type Scenario,
  type Section,
  shown,
  type Table,
} from "../section.ts";
import { type Overflow, overflow, overflowTable, overflowTargets, states } from "./sign-in/overflow.ts";
import { check, type How, throughBetterAuth, throughTheForm } from "./sign-in/ways.ts";
import type { Visiting, Visits } from "../servers/visits.ts";

const lanes = 32;
/** More sign-ins of one account at once than five would be throttled as guesses. */
const people = 320;
const visitsPerSecond = 50;
const [latchkey, betterAuth] = ["Latchkey", "better-auth"];
const [alone, limit] = ["Latchkey, no reader", "the limit: a form, the hash, one commit"];
const bare = "argon2id alone";
const [roomy, roomyBare] = [
  "Latchkey, two cores, one hash at a time",
  "argon2id alone, two cores, one hash at a time",
];

/** A candidate and its storm. */
interface Stormed {
  readonly name: string;
  readonly candidate: Running;
  /** `null`: nobody signs in, it checks passwords. */
  readonly how: How | null;
  /** Whether somebody reads a page meanwhile. */
  readonly isRead: boolean;
}

/** What a round came to: for `bare`, passwords checked. */
interface Storm {
  readonly signIns: number;
  readonly seconds: number;
  /** Microseconds of the server's CPU, pages included. */
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly page: Visits | null;
}

/** Everybody who runs. */
interface Cast {
  readonly ours: Running;
  readonly roomy: Running;
  readonly peer: Running;
  readonly limit: Running;
  readonly bare: Running;
  readonly roomyBare: Running;
  readonly reader: Running;
}

export const scenario: Scenario = async (options) => {
  const running: Running[] = [];
  try {
    const cast = await started(running, options);
    const { ours, peer } = cast;
    const how = await throughTheForm(ours, people);
    const all: Stormed[] = [
      { name: latchkey, candidate: ours, how, isRead: true },
      { name: betterAuth, candidate: peer, how: throughBetterAuth(peer), isRead: true },
      { name: alone, candidate: ours, how, isRead: false },
      { name: limit, candidate: cast.limit, how: { ...how, headers: {} }, isRead: false },
      { name: bare, candidate: cast.bare, how: null, isRead: false },
      {
        name: roomy,
        candidate: cast.roomy,
        how: await throughTheForm(cast.roomy, people),
        isRead: false,
      },
      { name: roomyBare, candidate: cast.roomyBare, how: null, isRead: false },
    ];
    options.say("  checking who is let in");
    for (const { candidate, how, isRead } of all) if (how !== null && isRead) await check(candidate, how);
    const measured = await storms(all, cast.reader, options);
    const overflowed = [
      await overflow(ours, how, options),
      await overflow(cast.limit, { ...how, headers: {} }, options),
      ...(options.isQuick
        ? []
        : [await overflow(cast.roomy, await throughTheForm(cast.roomy, people), options)]),
    ];
    return sectionOf(measured, overflowed, [ours.versions ?? {}, peer.versions ?? {}]);
  } finally {
    for (const each of running) await each.stop();
  }
};

async function started(running: Running[], { say }: Options): Promise<Cast> {
  const begin = async (name: string, file: string, more: Partial<Parameters<typeof start>[0]> = {}) => {
    say(`  ${name}: starting`);
    const candidate = await start({ name, file, ...more });
    running.push(candidate);
    return candidate;
  };
  const HASHES_AT_ONCE = "1";
  return {
    ours: await begin(latchkey, "servers/sign-in.ts", {
      environment: { PEOPLE: String(people) },
    }),
    roomy: await begin(roomy, "servers/sign-in.ts", {
      environment: { PEOPLE: String(people), HASHES_AT_ONCE },
      core: null,
    }),
    peer: await begin(betterAuth, "peers/better-auth-page.ts", {
      environment: { STORE: "sqlite", SIGN_INS: "20" },
    }),
    limit: await begin(limit, "servers/limit-sign-in.ts"),
    bare: await begin(bare, "servers/argon2.ts"),
    roomyBare: await begin(roomyBare, "servers/argon2.ts", { environment: { HASHES_AT_ONCE }, core: null }),
    reader: await begin("a reader", "servers/visits.ts", { core: loadCore }),
  };
}

function sectionOf(
  measured: Rounds<Storm>,
  overflowed: readonly Overflow[],
  versions: readonly Readonly<Record<string, string>>[],
): Section {
  return {
    title: "6. Sign-in",
    text: textOf(versions),
    tables: [tableOf(measured), overflowTable(overflowed)],
    targets: [
      atLeast(
        "sign-ins ÷ passwords that one core can check at all",
        0.95,
        paired(measured, alone, bare, rate),
        { limit: paired(measured, limit, bare, rate) },
      ),
      atLeast(
        "the same where the hash has a core and the rest another one",
        0.95,
        paired(measured, roomy, roomyBare, rate),
      ),
      atMost(
        "a page's p99 meanwhile ÷ better-auth's",
        0.125,
        paired(measured, latchkey, betterAuth, pageP99),
        { digits: 3 },
      ),
      ...overflowed
        .filter(({ name }) => name !== limit)
        .flatMap((each) => overflowTargets(each, each.name === latchkey ? limitOf(overflowed) : undefined)),
    ],
    charts: [
      {
        file: "sign-in-page",
        title: "A page while 32 people sign in at a time",
        unit: "p99, ms (less is better)",
        bars: [latchkey, betterAuth].map((name) => ({
          name,
          value: spread(each(measured, name, pageP99)).median,
          isOurs: name === latchkey,
        })),
      },
    ],
  };
}

function limitOf(overflowed: readonly Overflow[]): Overflow | undefined {
  return overflowed.find(({ name }) => name === limit);
}

function textOf(versions: readonly Readonly<Record<string, string>>[]): string {
  const named = versions.map((each) =>
    Object.entries(each)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  );
  return `${lanes} people sign in at a time, each as soon as the one before is in, from ever other addresses and with
${people} accounts (better-auth: 20), so that neither throttle nor rate limit is what is measured. Where there is a reader, a signed-in page is asked for
${visitsPerSecond} times a second meanwhile, whatever the answers take.

Every candidate, hashing included, has one core (core 0), load and reader the other; the two of which it is said may use both, as may the load.
"${bare}" checks passwords with the provider's parameters (argon2id, 19 MiB, two passes, one lane), one at a time as the provider does on one core, and
does nothing else: no HTTP, no store, no token. On one core whatever else signing in takes is taken from that rate; that is the limit.
With a second core the hash keeps its own, and the rest of signing in has to fit beside it.

Latchkey: the application's form on Fastify, the library, the embedded provider; the failed attempt, that it was none, the refresh-token family and the
sign-in are each on the disk (\`synchronous = FULL\`) before anybody is in; the session itself is \`NORMAL\`.
better-auth: \`POST /api/auth/sign-in/email\`, scrypt (N=2^14, r=16, 32 MiB, four at once in libuv's pool), SQLite WAL \`NORMAL\`; nothing bounds
how many wait. ${named.join("; ")}.

Past the queue: the limit has the same queue and says 503 with nothing looked at but the form. Where the hash has the same core, the
scheduler lets the event loop wait for it.

Checked first: the right password signs in and its cookie opens the page of that person, a wrong one does not, no cookie no page.`;
}

/** The storms, round by round; one before them, which is not counted, brings everybody up to speed. */
async function storms(
  all: readonly Stormed[],
  reader: Running,
  { isQuick, say }: Options,
): Promise<Rounds<Storm>> {
  const seconds = isQuick ? 1 : 5;
  for (const each of all) if (each.how !== null) await storm(each, reader, isQuick ? 0.3 : 4);
  return rounds(all, isQuick ? 1 : 5, async (each, round) => {
    const measured = await storm(each, reader, seconds);
    say(`  round ${round + 1}: ${each.name}: ${number(rate(measured), 1)}/s`);
    return measured;
  });
}

async function storm(stormed: Stormed, reader: Running, seconds: number): Promise<Storm> {
  const { name, candidate, how, isRead } = stormed;
  const { cpu: before } = await candidate.usage();
  const used = async () => (await candidate.usage()).cpu - before;
  if (how === null) {
    const checked = (await candidate.ask("check", seconds)) as { checked: number; seconds: number };
    const unknown = { p50: Number.NaN, p99: Number.NaN, page: null };
    return { signIns: checked.checked, seconds: checked.seconds, cpu: await used(), ...unknown };
  }
  const lanesOf = await exchange("sign-in", candidate, states(how, lanes, 0));
  try {
    const reading = isRead ? reader.ask("visit", visiting(candidate, seconds)) : null;
    const [signedIn, page] = await Promise.all([lanesOf.run(seconds), reading]);
    const { requests: signIns, seconds: took, p50, p99, failure, failed } = signedIn;
    if (failure !== null) throw new Error(`${name}: ${failed} lanes failed: ${failure}`);
    return { signIns, seconds: took, cpu: await used(), p50, p99, page: page as Visits | null };
  } finally {
    await lanesOf.stop();
  }
}

function visiting({ port, host, cookies = [], names = [] }: Running, seconds: number): Visiting {
  const [cookie = "", name = ""] = [cookies[0], names[0]];
  return { port, host, cookie, name, perSecond: visitsPerSecond, seconds };
}

function tableOf(measured: Rounds<Storm>): Table {
  const row = (name: string) => {
    const median = (of: (storm: Storm) => number, digits = 1) => {
      const { median } = spread(each(measured, name, of));
      return Number.isNaN(median) ? "–" : number(median, digits);
    };
    return [
      name,
      shown(spread(each(measured, name, rate)), 1),
      shown(paired(measured, name, name === roomy || name === roomyBare ? roomyBare : bare, rate)),
      median(({ cpu, signIns }) => cpu / signIns / 1_000),
      median(({ p50 }) => p50, 0),
      median(({ p99 }) => p99, 0),
      median(({ page }) => page?.p50 ?? Number.NaN),
      Number.isNaN(each(measured, name, pageP99)[0]) ? "–" : shown(spread(each(measured, name, pageP99)), 1),
      median(({ page }) => page?.most ?? Number.NaN),
    ];
  };
  return {
    title: `${lanes} at a time`,
    columns: [
      "candidate",
      "sign-ins/s",
      "ratio to argon2id alone",
      "server CPU ms/sign-in, with its pages",
      "sign-in p50 ms",
      "p99 ms",
      "page p50 ms",
      "page p99 ms",
      "most ms",
    ],
    rows: [latchkey, betterAuth, alone, limit, bare, roomy, roomyBare].map(row),
  };
}

function rate({ signIns, seconds }: Storm): number {
  return signIns / seconds;
}

function pageP99({ page }: Storm): number {
  return page?.p99 ?? Number.NaN;
}
