// Scenario 8: a user with ten thousand sign-ins, and what ends them. Nobody else may wait for it.
import { type PostgresServer, startPostgres } from "../../test/servers/postgres.ts";
import { type RedisServer, startRedis } from "../../test/servers/redis.ts";
import { pinToLoadCore } from "../pinned.ts";
import { each, rounds, type Rounds, type Spread, spread } from "../rounds.ts";
import { loadCore, type Running, start } from "../running.ts";
import { atMost, number, type Options, type Scenario, type Section, shown, type Table } from "../section.ts";
import type { Measured, Order } from "../servers/families.ts";

const receivers = 5;
const MiB = 1_048_576;
/** Lists of the provider end there, and those that are asked for here. */
const mostListed = 1_000;
const [embedded, servers] = ["SQLite", "Postgres, Redis"];

/** Something that ends sign-ins. */
interface Act {
  readonly name: string;
  readonly what: string;
  /** The part of a user's families that it ends; 1: all that are left. */
  readonly portion: number;
}

// What is done to one user, one after the other; then to another one, who has sign-ins as well.
const toFamilies: readonly Act[] = [
  { name: "replay", what: "a tenth of the families: a token of long ago is shown again", portion: 0.1 },
  {
    name: "fanOut",
    what: `a twentieth, revoked one by one: ${receivers} receivers are told of each`,
    portion: 0.05,
  },
  { name: "revokeAll", what: "the rest: `DELETE /api/jwt/refresh?userId=`", portion: 1 },
];
const toSignIns: readonly Act[] = [
  {
    name: "signOutEverywhere",
    what: "a browser signs out everywhere: all sign-ins, all families",
    portion: 1,
  },
  {
    name: "toldByWebhook",
    what: "all families, as above, and the application that is told by webhook has ended all sign-ins",
    portion: 1,
  },
];
const acts = [...toFamilies, ...toSignIns];

/** What each act took in a round, by its name; of the smaller size first. */
type Round = ReadonlyMap<string, readonly Measured[]>;
type Pair = readonly [small: Measured, large: Measured];
type Sizes = readonly [small: number, large: number];

export const scenario: Scenario = async (options) => {
  const postgres = await startPostgres({ durable: true });
  const redis = await startRedis(["--appendonly", "yes"]);
  const running: Running[] = [];
  try {
    pinToLoadCore(postgres.pid);
    pinToLoadCore(redis.pid);
    const told = await start({ name: "receivers", file: "servers/receivers.ts", core: loadCore });
    running.push(told);
    const candidates = await started(told, { postgres, redis }, running, options);
    const sizes: Sizes = options.isQuick ? [40, 400] : [1_000, 10_000];
    options.say("  checking what they do");
    // The first of everything loads code that the others find.
    for (const candidate of candidates) await roundOf(candidate, told, [40], false);
    const measured = await rounds(candidates, options.isQuick ? 1 : 3, async (candidate, round) => {
      options.say(`  round ${round + 1}: ${candidate.name}`);
      return roundOf(candidate, told, sizes, false);
    });
    const flushes = await rounds(candidates.slice(0, 1), options.isQuick ? 1 : 3, async (candidate) => {
      options.say("  the disk alone");
      return (await candidate.ask("longestFlush", options.isQuick ? 1 : 15)) as number;
    });
    const watched = await rounds(candidates, 1, async (candidate) => {
      options.say(`  memory: ${candidate.name}`);
      return roundOf(candidate, told, sizes.slice(-1), true);
    });
    return sectionOf({ measured, watched, flushes }, sizes);
  } finally {
    for (const each of running) await each.stop();
    await Promise.all([postgres.remove(), redis.remove()]);
  }
};

async function started(
  told: Running,
  { postgres, redis }: { readonly postgres: PostgresServer; readonly redis: RedisServer },
  running: Running[],
  { say }: Options,
): Promise<Running[]> {
  const environments = [
    [embedded, { DATABASE: "sqlite", SESSION_STORE: "sqlite" }],
    [servers, { DATABASE: await postgres.database(), SESSION_STORE: "redis", REDIS_URL: redis.url }],
  ] as const;
  const candidates: Running[] = [];
  for (const [name, environment] of environments) {
    say(`  ${name}: starting`);
    const candidate = await start({
      name,
      file: "servers/families.ts",
      flags: ["--expose-gc"],
      environment: { ...environment, RECEIVERS: String(receivers), RECEIVERS_PORT: String(told.port) },
    });
    candidates.push(candidate);
    running.push(candidate);
  }
  return candidates;
}

async function roundOf(
  candidate: Running,
  told: Running,
  sizes: readonly number[],
  watchesMemory: boolean,
): Promise<Round> {
  const taken = new Map<string, Measured[]>(acts.map(({ name }) => [name, []]));
  for (const size of sizes) {
    await filled(candidate, size, false);
    let left = size;
    for (const act of toFamilies) {
      const count = act.portion === 1 ? left : Math.round(size * act.portion);
      left -= count;
      taken.get(act.name)?.push(await acted(candidate, told, act, { count, left, watchesMemory }));
    }
    for (const act of toSignIns) {
      await filled(candidate, size, true);
      taken.get(act.name)?.push(await acted(candidate, told, act, { count: size, left: 0, watchesMemory }));
    }
  }
  return taken;
}

async function filled(candidate: Running, size: number, signIns: boolean): Promise<void> {
  await candidate.ask("fill", { size, signIns });
  const before = await alive(candidate);
  const listed = Math.min(size, mostListed);
  if (before.families !== listed || before.signIns !== (signIns ? listed : 0))
    throw new Error(`${candidate.name}: of ${size} there are ${JSON.stringify(before)}`);
}

/** Throws where it has not ended what it should, or has ended something else. */
async function acted(
  candidate: Running,
  told: Running,
  { name }: Act,
  { left, ...order }: Order & { readonly left: number },
): Promise<Measured> {
  const { count } = order;
  const failed = (what: unknown) =>
    new Error(`${candidate.name}: ${name} of ${count}: ${JSON.stringify(what)}`);
  await told.ask("counted");
  const measured = (await candidate.ask(name, order)) as Measured;
  const after = await alive(candidate);
  if (after.families !== Math.min(left, mostListed) || after.signIns !== 0) throw failed(after);
  if (name === "fanOut") {
    const counts = Object.values((await told.ask("counted")) as Record<string, number>);
    if (counts.length !== receivers || counts.some((each) => each !== count)) throw failed(counts);
  }
  return measured;
}

async function alive(candidate: Running): Promise<{ families: number; signIns: number }> {
  return (await candidate.ask("alive")) as { families: number; signIns: number };
}

/** What was measured: times and waits, memory, and the longest flush of the disk alone. */
interface Taken {
  readonly measured: Rounds<Round>;
  readonly watched: Rounds<Round>;
  readonly flushes: Rounds<number>;
}

function sectionOf({ measured, watched, flushes }: Taken, sizes: Sizes): Section {
  const [small, large] = sizes.map((size) => number(size));
  const worst = (taken: Rounds<Round>, name: string, of: (pair: Pair) => number): Spread =>
    spread(each(taken, name, (round) => Math.max(...acts.map((act) => of(takenOf(round, act))))));
  return {
    title: "8. Reuse, revocation and webhooks of a user with very many sign-ins",
    text: `Users of ${small} and of ${large} refresh-token families, for the last two acts with a sign-in and a session for each. Provider and application are
one process on core 0; Postgres, Redis and the receivers of webhooks are on core 1. "Longest wait" is the most that the event loop was late,
so the most that anybody else waited for a turn, disk and collection of garbage included. Memory is what was alive on the heap above what was
there before, collected ten times a second in a round of its own, which counts for nothing else.

SQLite: provider and sign-ins \`synchronous = FULL\`. Postgres \`fsync = on\`; Redis \`appendfsync everysec\`. An ending is durable before it is answered, as everywhere:
each sign-in's tombstone is a write of its own, each portion of 200 families a commit. **The limit** of waiting is that disk alone: the longest of all
flushes of 4 kB within 15 seconds, one after the other, by the same process.

Checked in each round: all families and sign-ins are alive before; after it those that were to end have, and no others; a family whose old
token was shown takes its newest no more; every receiver was told of each revocation once, signed.`,
    tables: [embedded, servers].map((name) => tableOf(measured, watched, name, sizes)),
    targets: [embedded, servers].flatMap((name) => [
      atMost(
        `${name}: longest wait of all, ms`,
        20,
        worst(measured, name, (pair) => Math.max(...pair.map(({ late }) => late))),
        {
          digits: 1,
          limit: name === embedded ? spread(each(flushes, name, (longest) => longest)) : undefined,
        },
      ),
      atMost(
        `${name}: time for ${large} ÷ time for ${small}, the worst`,
        15,
        worst(measured, name, ([less, more]) => more.milliseconds / less.milliseconds),
        { digits: 1 },
      ),
      atMost(
        `${name}: alive in memory above the start, MiB, the most`,
        64,
        worst(watched, name, (pair) => Math.max(...pair.map(({ most }) => most)) / MiB),
        { digits: 1 },
      ),
    ]),
    charts: [],
  };
}

function tableOf(
  measured: Rounds<Round>,
  watched: Rounds<Round>,
  name: string,
  [small, large]: Sizes,
): Table {
  const of = (act: Act, which: 0 | 1, value: (taken: Measured) => number, taken = measured) =>
    spread(each(taken, name, (round) => value(takenOf(round, act)[which])));
  return {
    title: name,
    columns: [
      "what",
      `${number(small)}: ms`,
      `${number(large)}: ms`,
      "ratio",
      `${number(small)}: longest wait ms`,
      `${number(large)}: longest wait ms`,
      "alive MiB, most",
      "left after it",
    ],
    rows: acts.map((act) => [
      act.what,
      number(of(act, 0, ({ milliseconds }) => milliseconds).median, 0),
      number(of(act, 1, ({ milliseconds }) => milliseconds).median, 0),
      shown(
        spread(
          each(
            measured,
            name,
            (round) => takenOf(round, act)[1].milliseconds / takenOf(round, act)[0].milliseconds,
          ),
        ),
        1,
      ),
      shown(
        of(act, 0, ({ late }) => late),
        1,
      ),
      shown(
        of(act, 1, ({ late }) => late),
        1,
      ),
      number(of(act, 1, ({ most }) => most / MiB, watched).median, 1),
      number(of(act, 1, ({ left }) => left / MiB, watched).median, 1),
    ]),
  };
}

function takenOf(round: Round, { name }: Act): Pair {
  // Of one size alone where memory is watched.
  const [small, large = small] = round.get(name) ?? [];
  if (small === undefined || large === undefined) throw new Error(`"${name}" was not measured`);
  return [small, large];
}
