// Looks through the secrets in the database at start-up: in production none may be a sample (ASVS 13.2.3), and what is sealed
// under an older key is sealed anew, so that the old key can leave the ring.

import { clientSecretOf, withSecretResealed } from "./client-secret.ts";
import { isSample, type ResolvedConfig } from "./config.ts";
import { SampleSecretError } from "./errors.ts";
import type { Sealing } from "./sealing.ts";
import type { Application } from "./store/records.ts";
import type { Store } from "./store/store.ts";
import { withSecretsResealed } from "./webhooks/webhook-secrets.ts";

/** The note in a database that a kickstart filled with users who have passwords. */
export const SEEDED = "seeded";

/** Throws SampleSecretError in production, CannotUnsealError if a key is missing from the ring. */
export async function checkStoredSecrets(
  { production }: Pick<ResolvedConfig, "production">,
  store: Store,
  sealing: Sealing,
): Promise<void> {
  if (production) {
    await refuseSampleKeys(store);
    await refuseSeededPasswords(store);
  }
  for (const application of await allApplications(store)) {
    if (production && isSample(clientSecretOf(sealing, application))) {
      throw new SampleSecretError(`The client secret of application ${application.id}`);
    }
    const resealed = withSecretResealed(sealing, application);
    // A conflict means that another process was faster, with the same ring.
    if (resealed !== null) await store.applications.update(resealed);
  }
  for (const webhook of await store.webhooks.list()) {
    const resealed = withSecretsResealed(sealing, webhook);
    if (resealed !== null) await store.webhooks.update(resealed);
  }
}

async function refuseSampleKeys({ apiKeys }: Store): Promise<void> {
  const sample = (await apiKeys.list()).find((key) => key.sample);
  if (sample !== undefined) throw new SampleSecretError(`The API key ${sample.id}`);
}

async function refuseSeededPasswords(store: Store): Promise<void> {
  if ((await store.note(SEEDED)) === null) return;
  throw new SampleSecretError("A password that a kickstart without production gave a user");
}

async function allApplications({ applications }: Store): Promise<Application[]> {
  const active = await applications.list({ tenantId: null, active: true });
  return [...active, ...(await applications.list({ tenantId: null, active: false }))];
}
