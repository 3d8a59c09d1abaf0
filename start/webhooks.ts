/**
 * Telling the provider where the applications want to hear of endings. It is told at every start, not by the kickstart
 * file: ports change, a kickstart is applied once. Always by this machine's address, which needs neither name nor proxy.
 */
import { type Provider, ProviderSetupError } from "./provider.ts";

/** One application's receiver. */
export interface Receiver {
  /** The webhook's id at the provider: fixed, so that a start replaces the one before. */
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly path: string;
}

/** What ends sign-ins; of the rest an application needs to hear nothing. */
const events = ["jwt.refresh-token.revoke", "user.deactivate", "user.delete", "user.password.update"];

/** Registers a receiver, or says anew where it is; throws ProviderSetupError if the provider won't have it. */
export async function registerWebhook(provider: Provider, receiver: Receiver): Promise<void> {
  const replaced = await send(provider, "PUT", receiver);
  const answer = replaced.status === 404 ? await send(provider, "POST", receiver) : replaced;
  if (answer.status === 200) return;
  throw new ProviderSetupError(
    `DATA_DIR: its provider answered ${answer.status} for the webhooks of ${receiver.name}; an earlier version made it. Remove DATA_DIR to start afresh`,
  );
}

async function send(
  provider: Provider,
  method: string,
  { id, name, port, path }: Receiver,
): Promise<Response> {
  const webhook = {
    url: `http://127.0.0.1:${port}${path}`,
    description: name,
    global: true,
    eventsEnabled: Object.fromEntries(events.map((event) => [event, true])),
  };
  const request = new Request(`${provider.url}/api/webhook/${id}`, {
    method,
    headers: { authorization: provider.apiKey, "content-type": "application/json" },
    body: JSON.stringify({ webhook }),
  });
  return (provider.fetch ?? fetch)(request);
}
