// Scenario 9: how long the demo takes to its first page, how long the library takes to import, and how much of other people's code comes with
// it.
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { each, type Rounds, rounds, spread } from "../rounds.ts";
import { atMost, number, type Scenario, type Section, shown, type Target } from "../section.ts";
import { timeToFirstPage, ways } from "../size-and-start/first-page.ts";
import { importTime } from "../size-and-start/import-time.ts";
import { type Installed, install, packed, type Product } from "../size-and-start/installed.ts";

const library = "@latchkey/session";

/** Measures it. Needs the registry, or npm's own cache of it. */
export const scenario: Scenario = async ({ isQuick, say }) => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-bench-size-"));
  try {
    say("packing, and installing the peers into empty folders");
    const products = productsOf(await packed("session", folder), await packed("idp", folder));
    const installed = await Promise.all(products.map((product, index) => install(product, folder, index)));
    say("importing each in processes of their own");
    const imported = await rounds(installed, isQuick ? 3 : 15, importTime);
    say("starting the system with an empty data folder");
    const started = await rounds(ways, isQuick ? 1 : 9, timeToFirstPage);
    return section(installed, imported, started);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What is compared: with all that each needs to keep sessions, but for frameworks, which all leave to the application. */
function productsOf(session: string, idp: string): readonly Product[] {
  const offers = "createSessions";
  const ioredis = `ioredis@${versionOf("ioredis", "..")}`;
  return [
    { name: library, packages: [session], imports: [library], offers },
    {
      name: `${library} with Redis`,
      packages: [session, ioredis],
      imports: [library, `${library}/redis`],
      offers,
    },
    {
      name: `${library} and @latchkey/idp`,
      packages: [session, idp],
      imports: [library, "@latchkey/idp"],
      offers,
    },
    {
      name: "better-auth",
      packages: [`better-auth@${versionOf("better-auth")}`],
      imports: ["better-auth"],
      offers: "betterAuth",
    },
    {
      name: "supertokens-node",
      packages: ["supertokens-node@24.0.3"],
      // What its quickstart for a backend has: https://supertokens.com/docs/quickstart/backend-setup
      imports: [
        "supertokens-node",
        "supertokens-node/recipe/emailpassword/index.js",
        "supertokens-node/recipe/session/index.js",
      ],
      offers: "init",
    },
    {
      name: "express-session, connect-redis, redis, passport, passport-local",
      packages: [
        `express-session@${versionOf("express-session")}`,
        `connect-redis@${versionOf("connect-redis")}`,
        `redis@${versionOf("redis")}`,
        "passport@0.7.0",
        "passport-local@1.0.0",
      ],
      imports: ["express-session", "connect-redis", "redis", "passport", "passport-local"],
      offers: "RedisStore",
    },
  ];
}

/** The version that bench/, or the project, is installed with. */
function versionOf(name: string, folder = "."): string {
  const file = join(import.meta.dirname, "..", folder, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function section(
  installed: readonly Installed[],
  imported: Rounds<number>,
  started: Rounds<number>,
): Section {
  const took = (from: Rounds<number>, name: string) =>
    spread(each(from, name, (milliseconds) => milliseconds));
  return {
    title: "9. Size and start",
    text: text(installed),
    tables: [
      {
        title: "From the start of the process to the Store's front page",
        columns: ["", "ms"],
        rows: ways.map(({ name }) => [name, shown(took(started, name), 0)]),
      },
      {
        title: "Imported and installed",
        columns: ["", "import, ms", "packages", "of these asked for", "MB on disk"],
        rows: installed.map(({ name, packages, packagesInAll, bytes }) => [
          name,
          shown(took(imported, name), 0),
          number(packagesInAll),
          number(packages.length),
          number(bytes / 1e6, 1),
        ]),
      },
    ],
    targets: [
      atMost("npm start to the first page, ms", 2_000, took(started, "npm start"), { digits: 0 }),
      atMost(`import of ${library}, ms`, 60, took(imported, library), { digits: 0 }),
      fewest(installed),
    ],
    charts: [
      {
        file: "dependencies",
        title: "Packages that are installed, without a framework",
        unit: "packages",
        bars: installed.map(({ name, packagesInAll }) => ({
          name,
          value: packagesInAll,
          isOurs: name.startsWith(library),
        })),
      },
    ],
  };
}

/** With Redis, as the peers that need one have it; the provider is a program of its own, as SuperTokens' core is. */
function fewest(installed: readonly Installed[]): Target {
  const isPeer = ({ name }: Installed) => !name.startsWith(library);
  const ours = installed.filter(({ name }) => name === library || name === `${library} with Redis`);
  const most = Math.max(...ours.map(({ packagesInAll }) => packagesInAll));
  const least = Math.min(...installed.filter(isPeer).map(({ packagesInAll }) => packagesInAll));
  return {
    what: "packages installed, also with Redis, against the peer with the fewest",
    wanted: `< ${least}`,
    measured: ours.map(({ packagesInAll }) => packagesInAll).join(", with Redis "),
    isReached: most < least,
  };
}

function text(installed: readonly Installed[]): string {
  const versions = installed.flatMap(({ packages }) => packages.filter((each) => !each.endsWith(".tgz")));
  return `\`npm start\` runs Store, Forum and provider from TypeScript sources, with an empty data folder each time: keys, schemas, demo accounts (two password
hashes) and applications are made before the first page. The files are in the operating system's cache; all cores are its own. The page is checked
to be the shop's.

Imports: \`performance.now()\` around \`await import\` in a process of its own, pinned to one core, each export checked to be there. Ours is the archive
that \`npm pack\` makes, installed like the peers (${[...new Set(versions)].join(", ")}) by \`npm install --ignore-scripts\` into an empty folder. Packages are all that are in
node_modules then; Express and Fastify are left to the application by all of them. better-auth keeps the users itself; supertokens-node needs SuperTokens' core, a Java
server, and ${library} an identity provider: where it is to run in the same process, that row counts @latchkey/idp too. express-session and passport bring no
store of users.`;
}
