// What a renewal costs, and what of that is the provider's: a page behind sessions that have expired whenever a request comes, on Fastify and
// SQLite (WORK: renewal), nothing but the call to the provider that a renewal makes (WORK: refresh), or that and the limit (WORK: limit). The provider is embedded, or listens at
// PROVIDER, and REGISTERED says what its application is known by. The clock of all of them runs fast, so that a second is over at once.
import { once } from "node:events";
import type { JsonWebKey } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { createSessions, type IdentityProviderOptions, sqliteStore } from "@latchkey/session";
import { freePorts } from "../../test/free-ports.ts";
import { present } from "../candidate.ts";
import type { Browser } from "../lanes/renewal.ts";
import type { Family } from "../lanes/token.ts";
import { startFastify } from "./frameworks.ts";
import { startLimitRenewal, type Tokens } from "./limit-renewal.ts";
import { fastClock, type Registered, startProvider } from "./provider.ts";
import { signedIn } from "./signing-in.ts";
import { folder } from "./folder.ts";

const { WORK, CLOCK = "0 1", PROVIDER, REGISTERED, PEOPLE = "32" } = process.env;
const people = Number(PEOPLE);
const host = "bench.localhost";
const [from = 0, times = 1] = CLOCK.split(" ").map(Number);
const now = fastClock(from, times);

const [port = 0] = await freePorts(1);
const embedded = PROVIDER === undefined ? await embeddedHere() : null;
const provider = embedded?.options ?? over(PROVIDER ?? "", JSON.parse(REGISTERED ?? "{}") as Registered);

const limit = WORK === "limit" ? await startLimit() : null;
if (WORK === "renewal") await startPages();
if (WORK === "refresh") await startRefreshing();
const browsers = WORK === "renewal" ? await signedIn({ port, host }, people, people) : [];

present({
  port,
  host: `${host}:${port}`,
  versions: { node: process.versions.node },
  answers: {
    browsers: () => browsers,
    another: async () => (await signedIn({ port, host }, 1, people))[0],
    // Of tokens that the provider gave.
    limitBrowsers: (tokens) => (tokens as string[]).map((token) => limit?.(token)),
    families: (count) => embedded?.families(Number(count)),
  },
});

async function embeddedHere(): Promise<{
  options: IdentityProviderOptions;
  families(count: number): Promise<Family[]>;
}> {
  const { options, families, applicationId } = await startProvider({
    database: join(folder, "idp.sqlite"),
    people,
    now,
  });
  return {
    options,
    families: (count) => families(applicationId, "grant", count),
  };
}

function over(url: string, { applicationId, apiKey, clientSecret }: Registered): IdentityProviderOptions {
  return { url, applicationId, apiKey, clientSecret };
}

async function startPages(): Promise<void> {
  const sessions = createSessions({
    application: "bench",
    origin: `http://${host}:${port}`,
    identityProvider: provider,
    cookieKeys: [{ id: "1", secret: "b".repeat(43) }],
    store: sqliteStore({ path: join(folder, "sessions.sqlite") }),
    publicPaths: ["/public"],
    lifetimes: { sessionIdle: "1s", signInIdle: "14d", signInAbsolute: "30d" },
    now,
  });
  await startFastify(port, sessions);
}

async function startLimit(): Promise<(refreshToken: string) => Browser> {
  const { url, fetch: send = fetch } = provider;
  const published = await send(new Request(`${url}/.well-known/jwks.json`));
  const { keys } = (await published.json()) as { keys: JsonWebKey[] };
  const key = keys.find(({ crv }) => crv === "P-256");
  if (key === undefined) throw new Error("The provider signs with no P-256 key");
  return startLimitRenewal({ port, folder, key, refreshed });
}

/** The request that a renewal makes, its answer read, and nothing else. */
async function refreshed(token: string): Promise<Tokens> {
  const { url, applicationId, clientSecret, fetch: send = fetch } = provider;
  const authorization = `Basic ${Buffer.from(`${applicationId}:${clientSecret}`).toString("base64")}`;
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token });
  const answer = await send(
    new Request(`${url}/oauth2/token`, { method: "POST", headers: { authorization }, body }),
  );
  const { refresh_token: refreshToken, access_token: accessToken } = JSON.parse(
    await answer.text(),
  ) as Record<string, unknown>;
  if (!answer.ok || typeof refreshToken !== "string" || typeof accessToken !== "string")
    throw new Error(`The refresh was answered ${answer.status}`);
  return { refreshToken, accessToken };
}

async function startRefreshing(): Promise<void> {
  const server = createServer((request, response) => {
    refreshed(String(request.headers["x-refresh-token"])).then(
      ({ refreshToken }) => response.end(refreshToken),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
}
