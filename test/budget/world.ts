// What the programs of this folder count in: an application with the embedded provider behind it, both real, on a clock that the program
// moves. What hashes of passwords are made of is no matter here.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { registerHooks } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSessions,
  type IncomingRequest,
  memoryStore,
  type Sessions,
  type SessionStore,
  sqliteStore,
} from "@latchkey/session";
import { postgresStore } from "@latchkey/session/postgres";
import { redisStore } from "@latchkey/session/redis";
import { Browser } from "../../packages/session/test/browser.ts";
import { type Clock, clock as newClock } from "../../packages/session/test/clock.ts";
import { type Framework, listen } from "../../packages/session/test/frameworks.ts";
import { publicPaths } from "../../packages/session/test/pages.ts";
import { cookieKey, start } from "../../packages/session/test/records.ts";
import { ofProvider } from "./counting.ts";

const cheapHashes = new URL("../model/cheap-argon2.ts", import.meta.url).href;
registerHooks({
  resolve: (name, context, next) => next(name === "@node-rs/argon2" ? cheapHashes : name, context),
});
const { createIdp } = await import("@latchkey/idp");

/** A folder of this process, which goes with it. */
export const folder: string = mkdtempSync(join(tmpdir(), "latchkey-budget-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** An embedded provider. */
export interface Provider {
  /** Calls so far, as "POST /oauth2/token". */
  readonly calls: string[];
  readonly clock: Clock;
  fetch(request: Request): Promise<Response>;
  /** A call with the API key; throws for anything but 200. */
  api(path: string, body: unknown): Promise<Record<string, unknown>>;
  /** A new user of the application. */
  person(): Promise<{ readonly loginId: string; readonly password: string }>;
  close(): Promise<void>;
}

const issuer = "http://idp.test";
const apiKey = randomBytes(32).toString("base64url");

/** Its one application. */
export const applicationId = "10000000-0000-4000-8000-000000000001";
/** The secret of that application. */
export const clientSecret: string = randomBytes(32).toString("base64url");

/** Starts a provider on that database: a path, or the address of a Postgres. */
export async function startProvider(database: string = join(folder, "idp.sqlite")): Promise<Provider> {
  const clock = newClock(start);
  const idp = await createIdp({
    database,
    issuer,
    keys: [{ id: "k", secret: randomBytes(32).toString("base64url") }],
    now: clock.now,
    kickstart: { apiKeys: [{ key: apiKey }], requests: [application] },
  });
  const calls: string[] = [];
  const provider: Provider = {
    calls,
    clock,
    fetch(request) {
      calls.push(`${request.method} ${request.url.slice(issuer.length)}`);
      return ofProvider(() => idp.fetch(request));
    },
    async api(path, body) {
      const headers = { authorization: apiKey, "content-type": "application/json" };
      const response = await idp.fetch(
        new Request(`${issuer}${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
      );
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as Record<string, unknown>;
    },
    async person() {
      const id = randomUUID();
      const user = { email: `${id}@example.com`, password: `a long pass phrase ${id}` };
      await provider.api(`/api/user/registration/${id}`, { user, registration: { applicationId } });
      return { loginId: user.email, password: user.password };
    },
    close: () => idp.close(),
  };
  return provider;
}

const application = {
  method: "POST",
  url: `/api/application/${applicationId}`,
  body: {
    application: {
      name: "Store",
      roles: [{ name: "customer", isDefault: true }],
      loginConfiguration: {
        generateRefreshTokens: true,
        allowTokenRefresh: true,
        requireAuthentication: true,
      },
      oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
      jwtConfiguration: {
        refreshTokenUsagePolicy: "OneTimeUse",
        refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
      },
    },
  },
} as const;

/** An application of the library. */
export interface Application {
  readonly sessions: Sessions;
  readonly provider: Provider;
  /** Calls of its session store so far. */
  readonly storeCalls: string[];
  readonly framework: Framework;
  /** A new person in a new browser, signed in. */
  signedIn(): Promise<Browser>;
  close(): Promise<void>;
}

/** Starts one on a framework. */
export async function startApplication(
  framework: Framework,
  store: SessionStore,
  provider: Provider,
): Promise<Application> {
  const { clock } = provider;
  const listener = await listen(framework, { gate: () => null });
  const site = { origin: `http://127.0.0.1:${listener.port}`, port: listener.port };
  const storeCalls: string[] = [];
  const sessions = createSessions({
    application: "store",
    origin: site.origin,
    identityProvider: { url: issuer, applicationId, apiKey, clientSecret, fetch: provider.fetch },
    cookieKeys: [cookieKey("2026a")],
    store: noting(store, storeCalls),
    publicPaths,
    afterSignIn: "/shopping-cart",
    now: clock.now,
  });
  await listener.mount(sessions);
  return {
    sessions,
    provider,
    storeCalls,
    framework,
    async signedIn() {
      const { loginId, password } = await provider.person();
      const browser = new Browser(site, clock);
      const { status, body } = await browser.signIn(loginId, password);
      if (status !== 302) throw new Error(`signing in: ${status} ${body}`);
      return browser;
    },
    async close() {
      await listener.close();
      await sessions.close();
    },
  };
}

/** The same store, the names of its methods noted as they are called. */
function noting(store: SessionStore, calls: string[]): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(method, target, args);
      };
    },
  });
}

/** The stores by name; those on servers at the address that the parent has given. */
export const stores: Record<"memory" | "SQLite" | "Redis" | "Postgres", () => SessionStore> = {
  memory: () => memoryStore(),
  SQLite: () => sqliteStore({ path: join(folder, `${randomUUID()}.sqlite`) }),
  Redis: () => redisStore({ url: process.env["REDIS_URL"] ?? "", application: "store" }),
  Postgres: () => postgresStore({ url: process.env["POSTGRES_URL"] ?? "", connections: 1 }),
};

/** What an adapter would hand over for a page that this browser asks for. */
export function requestOf(browser: Browser | null, target: string): IncomingRequest {
  const cookies = [...(browser?.jar ?? [])].map(([name, { value }]) => `${name}=${value}`).join("; ");
  const headers = new Map([
    ["user-agent", "Firefox"],
    ...(cookies === "" ? [] : [["cookie", cookies] as const]),
  ]);
  return {
    method: "GET",
    target,
    header: (name) => headers.get(name),
    address: "192.0.2.1",
    body: () => null,
  };
}
