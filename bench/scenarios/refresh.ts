// Scenario 5: a refresh token for the next one and a new access token. Each lane has a family of its own and always the newest token of it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { type PostgresServer, startPostgres } from "../../test/servers/postgres.ts";
import { connect } from "../connection.ts";
import { type Exchange, exchange, sampled } from "../exchange.ts";
import { type Family, turn } from "../lanes/token.ts";
import { cpu, each, paired, type Rounds, rounds, type Sample, spread, throughput } from "../rounds.ts";
import { loadCore, type Running, start } from "../running.ts";
import { atLeast, number, type Options, type Scenario, shown, type Table } from "../section.ts";

const lanesEach = 32;

interface Candidate {
  readonly name: string;
  readonly server: Running;
  readonly by: "grant" | "jwt";
  /** Where its public keys are. */
  readonly keys: string;
  readonly durability: string;
}

/** One that is ready to be measured. */
interface Ready extends Candidate {
  readonly lanes: Exchange<Family>;
}

const [grantOnSqlite, apiOnSqlite] = ["Latchkey, refresh grant, SQLite", "Latchkey, JWT API, SQLite"];
const [grantOnPostgres, apiOnPostgres] = ["Latchkey, refresh grant, Postgres", "Latchkey, JWT API, Postgres"];
const limit = "the limit, SQLite";
const [oidcProvider, betterAuth] = ["oidc-provider, in memory", "better-auth oauth-provider, SQLite"];

export const scenario: Scenario = async (options) => {
  const folder = mkdtempSync(join(tmpdir(), "latchkey-bench-"));
  const postgres = await startPostgres({ durable: true });
  const servers: Running[] = [];
  const ready: Ready[] = [];
  try {
    pin(postgres);
    const candidates = await started(folder, postgres, servers);
    for (const candidate of candidates) {
      options.say(`checking ${candidate.name}`);
      await check(candidate);
      const families = (await candidate.server.ask(
        "families",
        asked(candidate, true, lanesEach),
      )) as Family[];
      ready.push({ ...candidate, lanes: await exchange("token", candidate.server, families) });
    }
    const measured = await measure(ready, options);
    return sectionOf(ready, measured);
  } finally {
    await Promise.all([...ready.map(({ lanes }) => lanes.stop()), ...servers.map((server) => server.stop())]);
    await postgres.remove();
    rmSync(folder, { recursive: true, force: true });
  }
};

// Before its first connection has a process of its own, so that all of them are on this core.
function pin({ pid }: PostgresServer): void {
  execFileSync("taskset", ["-acp", String(loadCore), String(pid)], { stdio: "ignore" });
}

async function started(folder: string, postgres: PostgresServer, servers: Running[]): Promise<Candidate[]> {
  const begin = async (name: string, file: string, environment: Record<string, string> = {}) => {
    const server = await start({ name, file, environment });
    servers.push(server);
    return server;
  };
  const ours = "servers/refresh.ts";
  const sqlite = await begin("Latchkey, SQLite", ours, { DATABASE: join(folder, "idp.sqlite") });
  const onPostgres = await begin("Latchkey, Postgres", ours, { DATABASE: await postgres.database() });
  const bare = await begin(limit, "servers/limit-refresh.ts");
  const oidc = await begin(oidcProvider, "peers/oidc-provider.ts");
  const better = await begin(betterAuth, "peers/better-auth-oauth.ts");
  const keys = "/.well-known/jwks.json";
  const [inSqlite, inPostgres] = ["every token, WAL, FULL", "every token, synchronous_commit on"];
  return [
    { name: grantOnSqlite, server: sqlite, by: "grant", keys, durability: inSqlite },
    { name: apiOnSqlite, server: sqlite, by: "jwt", keys, durability: inSqlite },
    { name: limit, server: bare, by: "grant", keys, durability: inSqlite },
    { name: grantOnPostgres, server: onPostgres, by: "grant", keys, durability: inPostgres },
    { name: apiOnPostgres, server: onPostgres, by: "jwt", keys, durability: inPostgres },
    { name: oidcProvider, server: oidc, by: "grant", keys: "/jwks", durability: "none" },
    { name: betterAuth, server: better, by: "grant", keys: "/api/auth/jwks", durability: inSqlite },
  ];
}

function asked({ by }: Candidate, grace: boolean, count: number) {
  return { by, grace, count };
}

/** That it rotates, that the access token is signed by its keys, and that a token which is shown again ends the family. */
async function check(candidate: Candidate): Promise<void> {
  const { name, server, keys } = candidate;
  const [first] = (await server.ask("families", asked(candidate, false, 1))) as Family[];
  if (first === undefined) throw new Error(`${name} made no family`);
  const connection = await connect(server.port);
  try {
    const second = await turn(connection, first, server);
    const third = await turn(connection, second, server);
    const published = (await (await fetch(`http://127.0.0.1:${server.port}${keys}`)).json()) as JSONWebKeySet;
    await jwtVerify(third.accessToken ?? "", createLocalJWKSet(published), { algorithms: ["ES256"] });
    for (const family of [second, third]) {
      const refused = await turn(connection, family, server).then(
        () => "not at all",
        (error: unknown) => String(error),
      );
      if (!refused.includes("answered 400"))
        throw new Error(`how a token of a family with a reuse was refused: ${refused}`);
    }
  } catch (error) {
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  } finally {
    connection.close();
  }
}

async function measure(ready: readonly Ready[], { isQuick, say }: Options): Promise<Rounds> {
  const [count, seconds] = isQuick ? [2, 1] : [7, 3];
  for (const { name, server, lanes } of ready) {
    say(`warming ${name}`);
    await sampled(lanes, [server], isQuick ? 0.7 : 3);
  }
  return rounds(ready, count, ({ name, server, lanes }, round) => {
    say(`round ${round + 1} of ${count}: ${name}`);
    return sampled(lanes, [server], seconds);
  });
}

function sectionOf(ready: readonly Ready[], measured: Rounds) {
  const times = (name: string, peer: string) => paired(measured, name, peer, throughput);
  const targets = [grantOnSqlite, apiOnSqlite].flatMap((name) => [
    atLeast(`${name}, throughput through oidc-provider's`, 3, times(name, oidcProvider), {
      limit: times(limit, oidcProvider),
    }),
    atLeast(`${name}, throughput through better-auth's`, 30, times(name, betterAuth), {
      digits: 1,
      limit: times(limit, betterAuth),
    }),
  ]);
  const middle = (name: string) => spread(each(measured, name, throughput)).median;
  return {
    title: "5. Refresh with rotation",
    text: `${lanesEach} families, each refreshed in a closed loop with its newest token. All sign access tokens as JWTs with ES256 and
rotate at every refresh. Checked before: the token that comes back is another, the access token verifies against the published keys (jose), a
used token is refused, and so is from then on the newest of its family. Latchkey's refresh grant checks the client's secret, its JWT API
(\`POST /api/jwt/refresh\`) takes none; the peers check one. Peers know nothing of users beyond an id (oidc-provider) or look one up
(better-auth); Latchkey looks up tenant, application, user and registration, and puts roles and e-mail address into the token. No ID
tokens. Versions: ${versions(ready)}. Postgres runs on the load's core; its CPU is not counted.
**The limit** is the same with everything of ours taken away: a form read, a secret and a token checked, one signature and a share of a commit that is on the disk, on bare
\`node:http\` (\`bench/servers/limit-refresh.ts\`).`,
    tables: [tableOf(ready, measured)],
    targets,
    charts: [
      {
        file: "refresh",
        title: "Refresh with rotation",
        unit: "refreshes a second",
        bars: ready.map(({ name }) => ({
          name,
          value: middle(name),
          isOurs: name.startsWith("Latchkey"),
        })),
      },
    ],
  };
}

function versions(ready: readonly Ready[]): string {
  const all = Object.assign({}, ...ready.map(({ server }) => server.versions)) as Record<string, string>;
  return Object.entries(all)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

function tableOf(ready: readonly Ready[], measured: Rounds): Table {
  return {
    columns: [
      "candidate",
      "refreshes/s",
      "through oidc-provider's",
      "CPU µs a refresh",
      "p50 ms",
      "p99 ms",
      "durable",
    ],
    rows: ready.map(({ name, durability }) => {
      const of = (value: (sample: Sample) => number) => spread(each(measured, name, value));
      return [
        name,
        shown(of(throughput), 0),
        shown(paired(measured, name, oidcProvider, throughput)),
        shown(of(cpu), 0),
        number(of(({ p50 }) => p50).median, 1),
        number(of(({ p99 }) => p99).median, 1),
        durability,
      ];
    }),
  };
}
