// The parts of a running provider, put together once in assembly.ts and handed to every endpoint. Holds nothing of its own.

import type { ResolvedConfig } from "./config.ts";
import type { Publish } from "./events.ts";
import type { Passwords } from "./password.ts";
import type { Readiness } from "./readiness.ts";
import type { RefreshTokenCodec } from "./refresh-token.ts";
import type { Forwards } from "./restored.ts";
import type { Sealing } from "./sealing.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { Tenant } from "./store/records.ts";
import type { Store } from "./store/store.ts";

/** What an endpoint may use. */
export interface Provider {
  readonly config: ResolvedConfig;
  readonly store: Store;
  readonly publish: Publish;
  readonly sealing: Sealing;
  readonly readiness: Readiness;
  readonly signingKeys: SigningKeys;
  readonly passwords: Passwords;
  readonly refreshTokens: RefreshTokenCodec;
  readonly forwards: Forwards;
}

/** The `iss` of a tenant's tokens: its own, else the configured one. */
export function issuerOf({ config }: Pick<Provider, "config">, tenant: Pick<Tenant, "settings">): string {
  return tenant.settings.issuer ?? config.issuer;
}
