/**
 * The real identity provider, embedded, behind a `fetch` that counts calls and can be made to fail in every way a
 * provider on the other side of a network can.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { secret, watch } from "../../../test/leak-watch.ts";
import { newDatabase } from "../../../test/servers/running.ts";
import { createIdp, type IdpEvent } from "../../idp/src/index.ts";
import type { IdentityProviderOptions } from "../src/index.ts";
import { type Clock, clock as newClock, type Gate, gate } from "./clock.ts";
import { start } from "./records.ts";

/** A user that can sign in. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/**
 * Which of the provider's applications: one-time refresh tokens and client credentials, as the workflows say, or client
 * credentials for a refresh token that stays the same, so that the provider never sees a theft.
 */
export type Registration = "hardened" | "as-described" | "no-refresh-tokens" | "reusable";

/** Answers a call instead of the provider; `null` lets it through. */
export type Fault = (request: Request) => Promise<Response> | null;

/** A provider that is not there. */
export const refusedConnection = (): Promise<never> => Promise.reject(new TypeError("fetch failed"));

/** A provider under test. */
export interface TestProvider {
  readonly clock: Clock;
  /** Calls so far, as "POST /oauth2/token"; ids in paths are "{id}". */
  readonly calls: string[];
  /** Its events so far. */
  readonly events: IdpEvent[];
  /** Raw refresh tokens it has given out, oldest first. */
  readonly refreshTokens: string[];
  /** What stands between it and the applications; `null` for nothing. */
  fault: Fault | null;
  options(registration: Registration): IdentityProviderOptions;
  /** A new user, registered for all applications. */
  person(): Promise<Person>;
  /** The same user each time: hashing passwords is the slow part of this suite. */
  anybody(): Promise<Person>;
  /** A call with the API key, past faults and counting; throws for anything but 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Delivers the webhooks that are due by the test's clock, and waits until none is. */
  deliverDue(): Promise<void>;
  /** Presents a raw refresh token with the client's own credentials, as nobody but a thief of both could. */
  refresh(registration: Registration, refreshToken: string): Promise<Response>;
  /** Holds the next call that starts so until the gate is opened: before the provider hears of it, or its answer. */
  hold(call: string, what: "call" | "answer"): Gate;
  close(): Promise<void>;
}

const issuer = "http://idp.test";
const applications: Record<Registration, string> = {
  hardened: "10000000-0000-4000-8000-000000000001",
  "as-described": "10000000-0000-4000-8000-000000000002",
  "no-refresh-tokens": "10000000-0000-4000-8000-000000000003",
  reusable: "10000000-0000-4000-8000-000000000004",
};
const apiKey = secret(randomBytes(32).toString("base64url"));
const clientSecret = secret(randomBytes(32).toString("base64url"));

/** Whether the provider of this run keeps its data in Postgres: the vitest project "behaviour on Postgres". */
export const onPostgres: boolean = process.env["IDP_TEST_STORE"] === "postgres";

/** Starts a provider whose clock the test moves. */
export async function startProvider(): Promise<TestProvider> {
  const clock = newClock(start);
  const idp = await createIdp({
    database: onPostgres ? await newDatabase() : ":memory:",
    issuer,
    keys: [{ id: "k", secret: secret(randomBytes(32).toString("base64url")) }],
    now: clock.now,
    hashing: { queue: 200 },
    kickstart: {
      apiKeys: [{ key: apiKey }],
      requests: Object.values(applications).map((id) => ({
        method: "POST",
        url: `/api/application/${id}`,
        body: { application: application(id) },
      })),
    },
  });
  const calls: string[] = [];
  const events: IdpEvent[] = [];
  const refreshTokens: string[] = [];
  const listen = (event: unknown) => void events.push(event as IdpEvent);
  subscribe("latchkey:idp", listen);
  const reach = watch(async (request: Request) => {
    const response = await idp.fetch(request);
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    for (const member of ["refreshToken", "refresh_token"]) {
      const token: unknown = typeof body === "object" && body !== null ? Reflect.get(body, member) : null;
      if (typeof token === "string") refreshTokens.push(token);
    }
    return response;
  });

  let anybody: Promise<Person> | null = null;
  const provider: TestProvider = {
    clock,
    calls,
    events,
    refreshTokens,
    fault: null,
    options: (registration) => ({
      url: issuer,
      applicationId: applications[registration],
      apiKey,
      // A deadline that no answer of this machine misses; tests of hanging calls set their own.
      deadline: 20_000,
      ...(registration === "as-described" ? {} : { clientSecret }),
      fetch: (request) => {
        calls.push(`${request.method} ${new URL(request.url).pathname.replace(/[0-9a-f-]{36}/, "{id}")}`);
        return provider.fault?.(request) ?? reach(request);
      },
    }),
    anybody: () => (anybody ??= provider.person()),
    async person() {
      const id = randomUUID();
      const person = { id, email: `${id}@example.com`, password: secret(`a long pass phrase ${id}`) };
      const [first, ...others] = Object.values(applications);
      const user = { email: person.email, password: person.password, firstName: "Ada" };
      const path = `/api/user/registration/${id}`;
      await provider.api("POST", path, { user, registration: { applicationId: first } });
      for (const applicationId of others)
        await provider.api("POST", path, { registration: { applicationId } });
      return person;
    },
    async api(method, path, body) {
      const headers = { authorization: apiKey, "content-type": "application/json" };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await reach(new Request(`${issuer}${path}`, init));
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      const text = await response.text();
      return text === "" ? null : JSON.parse(text);
    },
    deliverDue: () => idp.deliverDue(),
    refresh(registration, refreshToken) {
      const credentials = Buffer.from(`${applications[registration]}:${clientSecret}`).toString("base64");
      const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
      const headers = { authorization: `Basic ${credentials}` };
      return reach(new Request(`${issuer}/oauth2/token`, { method: "POST", headers, body }));
    },
    hold(call, what) {
      const held = gate();
      provider.fault = (request) => {
        if (!`${request.method} ${new URL(request.url).pathname}`.startsWith(call)) return null;
        provider.fault = null;
        return heldBack(request, held, what);
      };
      return held;
    },
    async close() {
      unsubscribe("latchkey:idp", listen);
      await idp.close();
    },
  };
  return provider;

  async function heldBack(request: Request, held: Gate, what: "call" | "answer"): Promise<Response> {
    if (what === "call") await held.pass();
    const response = await reach(request);
    if (what === "answer") await held.pass();
    return response;
  }
}

function application(id: string): unknown {
  const hardened = id !== applications["as-described"];
  const isOneTime = hardened && id !== applications.reusable;
  return {
    name: id,
    roles: [{ name: "customer", isDefault: true }],
    loginConfiguration: {
      generateRefreshTokens: id !== applications["no-refresh-tokens"],
      allowTokenRefresh: !hardened,
      requireAuthentication: true,
    },
    oauthConfiguration: { clientSecret, enabledGrants: ["refresh_token"] },
    jwtConfiguration: {
      enabled: true,
      timeToLiveInSeconds: 600,
      refreshTokenExpirationPolicy: "SlidingWindowWithMaximumLifetime",
      refreshTokenTimeToLiveInMinutes: 43_200,
      refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 43_200 },
      ...(isOneTime
        ? {
            refreshTokenUsagePolicy: "OneTimeUse",
            refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 86_399 },
          }
        : { refreshTokenUsagePolicy: "Reusable" }),
    },
  };
}
