/** Set-up of the behaviour suite: an application on a framework and a store, with the embedded provider behind it. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { newDatabase, sharedRedis } from "../../../test/servers/running.ts";
import {
  createSessions,
  type EndReason,
  memoryStore,
  type PublishedSessionEvent,
  type Sessions,
  type SessionsOptions,
  type SessionStore,
  sessionChannel,
  sqliteStore,
  type Workflow,
} from "../src/index.ts";
import { postgresStore } from "../src/store/postgres.ts";
import { redisStore } from "../src/store/redis.ts";
import { Browser } from "./browser.ts";
import type { Clock, Gate } from "./clock.ts";
import { type Framework, listen } from "./frameworks.ts";
import { publicPaths, unguardedPaths } from "./pages.ts";
import { onPostgres, type Person, type Registration, startProvider, type TestProvider } from "./provider.ts";
import { cookieKey } from "./records.ts";
import { type OpenStore, type WatchedStore, watchedStore } from "./watched-store.ts";

/** How an application under test differs from the hardened W2 one on a loopback origin. */
export interface Variant extends Partial<SessionsOptions> {
  /** The provider's application; by default the one that fits the policy. */
  readonly registration?: Registration;
  /** Milliseconds the provider has. */
  readonly deadline?: number;
  /** Another node of the same application: a handle of its own on the same store, the same keys and origin. */
  readonly beside?: TestApplication;
}

/** An application under test. */
export interface TestApplication {
  readonly origin: string;
  readonly port: number;
  readonly provider: TestProvider;
  readonly clock: Clock;
  readonly store: WatchedStore;
  readonly openStore: OpenStore;
  readonly sessions: Sessions;
  readonly options: SessionsOptions;
  readonly framework: Framework;
  /** Events of its sessions so far. */
  readonly events: PublishedSessionEvent[];
  /** What the slow page waits for. */
  gate: Gate | null;
  browser(): Browser;
  /** A new browser in which this person, or anybody, is signed in. */
  signedIn(how?: { person?: Person; remember?: boolean }): Promise<Browser>;
}

/** The suite's place: a framework, a store, and how to start an application there. */
export interface Place {
  readonly framework: Framework;
  readonly storeName: StoreName;
  /** The provider's application for the hardened policy. */
  readonly registration: Registration;
  readonly provider: () => TestProvider;
  start(variant?: Variant): Promise<TestApplication>;
}

const frameworks: readonly Framework[] = ["Express", "Fastify", "Hono"];
const embeddedStores = ["memory", "SQLite"] as const;
const sharedStores = ["Redis", "Postgres"] as const;
const stores = [...embeddedStores, ...sharedStores] as const;
type StoreName = (typeof stores)[number];

/** Both workflows, for what has to hold in each. */
export const workflows: readonly Workflow[] = ["sessions", "sessions+refresh-tokens"];

/** The types of what was published so far. */
export function types({ events }: TestApplication): string[] {
  return events.map(({ type }) => type);
}

/** Why sign-ins have ended so far, one after the other. */
export function endings({ events }: TestApplication): EndReason[] {
  return events.flatMap((event) => (event.type === "sign-in-ended" ? [event.reason] : []));
}

/**
 * Runs a suite for every framework × embedded store, and on the quickest framework for the stores on servers of their own, with one
 * provider a file: signing in is the slow part.
 */
export function everywhere(topic: string, suite: (place: Place) => void): void {
  const places = [...placesOf(frameworks, embeddedStores), ...placesOf(["Fastify"], sharedStores)];
  // What the provider keeps its data in is nothing a framework could notice.
  onPlaces(topic, onPostgres ? placesOf(["Fastify"], stores) : places, suite);
}

/** The same where nothing depends on the store: every framework, on the memory store. */
export function onEveryFramework(topic: string, suite: (place: Place) => void): void {
  onPlaces(topic, placesOf(frameworks, ["memory"]), suite);
}

/** The same where nothing depends on the framework: every store, on the quickest of them. */
export function onEveryStore(topic: string, suite: (place: Place) => void): void {
  onPlaces(topic, placesOf(["Fastify"], onPostgres ? sharedStores : stores), suite);
}

/**
 * The same where the provider's refresh tokens stay the same, and what is caught is caught by the library alone: every store,
 * on the quickest of the frameworks.
 */
export function withReusableTokens(topic: string, suite: (place: Place) => void): void {
  const on = onPostgres ? sharedStores : stores;
  onPlaces(`${topic}, tokens reusable`, placesOf(["Fastify"], on), suite, "reusable");
}

/** The same for what one framework alone can do. */
export function onFramework(framework: Framework, topic: string, suite: (place: Place) => void): void {
  onPlaces(topic, placesOf([framework], ["memory"]), suite);
}

function placesOf(
  which: readonly Framework[],
  on: readonly StoreName[],
): Pick<Place, "framework" | "storeName">[] {
  return which.flatMap((framework) => on.map((storeName) => ({ framework, storeName })));
}

function onPlaces(
  topic: string,
  places: readonly Pick<Place, "framework" | "storeName">[],
  suite: (place: Place) => void,
  registration: Registration = "hardened",
): void {
  let provider: TestProvider | null = null;
  const running = (): TestProvider => {
    if (provider === null) throw new Error("the provider starts in beforeAll");
    return provider;
  };
  beforeAll(async () => {
    provider = await startProvider();
  });
  afterAll(() => provider?.close());

  describe.each(places)(`${topic}: $framework on $storeName`, ({ framework, storeName }) => {
    let open = new AsyncDisposableStack();
    afterEach(async () => {
      running().fault = null;
      await open.disposeAsync();
      open = new AsyncDisposableStack();
    });
    const start = (variant: Variant = {}) =>
      startApplication({ framework, storeName, registration, open, variant }, running());
    suite({ framework, storeName, registration, provider: running, start });
  });
}

interface Starting {
  readonly framework: Framework;
  readonly storeName: StoreName;
  readonly registration: Registration;
  readonly open: AsyncDisposableStack;
  readonly variant: Variant;
}

async function startApplication(starting: Starting, provider: TestProvider): Promise<TestApplication> {
  const { framework, open, variant } = starting;
  const { clock } = provider;
  const listener = await listen(framework, { gate: () => application.gate });
  open.defer(() => listener.close());
  const openStore = variant.beside?.openStore ?? (await opener(starting));
  const store = watchedStore(openStore);
  const registration = variant.policy === "as-described" ? variant.policy : starting.registration;
  const options = optionsOf({ registration, ...variant }, { provider, store, port: listener.port });
  const sessions = createSessions(options);
  open.defer(() => sessions.close());

  const events: PublishedSessionEvent[] = [];
  const heard = (event: unknown) => void events.push(event as PublishedSessionEvent);
  subscribe(sessionChannel, heard);
  open.defer(() => void unsubscribe(sessionChannel, heard));
  const { origin } = options;
  const site = { origin, port: listener.port };
  const application: TestApplication = {
    origin,
    port: listener.port,
    provider,
    clock,
    store,
    openStore,
    sessions,
    options,
    framework,
    events,
    gate: null,
    browser: () => new Browser(site, clock),
    async signedIn({ person, remember = false } = {}) {
      const browser = application.browser();
      const { email, password } = person ?? (await provider.anybody());
      const response = await browser.signIn(email, password, remember ? { remember: "on" } : {});
      if (response.status !== 302) throw new Error(`signing in: ${response.status} ${response.body}`);
      return browser;
    },
  };
  await listener.mount(sessions);
  return application;
}

/** Opens stores of that kind, whose data nobody else has and which go, or can't be found again, when the test is over. */
function opener({ storeName, open }: Starting): OpenStore | Promise<OpenStore> {
  switch (storeName) {
    case "memory":
      return memoryStores();
    case "SQLite": {
      const folder = mkdtempSync(join(tmpdir(), "latchkey-"));
      open.defer(() => rmSync(folder, { recursive: true }));
      return (number) => sqliteStore({ path: join(folder, `sessions-${number}.sqlite`) });
    }
    case "Redis":
      return redisStores();
    case "Postgres":
      return postgresStores();
  }
}

function memoryStores(): OpenStore {
  const opened = new Map<number, SessionStore>();
  return (number) => {
    const store = opened.get(number) ?? memoryStore();
    opened.set(number, store);
    return store;
  };
}

async function redisStores(): Promise<OpenStore> {
  const url = await sharedRedis();
  const application = `behaviour-${process.pid}-${randomUUID()}`;
  return (number) => redisStore({ url, application: `${application}-${number}` });
}

let database: Promise<string> | null = null;

async function postgresStores(): Promise<OpenStore> {
  database ??= newDatabase();
  const url = await database;
  const schema = `behaviour_${randomUUID().replaceAll("-", "_")}`;
  return (number) => postgresStore({ url, schema: `${schema}_${number}`, connections: 5 });
}

function optionsOf(
  { registration, deadline, beside, ...changed }: Variant & { readonly registration: Registration },
  { provider, store, port }: { provider: TestProvider; store: SessionStore; port: number },
): SessionsOptions {
  const key = cookieKey("2026a");
  secret(key.secret);
  const base: SessionsOptions = {
    application: "store",
    origin: `http://127.0.0.1:${port}`,
    identityProvider: {
      ...provider.options(registration),
      ...(deadline === undefined ? {} : { deadline }),
    },
    cookieKeys: [key],
    publicPaths,
    unguardedPaths,
    afterSignIn: "/shopping-cart",
    now: provider.clock.now,
    store,
    // As for the provider: one that no answer of this machine misses.
    storeDeadline: "20s",
  };
  return { ...base, ...beside?.options, ...changed, store };
}
