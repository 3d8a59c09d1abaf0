// One attempt to tell one receiver: the envelope, its signature, the request (post.ts). Redirects are not followed: they would lead past
// the check of the URL (CWE-918).

import { createHash } from "node:crypto";
import { signedJwt } from "../access-token.ts";
import { issuerOf, type Provider } from "../provider.ts";
import type { UserEvent, Webhook } from "../store/user-event.ts";
import { tokenPolicy } from "../token-policy.ts";
import { envelopeOf, type Lifetimes } from "./envelope.ts";
import { targetUrl } from "./target-url.ts";
import { secretsOf, type WebhookSecrets } from "./webhook-secrets.ts";

// Long enough for clocks that differ; a receiver refuses a copy that arrives later.
const SIGNATURE_SECONDS = 300;

/** Sends the event and answers the status, or null for a URL that may not be called any more; rejects where no answer came. */
export async function callWebhook(
  provider: Provider,
  webhook: Webhook,
  event: UserEvent,
  signal: AbortSignal,
): Promise<number | null> {
  const url = targetUrl(provider.config, webhook.url);
  if (url === null) return null;
  const body = JSON.stringify(envelopeOf(event, await lifetimesOf(provider, event)));
  const headers = headersOf(secretsOf(provider.sealing, webhook));
  headers.set("content-type", "application/json");
  if (webhook.signed) headers.set("x-fusionauth-signature-jwt", await signatureOf(provider, event, body));
  const within = webhook.connectTimeout + webhook.readTimeout;
  return beforeDeadline(within, signal, (either) =>
    provider.config.webhooks.post(url, { headers, body, signal: either }),
  );
}

// Not `AbortSignal.timeout`, which keeps what it belongs to until its time has come: of thousands of deliveries all that were answered
// at once would be kept for half a minute. Nor `AbortSignal.any`, whose WeakRefs outlive them (post.ts).
async function beforeDeadline<T>(
  milliseconds: number,
  signal: AbortSignal,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  // What was broken off while the signature was made has fired already.
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new DOMException("Too slow", "TimeoutError")), milliseconds);
  const stop = (): void => deadline.abort(signal.reason);
  signal.addEventListener("abort", stop);
  try {
    return await work(deadline.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function headersOf({ headers, username, password }: WebhookSecrets): Headers {
  const sent = new Headers(headers);
  if (username === "" && password === "") return sent;
  sent.set("authorization", `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
  return sent;
}

// FusionAuth's claim and, so that a copy is recognised, when it was signed and which event it is of. `jti` is the event's id:
// a second attempt has the same one, since the first may have arrived.
async function signatureOf(provider: Provider, { id, tenantId }: UserEvent, body: string): Promise<string> {
  const { signingKeys, config, store } = provider;
  const tenant = await store.tenants.find(tenantId);
  const iat = Math.floor(config.now() / 1_000);
  return signedJwt(await signingKeys.current(), {
    request_body_sha256: createHash("sha256").update(body).digest("base64"),
    iss: tenant === null ? config.issuer : issuerOf(provider, tenant),
    iat,
    exp: iat + SIGNATURE_SECONDS,
    jti: id,
  });
}

// For which applications, and how long from now, an access token may still be about that was issued before a revocation.
async function lifetimesOf({ store }: Provider, event: UserEvent): Promise<Lifetimes> {
  const tenant = event.type.startsWith("jwt.") ? await store.tenants.find(event.tenantId) : null;
  if (tenant === null) return {};
  const applications = await store.applications.list({ tenantId: tenant.id, active: true });
  const concerned = applications.filter(({ id }) => (event.applicationId ?? id) === id);
  return Object.fromEntries(
    concerned.map((application) => [application.id, tokenPolicy(tenant, application).accessTokenSeconds]),
  );
}
