// Puts the parts of a provider together on an open store. Writes nothing and starts nothing: a provider that serves (index.ts) and a
// command of an operator (program/operator.ts) begin with the same parts and go different ways.

import type { ResolvedConfig } from "./config.ts";
import { createPublish } from "./events.ts";
import { createPasswords } from "./password.ts";
import type { Provider } from "./provider.ts";
import { createReadiness } from "./readiness.ts";
import { createRefreshTokenCodec } from "./refresh-token.ts";
import { createForwards } from "./restored.ts";
import { createSealing } from "./sealing.ts";
import { openSigningKeys } from "./signing-keys.ts";
import type { Store } from "./store/store.ts";

/** The parts on this store. Throws CannotUnsealError when a key is missing from the ring; StoreUnavailableError. */
export async function assembled(config: ResolvedConfig, store: Store): Promise<Provider> {
  const publish = createPublish(config.now);
  const sealing = createSealing(config);
  return {
    config,
    store,
    publish,
    sealing,
    readiness: createReadiness(),
    signingKeys: await openSigningKeys(config, store.signingKeys, sealing, publish),
    passwords: await createPasswords(config, publish),
    refreshTokens: createRefreshTokenCodec(config),
    forwards: createForwards(config, store),
  };
}
