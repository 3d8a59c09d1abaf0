// Starts a provider for a test: a clock that only the test moves, a real listener for FusionAuth's own client, and an
// application with a user made through the API, as an operator would make them.

import { createRequire } from "node:module";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { FusionAuthClient as Client } from "@fusionauth/typescript-client";
import { afterEach } from "vitest";
import { watch } from "../../../test/leak-watch.ts";
import { createIdp, type Idp, type IdpConfig, type IdpEvent, type Kickstart } from "../src/index.ts";
import { passingDatabase, passOn } from "./databases.ts";

export { copyOf, databaseFile, dump, emptyDatabase, onPostgres, refusing, sql } from "./databases.ts";

const { FusionAuthClient } = createRequire(import.meta.url)("@fusionauth/typescript-client");

export const ISSUER = "http://idp.test";
export const API_KEY = "api-key-of-the-tests-0123456789abcdef";
export const MANAGER_KEY = "key-manager-of-the-tests-0123456789abcdef";
export const STORE_APP = "5d562fea-9ba9-4d5c-b4a3-e57bb254d6db";
export const FORUM_APP = "3c219e58-ed0e-4b18-ad48-f4f92793ae32";
export const STORE_SECRET = "client-secret-of-the-store-0123456789abcdef";
export const FORUM_SECRET = "client-secret-of-the-forum-0123456789abcdef";
export const ALICE = "2df13f18-01cc-48a4-b97a-2ab04f98d006";
export const ALICE_EMAIL = "alice@example.com";
export const ALICE_PASSWORD = "correct horse battery staple";

/** The keys every test provider writes with. */
export const KEYS = [{ id: "k1", secret: "0123456789abcdef0123456789abcdef-test" }];

/** What a test holds of a running provider. */
export interface TestIdp {
  idp: Idp;
  /** Everything the provider published, oldest first. */
  events: IdpEvent[];
  /** Epoch milliseconds; assign to move time. */
  clock: { now: number };
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** FusionAuth's own client against a real listener; `null` sends no API key. */
  client(apiKey?: string | null, tenantId?: string): Promise<Client>;
  close(): Promise<void>;
}

export interface CallOptions {
  json?: unknown;
  form?: Record<string, string> | string;
  /** Sent as it is, with `headers`. */
  raw?: string;
  key?: string | null;
  headers?: Record<string, string>;
}

/** A response with its JSON, so that a test reads one object. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // A test looks into whatever came back; a wrong shape fails its expectation.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
  cookies: string[];
}

const open: TestIdp[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A kickstart with both applications and Alice, registered for both. */
export function seeded(overrides: { store?: object; forum?: object; tenant?: object } = {}): Kickstart {
  const application = (name: string, clientSecret: string, extra: object): object => ({
    application: {
      name,
      roles: [{ name: "customer", isDefault: true }, { name: "admin" }],
      loginConfiguration: { allowTokenRefresh: true, generateRefreshTokens: true },
      oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
      ...extra,
    },
  });
  return {
    apiKeys: [{ key: API_KEY }, { key: MANAGER_KEY, keyManager: true }],
    requests: [
      {
        method: "POST",
        url: `/api/application/${STORE_APP}`,
        body: application("Store", STORE_SECRET, overrides.store ?? {}),
      },
      {
        method: "POST",
        url: `/api/application/${FORUM_APP}`,
        body: application("Forum", FORUM_SECRET, overrides.forum ?? {}),
      },
      {
        method: "POST",
        url: `/api/user/registration/${ALICE}`,
        body: {
          user: { email: ALICE_EMAIL, username: "alice", password: ALICE_PASSWORD, firstName: "Alice" },
          registration: { applicationId: STORE_APP, roles: ["customer", "admin"] },
        },
      },
      {
        method: "POST",
        url: `/api/user/registration/${ALICE}`,
        body: { registration: { applicationId: FORUM_APP } },
      },
    ],
  };
}

/** Starts a provider on a database of its own, seeded unless told otherwise. It is closed after the test. */
export async function startIdp(config: Partial<IdpConfig> = {}): Promise<TestIdp> {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const events: IdpEvent[] = [];
  const listen = (message: unknown): void => void events.push(message as IdpEvent);
  const passing = config.database === undefined ? await passingDatabase() : null;
  const idp = await createIdp({
    database: passing ?? "",
    issuer: ISSUER,
    keys: KEYS,
    kickstart: seeded(),
    now: () => clock.now,
    ...config,
  });
  subscribe("latchkey:idp", listen);
  const fetch = watch((request: Request) => idp.fetch(request));
  const servers: ReturnType<typeof serve>[] = [];
  let closed = false;

  const started: TestIdp = {
    idp,
    events,
    clock,
    call: (method, path, options = {}) => ask(fetch, method, path, options),
    async client(apiKey = API_KEY, tenantId) {
      const port = await new Promise<number>((resolve) => {
        const server = serve(
          { fetch: (request) => idp.fetch(request), port: 0, hostname: "127.0.0.1" },
          (info: AddressInfo) => resolve(info.port),
        );
        servers.push(server);
      });
      return new FusionAuthClient(apiKey, `http://127.0.0.1:${port}`, tenantId);
    },
    async close() {
      unsubscribe("latchkey:idp", listen);
      for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
      await idp.close();
      if (passing !== null && !closed) passOn(passing);
      closed = true;
    },
  };
  open.push(started);
  return started;
}

async function ask(
  fetch: (request: Request) => Promise<Response>,
  method: string,
  path: string,
  { json, form, raw, key = API_KEY, headers = {} }: CallOptions,
): Promise<Answer> {
  const sent = new Headers(headers);
  if (key !== null && !sent.has("authorization")) sent.set("authorization", key);
  let body: string | null = raw ?? null;
  if (json !== undefined) {
    body = JSON.stringify(json);
    if (!sent.has("content-type")) sent.set("content-type", "application/json");
  }
  if (form !== undefined) {
    body = typeof form === "string" ? form : new URLSearchParams(form).toString();
    sent.set("content-type", "application/x-www-form-urlencoded");
  }
  const response = await fetch(new Request(`${ISSUER}${path}`, { method, headers: sent, body }));
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : undefined,
    cookies: response.headers.getSetCookie(),
  };
}

/** Signs Alice in to an application and answers the response. */
export function login(idp: TestIdp, extra: object = {}): Promise<Answer> {
  const json = { loginId: ALICE_EMAIL, password: ALICE_PASSWORD, applicationId: STORE_APP, ...extra };
  return idp.call("POST", "/api/login", { json });
}

/** Exchanges a refresh token as the store application. */
export function refreshGrant(
  idp: TestIdp,
  refreshToken: string,
  extra: Record<string, string> = {},
): Promise<Answer> {
  return idp.call("POST", "/oauth2/token", {
    key: null,
    form: {
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      client_id: STORE_APP,
      client_secret: STORE_SECRET,
      ...extra,
    },
  });
}

/** The claims of a token, unverified. */
// oxlint-disable-next-line typescript/no-explicit-any
export function claimsOf(token: string): any {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
