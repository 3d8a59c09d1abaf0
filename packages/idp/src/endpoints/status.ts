// Whether the provider works, for those who watch over it.

import { empty, json } from "../answer.ts";
import type { Call } from "../call.ts";
import { StoreUnavailableError } from "../errors.ts";
import type { Provider } from "../provider.ts";

/** GET /api/health, live: 200 empty while the process can answer. The store is not asked: restarting would not mend it. */
export async function health(): Promise<Response> {
  return empty();
}

/**
 * GET /api/status, ready: 200 if requests may be sent here; 503 while the process drains or the store can't be used. How the parts
 * are only for callers with an API key (ASVS 13.4.6); what a stranger may know is in the status.
 */
export async function status({ provider, apiKey }: Call): Promise<Response> {
  const draining = provider.readiness.isDraining();
  const milliseconds = await storeMilliseconds(provider);
  const isReady = !draining && milliseconds !== null;
  const details = {
    version: VERSION,
    draining,
    store: milliseconds === null ? { status: "unavailable" } : { status: "ok", milliseconds },
  };
  const body = { status: isReady ? "ok" : "unavailable", ...(apiKey === null ? {} : details) };
  return isReady ? json(body) : json(body, 503, { "retry-after": "1" });
}

async function storeMilliseconds({ store, config: { now } }: Provider): Promise<number | null> {
  const asked = now();
  try {
    await store.check();
    return Math.round(now() - asked);
  } catch (error) {
    if (error instanceof StoreUnavailableError) return null;
    throw error;
  }
}

/** GET /api/system/version. */
export async function version(): Promise<Response> {
  return json({ version: VERSION });
}

const VERSION = "0.1.0";
