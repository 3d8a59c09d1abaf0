// The whole public surface: createIdp(config) → { fetch, rotateSigningKey, close }. Gives a new database its tenant, starts
// the parts, and undoes a start that fails. Embedding is passing `fetch` on; listening on a port is serving it (program/serve.ts).

import { applyKickstart } from "./apply-kickstart.ts";
import { assembled } from "./assembly.ts";
import { type IdpConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import { startDelivering } from "./delivery.ts";
import { claimKickstart, type KickstartClaim } from "./kickstart-claim.ts";
import type { Provider } from "./provider.ts";
import { createSend } from "./receivers.ts";
import { createRouter, type Transport } from "./routes.ts";
import { checkStoredSecrets } from "./stored-secrets.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/store.ts";
import { startSweeping } from "./sweeping.ts";

export type { ConfigKey, IdpConfig, SigningAlgorithm, WebhooksConfig } from "./config.ts";
export {
  CannotUnsealError,
  DatabaseTooNewError,
  HashingBusyError,
  IdpError,
  KickstartFailedError,
  KickstartInvalidError,
  KickstartKeyRefusedError,
  MailRefusedError,
  SampleSecretError,
  StoreUnavailableError,
} from "./errors.ts";
export type { IdpEvent, IdpHappening, LoginFailure, RevocationReason } from "./events.ts";
export type { MailConfig, MailMessage } from "./mail/mail-config.ts";
export {
  type Kickstart,
  type KickstartApiKey,
  type KickstartRequest,
  parseKickstart,
} from "./kickstart.ts";
export type { Transport } from "./routes.ts";

/** A running identity provider. */
export interface Idp {
  /** Answers a request; never rejects. `env.address` is the other end's address, kept with refresh tokens. */
  fetch(request: Request, env?: Transport): Promise<Response>;
  /**
   * Makes a new key pair and answers its `kid`. It is published at once and signs access tokens from a minute later on, when every
   * node and every verifier can know it; with `now` at once here, on other nodes within 20 seconds. Tokens signed before stay valid
   * until they expire. Throws StoreUnavailableError.
   */
  rotateSigningKey(options?: { now?: boolean }): Promise<string>;
  /** From now on `/api/status` answers 503, so that a proxy sends no more; requests are answered as before. `close` comes after it. */
  drain(): void;
  /**
   * Tries to deliver every event that is due by `now` to its webhook or mailbox, and waits until nothing is. It happens by itself
   * all the time; a test that moves the clock calls this instead of waiting. What fails stays for later and is no error.
   */
  deliverDue(): Promise<void>;
  /** Waits for what is being answered, then closes the database; later requests get 503. */
  close(): Promise<void>;
}

/**
 * Opens the database, creating it if absent, and answers the provider.
 * Throws a TypeError that names the wrong option; StoreUnavailableError or DatabaseTooNewError for a database that can't be used;
 * CannotUnsealError when a key is missing from the ring; SampleSecretError in production; KickstartFailedError or KickstartKeyRefusedError.
 *
 * @example
 * const idp = await createIdp({
 *   database: "./idp.sqlite",
 *   issuer: "http://localhost:9011",
 *   keys: [{ id: "2026-1", secret: process.env.IDP_KEY }],
 * });
 * const response = await idp.fetch(new Request("http://localhost:9011/.well-known/jwks.json"));
 */
export async function createIdp(config: IdpConfig): Promise<Idp> {
  const resolved = resolveConfig(config);
  const { uuid, mail } = resolved;
  const store = await openStore(resolved.database, config.now ?? null, { uuid, mails: mail !== null });
  try {
    return await started({ ...resolved, now: store.now }, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function started(config: ResolvedConfig, store: Store): Promise<Idp> {
  const claim = await claimKickstart(config, store);
  try {
    return await filled(config, store, claim);
  } catch (error) {
    // What stopped the start is worth more to know than that it could not be undone: the next start empties the database too.
    await claim?.abandon().catch(() => undefined);
    throw error;
  }
}

async function filled(config: ResolvedConfig, store: Store, claim: KickstartClaim | null): Promise<Idp> {
  await ensureDefaultTenant(config, store);
  const provider = await assembled(config, store);
  await checkStoredSecrets(config, store, provider.sealing);
  await store.refreshTokens.revokeOwed();
  await provider.signingKeys.ensure();
  const answer = createRouter(provider);
  if (config.kickstart !== null && claim !== null)
    await applyKickstart(provider, config.kickstart, claim, (request) => answer(request, {}));
  return running(provider, answer);
}

// A new database has the tenant FusionAuth's has, under an id of its own or the kickstart's.
async function ensureDefaultTenant(
  { kickstart, uuid, now }: ResolvedConfig,
  { tenants }: Store,
): Promise<void> {
  if ((await tenants.list()).length > 0) return;
  await tenants.insert({
    id: kickstart?.defaultTenantId ?? uuid(),
    name: "Default",
    isDefault: true,
    settings: {},
    version: 1,
    insertInstant: now(),
    lastUpdateInstant: now(),
  });
}

function running(provider: Provider, answer: ReturnType<typeof createRouter>): Idp {
  const { store, passwords, signingKeys, readiness } = provider;
  const stopSweeping = startSweeping(provider);
  const delivering = startDelivering({
    config: provider.config,
    outbox: store.outbox,
    publish: provider.publish,
    send: createSend(provider),
  });
  const answering = new Set<Promise<Response>>();
  return {
    async fetch(request, env = {}) {
      const response = answer(request, env);
      answering.add(response);
      try {
        return await response;
      } finally {
        answering.delete(response);
      }
    },
    rotateSigningKey: (options) => signingKeys.rotate(options),
    drain: () => readiness.drain(),
    deliverDue: () => delivering.settled(),
    async close() {
      stopSweeping();
      await Promise.allSettled(answering);
      await passwords.idle();
      await delivering.stop();
      await store.close();
    },
  };
}
