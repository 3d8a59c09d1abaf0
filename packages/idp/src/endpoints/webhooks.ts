// The webhook API: who is told over HTTP of what happens to users. Headers and password are taken and never given out. A caller
// that is bound to one tenant sees and makes webhooks of that tenant only.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { type Call, pathId, requiredPathId } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { requireSaved, saving } from "../saving.ts";
import type { Saved } from "../store/store.ts";
import type { Webhook } from "../store/user-event.ts";
import { bodyOf, patched, patchOf } from "../validation.ts";
import { targetUrl, targetUrlOfTenant } from "../webhooks/target-url.ts";
import { sealedSecrets, secretsOf, type WebhookSecrets } from "../webhooks/webhook-secrets.ts";
import {
  settingsFrom,
  webhookAsInput,
  type WebhookInput,
  webhookInput,
  webhookWire,
} from "../webhooks/webhook-shape.ts";

const webhookRequest: z.ZodType<{ webhook: WebhookInput }> = z.object({ webhook: webhookInput });

/** POST /api/webhook[/{webhookId}]: 200 with `webhook`; 400. */
export async function createWebhook(call: Call): Promise<Response> {
  const { store, config } = call.provider;
  const id = pathId(call, "webhookId") ?? config.uuid();
  const { webhook: input } = await bodyOf(call, webhookRequest);
  const now = config.now();
  const webhook = {
    ...(await decided(call, id, input, null)),
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
  requireSaved("webhook", hasPlace(await store.webhooks.insert(webhook)));
  return answer(call, webhook);
}

/** GET: one as `webhook`, else all the caller may see as `webhooks`. 404. */
export async function retrieveWebhooks(call: Call): Promise<Response> {
  if (pathId(call, "webhookId") !== null) return answer(call, await namedWebhook(call));
  const webhooks = (await call.provider.store.webhooks.list()).filter((webhook) => isVisible(call, webhook));
  return json({ webhooks: await Promise.all(webhooks.map((webhook) => shown(call, webhook))) });
}

/** PUT: replaces all but headers, user name and password where they are left out. */
export async function updateWebhook(call: Call): Promise<Response> {
  const { webhook } = await bodyOf(call, webhookRequest);
  return change(call, () => webhook);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ webhook }`; `headers` are replaced as a whole. */
export async function patchWebhook(call: Call): Promise<Response> {
  const patch = await patchOf(call, "webhook");
  return change(call, (current) => {
    return patched(webhookRequest, { webhook: webhookAsInput(current) }, patch).webhook;
  });
}

/** DELETE: nothing is sent to it any more, nor what waits for it. 200 empty; 404. */
export async function deleteWebhook(call: Call): Promise<Response> {
  const { id } = await namedWebhook(call);
  await call.provider.store.webhooks.delete(id);
  return empty();
}

async function change(call: Call, inputOf: (current: Webhook) => WebhookInput): Promise<Response> {
  const { store, config } = call.provider;
  const webhook = await saving("webhook", async () => {
    const current = await namedWebhook(call);
    const own = await decided(call, current.id, inputOf(current), current);
    const value = { ...current, ...own, lastUpdateInstant: config.now() };
    return { saved: hasPlace(await store.webhooks.update(value)), value };
  });
  return answer(call, webhook);
}

function hasPlace(saved: Saved | "full"): Saved {
  if (saved === "full") throw fieldRefusal("tooMany", "webhook");
  return saved;
}

type Decided = Omit<Webhook, "version" | "insertInstant" | "lastUpdateInstant">;

async function decided(
  call: Call,
  id: string,
  input: WebhookInput,
  current: Webhook | null,
): Promise<Decided> {
  const { sealing } = call.provider;
  requireTarget(call, input, current);
  await requireOwnKey(call, input);
  const secrets = secretsFrom(input, current === null ? null : secretsOf(sealing, current));
  if (current !== null) refuseToMoveSecrets(input, current.url, secrets);
  return {
    ...settingsFrom(input),
    id,
    tenantIds: await tenantsOf(call, input),
    sealedSecrets: sealedSecrets(sealing, id, secrets),
  };
}

// What was there already may stay: an unlimited key has put it there.
function requireTarget(
  { apiKey, provider: { config } }: Call,
  { url }: WebhookInput,
  current: Webhook | null,
): void {
  const ofTenant = (apiKey?.tenantId ?? null) !== null && url !== current?.url;
  const target = ofTenant ? targetUrlOfTenant(config, url) : targetUrl(config, url);
  if (target === null) throw fieldRefusal("invalid", "webhook.url");
}

// The provider's ring signs, always with its newest key: a key that is named must at least be one of it.
async function requireOwnKey({ provider }: Call, { signatureConfiguration }: WebhookInput): Promise<void> {
  const kid = signatureConfiguration?.signingKeyId ?? "";
  if (kid !== "" && (await provider.signingKeys.find(kid)) === null)
    throw fieldRefusal("invalid", "webhook.signatureConfiguration.signingKeyId");
}

function secretsFrom(input: WebhookInput, kept: WebhookSecrets | null): WebhookSecrets {
  return {
    headers: input.headers ?? kept?.headers ?? {},
    username: input.httpAuthenticationUsername ?? kept?.username ?? "",
    password: input.httpAuthenticationPassword ?? kept?.password ?? "",
  };
}

// Who may change a webhook could otherwise have its secrets sent to himself, which nobody may read (CWE-522).
function refuseToMoveSecrets(input: WebhookInput, from: string, secrets: WebhookSecrets): void {
  if (new URL(input.url).origin === new URL(from).origin) return;
  if (input.headers === undefined && Object.keys(secrets.headers).length > 0)
    throw fieldRefusal("missing", "webhook.headers");
  if (input.httpAuthenticationPassword === undefined && secrets.password !== "")
    throw fieldRefusal("missing", "webhook.httpAuthenticationPassword");
}

// Null: of every tenant. One that would hear of nobody is a mistake.
async function tenantsOf(call: Call, { global, tenantIds = [] }: WebhookInput): Promise<string[] | null> {
  const { tenantLimit, provider } = call;
  if (global === true && tenantLimit !== null) throw fieldRefusal("invalid", "webhook.global");
  if (global === true) return null;
  if (tenantIds.length === 0) return [(await requiredTenant(call)).id];
  for (const id of tenantIds) {
    const exists = (await provider.store.tenants.find(id)) !== null;
    if (!exists || (tenantLimit ?? id) !== id) throw fieldRefusal("invalid", "webhook.tenantIds");
  }
  return [...new Set(tenantIds)];
}

async function namedWebhook(call: Call): Promise<Webhook> {
  const webhook = await call.provider.store.webhooks.find(requiredPathId(call, "webhookId"));
  if (webhook === null || !isVisible(call, webhook)) throw new RequestRefusedError(404);
  return webhook;
}

function isVisible({ tenantLimit }: Call, { tenantIds }: Webhook): boolean {
  return tenantLimit === null || (tenantIds?.every((id) => id === tenantLimit) ?? false);
}

async function answer(call: Call, webhook: Webhook): Promise<Response> {
  return json({ webhook: await shown(call, webhook) });
}

async function shown({ provider }: Call, webhook: Webhook): Promise<Record<string, unknown>> {
  const { kid } = await provider.signingKeys.current();
  return webhookWire(webhook, secretsOf(provider.sealing, webhook).username, kid);
}
