// Whether the provider works, for those who watch over it.

import { empty, json } from "../answer.ts";
import type { Call } from "../call.ts";

/** GET /api/health: 200 empty if the store answers, 503 if not. */
export async function health({ provider }: Call): Promise<Response> {
  await provider.store.check();
  return empty();
}

/** GET /api/status: the same as JSON; the version only for callers with an API key (ASVS 13.4.6). */
export async function status({ provider, apiKey }: Call): Promise<Response> {
  await provider.store.check();
  return json({ status: "ok", version: apiKey === null ? undefined : VERSION });
}

/** GET /api/system/version. */
export async function version(): Promise<Response> {
  return json({ version: VERSION });
}

const VERSION = "0.1.0";
