// What a webhook's receiver is shown so that it takes the call: headers, user name and password. Sealed in the database, and
// never answered by the API.

import type { Sealing } from "../sealing.ts";
import type { Webhook } from "../store/user-event.ts";

/** The secrets of one webhook, in clear. */
export interface WebhookSecrets {
  headers: Record<string, string>;
  /** Empty: no HTTP authentication. */
  username: string;
  password: string;
}

/** As they are stored. */
export function sealedSecrets(sealing: Sealing, id: string, secrets: WebhookSecrets): string {
  return sealing.seal(JSON.stringify(secrets), purpose(id));
}

/** In clear; throws CannotUnsealError. */
export function secretsOf(sealing: Sealing, webhook: Pick<Webhook, "id" | "sealedSecrets">): WebhookSecrets {
  return JSON.parse(sealing.open(webhook.sealedSecrets, purpose(webhook.id)));
}

/** The webhook with its secrets sealed under today's key; null if they are already. Throws CannotUnsealError. */
export function withSecretsResealed(sealing: Sealing, webhook: Webhook): Webhook | null {
  if (sealing.isCurrent(webhook.sealedSecrets)) return null;
  return { ...webhook, sealedSecrets: sealedSecrets(sealing, webhook.id, secretsOf(sealing, webhook)) };
}

function purpose(id: string): string {
  return `secrets of webhook ${id}`;
}
