// Scenario 7: what grows with the number of sessions, users and refresh-token families, and what does not. Thousand, ten thousand, hundred
// thousand, a million, side by side; each is compared with the thousand of the same round.
import { paired, type Rounds, type Spread, spread } from "../rounds.ts";
import { atMost, type Cell, number, type Scenario, shown, type Table, type Target } from "../section.ts";
import { everything, type Ground, ground, type What } from "./growth/ground.ts";
import { type ProviderCosts, providerCosts } from "./growth/provided.ts";
import { type Cost, limitCosts, type SessionCosts, sessionCosts } from "./growth/sessions.ts";

const all = [1_000, 10_000, 100_000, 1_000_000];
const efforts = {
  quick: { sizes: all.slice(0, 2), rounds: 1, seconds: 1, lists: 100, ends: 15, operations: 300 },
  full: { sizes: all, rounds: 4, seconds: 2, lists: 300, ends: 25, operations: 1_500 },
};

const stores: readonly { readonly what: What; readonly name: string; readonly bound: number }[] = [
  { what: "redis", name: "Redis", bound: 1.15 },
  { what: "sqlite", name: "SQLite", bound: 1.3 },
  { what: "postgres", name: "Postgres", bound: 1.3 },
];
const providers: readonly { readonly what: What; readonly name: string; readonly bound: number }[] = [
  { what: "provider-sqlite", name: "SQLite", bound: 1.3 },
  { what: "provider-postgres", name: "Postgres", bound: 1.3 },
];
const bytesASession = [
  { what: "redis", name: "Redis", bound: 600 },
  { what: "sqlite", name: "SQLite", bound: 520 },
] as const;

/** Growth. */
export const scenario: Scenario = async ({ isQuick, say }) => {
  const { sizes, ...effort } = isQuick ? efforts.quick : efforts.full;
  say(`filling ${sizes.map((size) => number(size)).join(", ")} sessions, users and families`);
  const filled = await ground(everything, sizes, say);
  try {
    const tables: Table[] = [];
    const targets: Target[] = [];
    for (const { what, name, bound } of stores) {
      say(`sessions in ${name}`);
      const places = filled.places.get(what) ?? [];
      const measured = await sessionCosts(what, places, effort);
      const compared = compare(measured, sizes);
      tables.push(compared.table(`Sessions in ${name}: µs of CPU a request`, sessionColumns));
      const limit = what === "sqlite" ? compare(await limitCosts(places, effort), sizes) : null;
      if (limit !== null) tables.push(limit.table(`The limit in ${name}: µs of CPU a request`, [pageColumn]));
      targets.push(
        compared.target(
          `${name}: a signed-in page`,
          bound,
          ({ page }) => page,
          limit?.most(({ page }) => page),
        ),
        compared.target(`${name}: the list of one's sign-ins`, 1.3, ({ list }) => list),
        compared.target(`${name}: the end of one's sign-ins`, 1.3, ({ end }) => end),
      );
    }
    for (const { what, name, bound } of providers) {
      say(`the provider on ${name}`);
      const measured = await providerCosts(what, filled.places.get(what) ?? [], effort);
      const compared = compare(measured, sizes);
      tables.push(compared.table(`The provider on ${name}: µs of CPU a request`, providerColumns));
      targets.push(
        compared.target(`Provider on ${name}: refresh with rotation`, bound, ({ refresh }) => refresh),
        compared.target(`Provider on ${name}: user by e-mail address`, bound, ({ retrieve }) => retrieve),
      );
    }
    const bytes = bytesOf(filled, sizes);
    return {
      title: "7. Growth: a thousand to a million",
      text: textOf(isQuick),
      tables: [...tables, bytes.table],
      targets: [...targets, ...bytes.targets],
      charts: [],
    };
  } finally {
    await filled.remove();
  }
};

type Column<Costs> = readonly [name: string, of: (costs: Costs) => Cost];

const pageColumn: Column<Pick<SessionCosts, "page">> = ["page", ({ page }) => page];

const sessionColumns: readonly Column<SessionCosts>[] = [
  pageColumn,
  ["list of one's sign-ins", ({ list }) => list],
  ["sign-out everywhere", ({ end }) => end],
];

const providerColumns: readonly Column<ProviderCosts>[] = [
  ["refresh with rotation", ({ refresh }) => refresh],
  ["user by e-mail address", ({ retrieve }) => retrieve],
  ["the look-up alone", ({ lookUp }) => lookUp],
];

function compare<Costs>(measured: Rounds<Costs>, sizes: readonly number[]) {
  const [base = 0] = sizes;
  const most = sizes.at(-1) ?? 0;
  const ratio = (size: number, of: (costs: Costs) => Cost): Spread =>
    paired(measured, String(size), String(base), (costs) => of(costs).own);
  return {
    most: (of: (costs: Costs) => Cost): Spread => ratio(most, of),

    target: (what: string, bound: number, of: (costs: Costs) => Cost, limit?: Spread): Target =>
      atMost(`${what}, CPU at ${number(most)} by that at ${number(base)}`, bound, ratio(most, of), { limit }),

    table(title: string, columns: readonly Column<Costs>[]): Table {
      const row = (size: number): Cell[] => {
        const samples = measured.get(String(size)) ?? [];
        return columns.flatMap(([, of]) => {
          const server = spread(samples.map((costs) => of(costs).server)).median;
          const own = shown(spread(samples.map((costs) => of(costs).own)), 0);
          return [own, Number.isNaN(server) ? "–" : number(server), shown(ratio(size, of))];
        });
      };
      const titles = columns.flatMap(([name]) => [name, "its server", `by that at ${number(base)}`]);
      return {
        title,
        columns: ["how many", ...titles],
        rows: sizes.map((size) => [number(size), ...row(size)]),
      };
    },
  };
}

function bytesOf({ places }: Ground, sizes: readonly number[]): { table: Table; targets: readonly Target[] } {
  const bytes = (what: What, size: number, which: number): number =>
    (places.get(what)?.find((place) => place.size === size)?.bytes[which] ?? Number.NaN) / size;
  const most = sizes.at(-1) ?? 0;
  const columns = bytesASession.flatMap(({ name }) => [`${name}: a session`, `${name}: a sign-in`]);
  const rows = sizes.map((size) => [
    number(size),
    ...bytesASession.flatMap(({ what }) => [number(bytes(what, size, 0)), number(bytes(what, size, 1))]),
  ]);
  const targets = bytesASession.map(({ what, name, bound }) =>
    atMost(`${name}: bytes a session of ${number(most)}`, bound, spread([bytes(what, most, 0)]), {
      digits: 0,
    }),
  );
  return { table: { title: "Bytes", columns: ["how many", ...columns], rows }, targets };
}

function textOf(isQuick: boolean): string {
  const sizes = isQuick ? "1,000 and 10,000 (quick: no more)" : "1,000, 10,000, 100,000 and 1,000,000";
  return `${sizes} sessions, each with its sign-in, five of one person; and as many users, each with a registration and a
family of refresh tokens. Sizes stand side by side and are measured in turn; ratios are to the smallest, round by round. Tables were
filled in bulk with rows that the store itself had written first, and some of them read through the store afterwards.

**The limit** of a page on SQLite is the same file without our code: one \`SELECT\` with the others of its turn of the event loop, one \`JSON.parse\`, and
every 100 ms an \`UPDATE\` for each session that was asked for.

*Page*: Fastify, sliding expiry, 4,000 sessions drawn anew each round out of all there are, so that at a million nearly every request meets
a record that nobody has used for long. *List* and *sign-out everywhere*: of people drawn likewise, with five sign-ins each; signing out
everywhere ends five sign-ins and their sessions and tells the provider, which here answers at once. *Refresh* and *user by e-mail address*
are asked in the provider's process, without HTTP; the latter is what signing in finds its user by, here without the password's hash,
which costs 8 ms whatever there is. Each was checked first: the page is its user's, nobody and an ended session are refused, the list has five,
a used token is refused.

Files of SQLite are read once before each measurement, so that they are in the operating system's cache as those of a database in use are: this
machine takes from there what nobody has read for half a minute.

Durability: Redis keeps nothing on disk. SQLite as it comes: sign-ins and the provider's changes are on the disk when they are answered
(\`synchronous=FULL\`), sessions outlive the process, extensions are written every 100 ms. Postgres with \`fsync\` and \`synchronous_commit\` on
and 2 GB of \`shared_buffers\`. *Its server* is the CPU of Redis or Postgres, on the other core, counted in hundredths of a second.

Bytes: of Redis, all that it uses more than when it was empty (\`used_memory\`); of SQLite, the file. A record has an e-mail address, a full
name, a role, and UUIDs.`;
}
