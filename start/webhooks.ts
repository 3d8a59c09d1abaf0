/**
 * Telling the provider where an application wants to hear of endings. It is told at every start, not by the kickstart file:
 * addresses change, a kickstart is applied once. Nodes of one application say the same, so that it is one webhook.
 */
import { type Environment, isLoopback, type Part } from "./environment.ts";
import { SetUpError } from "./errors.ts";
import { ask, type Provider } from "./provider.ts";

/**
 * The origin that webhooks go to: the one configured; for the embedded provider this machine's own address, which needs
 * neither name nor proxy; for another the proxy's, so that any node may take them. `null` where the provider can't reach us.
 */
export function webhookOrigin(environment: Environment, part: Part): string | null {
  const { webhookOrigins, origins, provider, ports } = environment;
  const ownAddress = `http://127.0.0.1:${ports[part]}`;
  const reachable = provider === null || isLoopback(new URL(provider.url).hostname) ? ownAddress : null;
  const behindProxy = provider === null ? undefined : origins[part];
  return webhookOrigins[part] ?? behindProxy ?? reachable;
}

/** What ends sign-ins; of the rest an application needs to hear nothing. */
const events = ["jwt.refresh-token.revoke", "user.deactivate", "user.delete", "user.password.update"];

/** A webhook: its id at the provider, which is fixed, so that a start replaces the one before, and where it goes. */
export interface Receiver {
  readonly id: string;
  readonly url: string;
}

/** Registers an application's receiver, or says anew where it is; throws SetUpError if the provider won't have it. */
export async function registerWebhook(
  provider: Provider,
  application: string,
  { id, url }: Receiver,
): Promise<void> {
  const eventsEnabled = Object.fromEntries(events.map((event) => [event, true]));
  const webhook = { url, description: application, global: true, eventsEnabled };
  const put = () => ask(provider, "PUT", `/api/webhook/${id}`, { webhook });
  const replaced = await put();
  if (replaced.status !== 404) return requireTaken(provider, application, replaced);
  const made = await ask(provider, "POST", `/api/webhook/${id}`, { webhook });
  // Another node has made it meanwhile.
  return requireTaken(provider, application, made.status === 200 ? made : await put());
}

function requireTaken({ url, fetch }: Provider, application: string, { status }: Response): void {
  if (status === 200) return;
  throw new SetUpError(
    fetch === undefined
      ? `IDP_URL: ${url} answered ${status} for the webhooks of ${application}; check IDP_API_KEY, and WEBHOOKS_PLAIN_HTTP_TO there`
      : `DATA_DIR: its provider answered ${status} for the webhooks of ${application}; an earlier version made it. Remove DATA_DIR to start afresh`,
  );
}
