// Scenario 1: a signed-in page whose session is in Redis, and moves on with each use.
import { startRedis } from "../../test/servers/redis.ts";
import { chartOfCosts, compare, type Entry, pageTable, ratioOfCosts, signIns } from "../pages.ts";
import { pinToLoadCore } from "../pinned.ts";
import { paired, type Rounds, throughput } from "../rounds.ts";
import { atLeast, atMost, type Scenario, type Section } from "../section.ts";

const bare = "Fastify, no session";
const ours = "Fastify, Latchkey";
const fastifySession = "Fastify, @fastify/session + connect-redis";
const betterAuth = "Fastify, better-auth with Redis";
const bareExpress = "Express, no session";
const oursOnExpress = "Express, Latchkey";
const limit = "Fastify, the limit";
const limitOnExpress = "Express, the limit";
const expressSession = "Express, express-session + connect-redis";

export const scenario: Scenario = async (options) => {
  const redis = await startRedis();
  pinToLoadCore(redis.pid);
  try {
    return section(await compare(candidates(redis.url, signIns(options)), options));
  } finally {
    await redis.remove();
  }
};

function candidates(url: string, browsers: string): Entry[] {
  const environment = { REDIS_URL: url, SIGN_INS: browsers };
  const page = (name: string, FRAMEWORK: string, SESSION_STORE: string): Entry => ({
    name,
    file: "servers/page.ts",
    environment: { ...environment, FRAMEWORK, SESSION_STORE },
    isBare: SESSION_STORE === "none",
  });
  const limitPage = (name: string, FRAMEWORK: string): Entry => ({
    name,
    file: "servers/limit-page.ts",
    environment: { ...environment, FRAMEWORK, SESSION_STORE: "redis" },
  });
  return [
    page(bare, "fastify", "none"),
    limitPage(limit, "fastify"),
    page(ours, "fastify", "redis"),
    { name: fastifySession, file: "peers/fastify-session-page.ts", environment },
    { name: betterAuth, file: "peers/better-auth-page.ts", environment: { ...environment, STORE: "redis" } },
    page(bareExpress, "express", "none"),
    limitPage(limitOnExpress, "express"),
    page(oursOnExpress, "express", "redis"),
    { name: expressSession, file: "peers/express-session-page.ts", environment },
  ];
}

function section(measured: Rounds): Section {
  const durability = "nothing: Redis keeps no file";
  const onFastify = (name: string) => ratioOfCosts(measured, [name, bare], [fastifySession, bare]);
  const onExpress = (name: string) =>
    ratioOfCosts(measured, [name, bareExpress], [expressSession, bareExpress]);
  return {
    title: "1. Signed-in page, session in Redis, sliding expiry",
    text: `Each page finds its session in Redis and moves its end 30 minutes on. Before anything is measured every candidate has to show each of its
signed-in browsers its own page, to refuse a request without a cookie and one whose cookie was tampered with, and to move the session's end with a
use, as Redis tells it. Latchkey runs its default policy with all its cookies sent. Redis keeps nothing on disk, for all of them alike, and its CPU is
not in the numbers. What a session costs is the CPU above the same framework's page with none, which is asked for with the same cookies and reads forms,
too. **The limit** is the same page with everything of ours taken away: one SHA-256, one \`GETEX\` by ioredis, one write to Redis a turn of the event loop, one \`JSON.parse\`
(\`bench/servers/limit-page.ts\`).`,
    tables: [
      pageTable(measured, [
        { name: bare, base: bare },
        { name: limit, base: bare, durability },
        { name: ours, base: bare, durability },
        { name: fastifySession, base: bare, durability },
        { name: betterAuth, base: bare, durability },
        { name: bareExpress, base: bareExpress },
        { name: limitOnExpress, base: bareExpress, durability },
        { name: oursOnExpress, base: bareExpress, durability },
        { name: expressSession, base: bareExpress, durability },
      ]),
    ],
    targets: [
      atLeast("throughput ÷ no session, Fastify", 0.8, paired(measured, ours, bare, throughput), {
        limit: paired(measured, limit, bare, throughput),
      }),
      atMost("cost ÷ @fastify/session's", 0.2, onFastify(ours), { limit: onFastify(limit) }),
      atMost("cost ÷ express-session's, on Express", 0.1, onExpress(oursOnExpress), {
        limit: onExpress(limitOnExpress),
      }),
      atLeast("throughput ÷ better-auth's", 10, paired(measured, ours, betterAuth, throughput), {
        digits: 1,
      }),
    ],
    charts: [
      chartOfCosts(measured, { file: "page-redis", title: "What a session in Redis costs a page" }, [
        [limit, bare],
        [ours, bare],
        [oursOnExpress, bareExpress],
        [fastifySession, bare],
        [expressSession, bareExpress],
        [betterAuth, bare],
      ]),
    ],
  };
}
