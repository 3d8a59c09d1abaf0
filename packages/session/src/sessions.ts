/** `createSessions`: the parts put together, and their upkeep. */
import { asDescribed } from "./as-described.ts";
import { LatchkeyError } from "./errors.ts";
import { hardened } from "./hardened.ts";
import { type IncomingRequest, receive, type Received } from "./receive.ts";
import { checkedSettings, type Lifetimes, type SessionsOptions, type Settings } from "./settings.ts";
import { payRevocation } from "./sign-ins.ts";

/** Sessions for one application. */
export interface Sessions {
  /** For adapters: what to do with a request. Never throws for anything a client can send. */
  receive(request: IncomingRequest): Promise<Received>;
  /** The limits in force, in milliseconds. */
  readonly lifetimes: Lifetimes;
  /** Forgets what has expired and pays the provider what is owed; runs by itself every 30 seconds. */
  maintain(): Promise<void>;
  /** Stops the upkeep and closes the store. */
  close(): Promise<void>;
}

const maintenanceInterval = 30_000;
const mostPaidAtOnce = 100;

/**
 * Sessions for one application; throws a TypeError that names the option if one is wrong.
 *
 * @example
 * const sessions = createSessions({
 *   application: "store",
 *   origin: "https://store.example.com",
 *   identityProvider: { url: "https://id.example.com", applicationId, apiKey, clientSecret },
 *   cookieKeys: [{ id: "2026a", secret: cookieKey }],
 *   store: sqliteStore({ path: "./sessions.sqlite" }),
 *   publicPaths: ["/", "/assets/*"],
 * });
 */
export function createSessions(options: SessionsOptions): Sessions {
  const settings = checkedSettings(options);
  const policy = settings.policy === "hardened" ? hardened(settings) : asDescribed(settings);
  const maintain = maintenance(settings);
  const upkeep = setInterval(() => {
    maintain().catch((error: unknown) => {
      const code = error instanceof LatchkeyError ? error.code : "unexpected";
      settings.publish({ type: "unavailable", code, message: String(error) });
    });
  }, maintenanceInterval).unref();

  return {
    receive: (request) => receive(settings, policy, request),
    lifetimes: settings.lifetimes,
    maintain,
    async close() {
      clearInterval(upkeep);
      await settings.store.close();
    },
  };
}

/** Sweeping and paying; while one run is under way, another call waits for it instead of starting its own. */
function maintenance(settings: Settings): () => Promise<void> {
  const { store, now } = settings;
  let running: Promise<void> | null = null;
  const run = async () => {
    await store.sweep(now());
    for (const { id } of await store.signInsOwingRevocation(mostPaidAtOnce))
      await payRevocation(settings, id);
  };
  return () => (running ??= run().finally(() => (running = null)));
}
