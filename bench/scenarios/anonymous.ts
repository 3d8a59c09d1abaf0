// Scenario 3: a page for everybody, asked for by somebody without any cookie, in an application that has sessions.
import { startRedis } from "../../test/servers/redis.ts";
import { compare, type Entry, pageTable, type Visited } from "../pages.ts";
import { pinToLoadCore } from "../pinned.ts";
import { paired, type Rounds, throughput } from "../rounds.ts";
import { atLeast, type Scenario, type Section } from "../section.ts";

const bare = "Fastify, no session";
const onSqlite = "Fastify, Latchkey on SQLite";
const onRedis = "Fastify, Latchkey on Redis";
const bareExpress = "Express, no session";
const onExpress = "Express, Latchkey on SQLite";
const limit = "Express, the limit: a middleware that does nothing";

const stores = [
  [bare, "fastify", "none"],
  [onSqlite, "fastify", "sqlite"],
  [onRedis, "fastify", "redis"],
  [bareExpress, "express", "none"],
  [limit, "express", "nothing"],
  [onExpress, "express", "sqlite"],
] as const;

export const scenario: Scenario = async (options) => {
  const redis = await startRedis();
  pinToLoadCore(redis.pid);
  const entries = stores.map(
    ([name, FRAMEWORK, SESSION_STORE]): Entry => ({
      name,
      file: SESSION_STORE === "nothing" ? "servers/limit-page.ts" : "servers/page.ts",
      environment: { FRAMEWORK, SESSION_STORE, REDIS_URL: redis.url, SIGN_INS: "2" },
      path: "/public",
      cookies: [],
      check,
    }),
  );
  try {
    return section(await compare(entries, options));
  } finally {
    await redis.remove();
  }
};

/** The page is everybody's, and the application's other page is not. */
async function check({ name, candidate: { port, cookies = [] } }: Visited): Promise<void> {
  const status = async (path: string) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" })).status;
  const [open, closed] = [await status("/public"), await status("/page")];
  if (open !== 200) throw new Error(`${name}: the public page is ${open}`);
  if (cookies.length > 0 && closed !== 302)
    throw new Error(`${name}: the signed-in page is ${closed} for a stranger`);
}

function section(measured: Rounds): Section {
  return {
    title: "3. Anonymous page",
    text: `A public page of an application that has sessions, asked for without a cookie: nobody is looked up, and no store is asked. Checked before: a
stranger gets this page, and not the signed-in one. All of them read forms. **The limit** on Express is a middleware that does nothing: its router takes time
for each.`,
    tables: [
      pageTable(measured, [
        { name: bare, base: bare },
        { name: onSqlite, base: bare },
        { name: onRedis, base: bare },
        { name: bareExpress, base: bareExpress },
        { name: limit, base: bareExpress },
        { name: onExpress, base: bareExpress },
      ]),
    ],
    targets: [
      atLeast(
        "throughput ÷ no session, Fastify, SQLite",
        0.97,
        paired(measured, onSqlite, bare, throughput),
        { digits: 3 },
      ),
      atLeast("throughput ÷ no session, Fastify, Redis", 0.97, paired(measured, onRedis, bare, throughput), {
        digits: 3,
      }),
      atLeast(
        "throughput ÷ no session, Express",
        0.97,
        paired(measured, onExpress, bareExpress, throughput),
        { digits: 3, limit: paired(measured, limit, bareExpress, throughput) },
      ),
    ],
    charts: [],
  };
}
