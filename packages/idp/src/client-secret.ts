// The client secret of an application: made or taken over, sealed for the database, opened, compared. It is shown by the
// application API alone, and every route of that demands an API key.

import { isSample } from "./config.ts";
import { fieldRefusal } from "./errors.ts";
import type { Provider } from "./provider.ts";
import type { Sealing } from "./sealing.ts";
import type { Application, Client } from "./store/records.ts";

/** A client secret as it is stored: the caller's, or a new random one. A 400 for a sample secret in production. */
export function newClientSecret(
  { config, sealing }: Provider,
  applicationId: string,
  chosen: string | undefined,
): string {
  if (chosen !== undefined && config.production && isSample(chosen)) {
    throw fieldRefusal("invalid", "application.oauthConfiguration.clientSecret");
  }
  const secret = chosen ?? config.randomBytes(32).toString("base64url");
  return sealing.seal(secret, purpose(applicationId));
}

/** The client secret in clear; throws CannotUnsealError. */
export function clientSecretOf(sealing: Sealing, { id, sealedSecret }: Client): string {
  return sealing.open(sealedSecret, purpose(id));
}

/** The application with its client secret sealed under today's key; null if it is already. Throws CannotUnsealError. */
export function withSecretResealed(sealing: Sealing, application: Application): Application | null {
  if (sealing.isCurrent(application.sealedSecret)) return null;
  const secret = clientSecretOf(sealing, application);
  return { ...application, sealedSecret: sealing.seal(secret, purpose(application.id)) };
}

/** True if `presented` is the client secret, compared in constant time. Throws CannotUnsealError. */
export function isClientSecret(sealing: Sealing, { id, sealedSecret }: Client, presented: string): boolean {
  return sealing.holds(sealedSecret, purpose(id), presented);
}

function purpose(applicationId: string): string {
  return `client secret of ${applicationId}`;
}
