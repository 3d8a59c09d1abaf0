/** `createSessions`: the parts put together, and their upkeep. */
import { arrivals } from "./arrival.ts";
import { asDescribed } from "./as-described.ts";
import type { Answer } from "./answer.ts";
import { endSignInsOf } from "./endings.ts";
import { LatchkeyError } from "./errors.ts";
import { hardened } from "./hardened.ts";
import { pathOf } from "./paths.ts";
import { type IncomingRequest, receive, type Received } from "./receive.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { checkedSettings, type SessionsOptions, type Settings } from "./settings.ts";
import { payRevocation } from "./sign-ins.ts";
import { type Status, statusOf } from "./status.ts";
import { type IncomingWebhook, receiveWebhook } from "./webhook.ts";

/** Sessions for one application. */
export interface Sessions {
  /**
   * For adapters: what to do with a request; no promise where nothing has to be waited for. Never throws for anything a client
   * can send.
   */
  receive(request: IncomingRequest): Received | Promise<Received>;
  /** For adapters: whether this target, path and query, is where the provider sends its webhooks. */
  isWebhook(target: string): boolean;
  /**
   * For adapters: the answer to a webhook of the provider's; asked before anything reads the body. Rejects with
   * WebhookBodyConsumedError alone.
   */
  receiveWebhook(request: IncomingWebhook): Promise<Answer>;
  /**
   * For an administrator's tool: ends every sign-in of a user in this application, here at once and at the provider as soon as
   * it can be reached (ASVS 7.4.5). Returns how many have ended; throws SessionStoreUnavailableError if the store is down.
   *
   * @example
   * const count = await sessions.endSignInsOf(userId);
   */
  endSignInsOf(userId: string): Promise<number>;
  /** For adapters: when a request of `node:http` arrived, epoch milliseconds by the clock in force. */
  arrivedAt(message: object): number;
  /**
   * Whether store and provider answer: for a status page or a load balancer. Takes a second at most, is shared by callers at once and
   * kept for a second; never rejects. With a store that is down signed-in pages answer 503 and public ones are served; with a provider
   * that is down live sessions go on.
   *
   * @example
   * const { store, provider } = await sessions.status();
   */
  status(): Promise<Status>;
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
  const arrived = arrivals(settings.now);
  const upkeep = setInterval(() => {
    maintain().catch((error: unknown) => {
      const code = error instanceof LatchkeyError ? error.code : "unexpected";
      settings.publish({ type: "unavailable", code, message: String(error) });
    });
  }, maintenanceInterval).unref();

  return {
    receive: (request) => receive(settings, policy, request),
    isWebhook: (target) => settings.webhookPath !== null && pathOf(target) === settings.webhookPath,
    receiveWebhook: (request) => receiveWebhook(settings, request),
    endSignInsOf: (userId) => endSignInsOf(settings, userId, "ended-by-administrator"),
    arrivedAt: (message) => arrived.of(message),
    status: statusOf(settings),
    lifetimes: settings.lifetimes,
    maintain,
    async close() {
      clearInterval(upkeep);
      arrived.close();
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
