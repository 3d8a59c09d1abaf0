// Scenario 2: a signed-in page of a process that has its sessions with it, in a SQLite file.
import { chartOfCosts, compare, type Entry, pageTable, signIns } from "../pages.ts";
import { paired, type Rounds, throughput } from "../rounds.ts";
import { atLeast, type Scenario, type Section, type Target } from "../section.ts";

const bare = "Fastify, no session";
const ours = "Fastify, Latchkey on SQLite";
const limit = "Fastify, the limit on SQLite";
const betterAuth = "Fastify, better-auth on SQLite";
const cached = "Fastify, better-auth on SQLite, cookie cache";
const bareExpress = "Express, no session";
const expressSession = "Express, express-session, in memory";
const ironRead = "iron-session, read alone";
const ironSaved = "iron-session, read and saved";

export const scenario: Scenario = async (options) =>
  section(await compare(candidates(signIns(options)), options));

function candidates(SIGN_INS: string): Entry[] {
  const page = (name: string, FRAMEWORK: string, SESSION_STORE: string): Entry => ({
    name,
    file: "servers/page.ts",
    environment: { SIGN_INS, FRAMEWORK, SESSION_STORE },
    isBare: SESSION_STORE === "none",
  });
  const peer = (name: string, file: string, environment: Record<string, string>, standsStill?: string) => ({
    name,
    file: `peers/${file}.ts`,
    environment: { SIGN_INS, ...environment },
    ...(standsStill !== undefined && { standsStill }),
  });
  const sealed = "what ends is the seal, in the cookie";
  return [
    page(bare, "fastify", "none"),
    { name: limit, file: "servers/limit-page.ts", environment: { SIGN_INS, SESSION_STORE: "sqlite" } },
    page(ours, "fastify", "sqlite"),
    peer(betterAuth, "better-auth-page", {}),
    peer(
      cached,
      "better-auth-page",
      { COOKIE_CACHE: "1" },
      "the database is not asked while the cookie's copy lasts",
    ),
    page(bareExpress, "express", "none"),
    peer(expressSession, "express-session-page", { STORE: "memory" }),
    peer(ironRead, "iron-session-page", {}, sealed),
    peer(ironSaved, "iron-session-page", { SLIDE: "1" }, sealed),
  ];
}

function section(measured: Rounds): Section {
  return {
    title: "2. Signed-in page, everything in one process",
    text: `The same page and the same checks, with nothing but the process and a file. Latchkey writes how far sessions were extended every 100 ms, all
of them in one transaction: a crash may take back the last 100 ms of extensions, never a sign-in or a sign-out. better-auth is set to extend at each
use (\`updateAge: 0\`), and once with its cookie cache, which answers from a copy in the cookie and asks nobody, so that neither an ending nor a use is
noticed meanwhile. express-session's memory store is its default, of which its own documentation says that it is not meant for production. iron-session has no
server side at all: nothing it has given out can be ended. The page with no session is asked for with the same cookies as Latchkey's, and reads forms, too.
**The limit** is the same page with everything of ours taken away: one SHA-256, one \`SELECT\` with the others of its turn of the event loop, in one snapshot, one \`JSON.parse\`, and the
extensions written every 100 ms (\`bench/servers/limit-page.ts\`).`,
    tables: [
      pageTable(measured, [
        { name: bare, base: bare },
        { name: limit, base: bare, durability: "WAL, NORMAL, uses up to 100 ms late" },
        { name: ours, base: bare, durability: "sign-ins FULL, sessions NORMAL, uses up to 100 ms late" },
        { name: betterAuth, base: bare, durability: "WAL, NORMAL" },
        { name: cached, base: bare, durability: "WAL, NORMAL; no use is written" },
        { name: bareExpress, base: bareExpress },
        { name: expressSession, base: bareExpress, durability: "nothing" },
        { name: ironRead, base: bare, durability: "in the cookie" },
        { name: ironSaved, base: bare, durability: "in the cookie" },
      ]),
    ],
    targets: targetsOf(measured),
    charts: [
      chartOfCosts(
        measured,
        { file: "page-embedded", title: "What a session costs a page, in one process" },
        [
          [limit, bare],
          [ours, bare],
          [expressSession, bareExpress],
          [ironRead, bare],
          [ironSaved, bare],
          [cached, bare],
          [betterAuth, bare],
        ],
      ),
    ],
  };
}

function targetsOf(measured: Rounds): Target[] {
  const times = (name: string, peer: string) => paired(measured, name, peer, throughput);
  return [
    atLeast("throughput ÷ no session, Fastify", 0.75, times(ours, bare), { limit: times(limit, bare) }),
    atLeast("throughput ÷ better-auth's, extended at each use", 15, times(ours, betterAuth), { digits: 1 }),
    atLeast("throughput ÷ better-auth's, cookie cache", 15, times(ours, cached), {
      digits: 1,
      limit: times(limit, cached),
    }),
  ];
}
