// A webhook on the wire: what a caller may send and what a caller gets. What FusionAuth has and this provider has not is refused
// where it would restrict or promise something, so that no part is silently left out.

import * as z from "zod";
import { USER_EVENT_TYPES, type UserEventType, type Webhook } from "../store/user-event.ts";
import { data, line, requiredLine, uuid } from "../validation.ts";

/** What a caller may say of a webhook. */
export interface WebhookInput {
  url: string;
  description?: string | undefined;
  global?: boolean | undefined;
  tenantIds?: string[] | undefined;
  connectTimeout?: number | undefined;
  readTimeout?: number | undefined;
  eventsEnabled?: Record<string, boolean> | undefined;
  headers?: Record<string, string> | undefined;
  httpAuthenticationUsername?: string | undefined;
  httpAuthenticationPassword?: string | undefined;
  signatureConfiguration?: { enabled?: boolean | undefined; signingKeyId?: string | undefined } | undefined;
  data?: Record<string, unknown> | undefined;
}

// What decides where a request ends and who it is from is not a caller's to set (CWE-444, CWE-113).
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-fusionauth-signature-jwt",
]);

const headerName = z
  .string()
  .max(191)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "[invalid]")
  .refine((name) => !OWN_HEADERS.has(name.toLowerCase()), "[invalid]");

// A header holds bytes: of what is beyond Latin-1, Node makes an error at every delivery.
const headerValue = line(4_096).refine((value) => /^[\t\x20-\xff]*$/.test(value), "[invalid]");

const isKnown = (name: string): name is UserEventType => USER_EVENT_TYPES.some((type) => type === name);

// FusionAuth's client names all of its events; one that never comes must not look as if it did.
const eventsEnabled = z.record(line(191), z.boolean()).superRefine((events, context) => {
  for (const [name, enabled] of Object.entries(events)) {
    if (enabled && !isKnown(name))
      context.addIssue({ code: "custom", path: [name], message: "[invalid]", input: name });
  }
});

const notSupported = z.union([z.literal(""), z.array(z.never())], { error: "[invalid]" }).optional();

/** The `webhook` of a request body. */
export const webhookInput: z.ZodType<WebhookInput> = z.object({
  url: requiredLine(1_024),
  description: line(1_024).optional(),
  global: z.boolean().optional(),
  tenantIds: z.array(uuid).max(100).optional(),
  applicationIds: notSupported,
  connectTimeout: z.int().min(1).max(10_000).optional(),
  readTimeout: z.int().min(1).max(30_000).optional(),
  eventsEnabled: eventsEnabled.optional(),
  headers: z.record(headerName, headerValue).optional(),
  // RFC 7617 §2: a user name has no colon.
  httpAuthenticationUsername: line(191)
    .refine((name) => !name.includes(":"), "[invalid]")
    .optional(),
  httpAuthenticationPassword: line(1_024).optional(),
  signatureConfiguration: z
    .object({ enabled: z.boolean().optional(), signingKeyId: line(191).optional() })
    .optional(),
  sslCertificate: notSupported,
  sslCertificateKeyId: notSupported,
  data: data.optional(),
});

/** The parts of a webhook that the input alone decides. FusionAuth's console has the same timeouts by default. */
export function settingsFrom(
  input: WebhookInput,
): Pick<Webhook, "url" | "description" | "events" | "connectTimeout" | "readTimeout" | "signed" | "data"> {
  const enabled = input.eventsEnabled ?? {};
  return {
    url: input.url,
    description: input.description,
    events: USER_EVENT_TYPES.filter((type) => enabled[type] === true),
    connectTimeout: input.connectTimeout ?? 1_000,
    readTimeout: input.readTimeout ?? 2_000,
    signed: input.signatureConfiguration?.enabled ?? true,
    data: input.data,
  };
}

/** The webhook as a body that would leave it unchanged: what a PATCH is applied to. Secrets that are not named are kept. */
export function webhookAsInput(webhook: Webhook): WebhookInput {
  const { url, description, tenantIds, connectTimeout, readTimeout, events, signed, data } = webhook;
  return {
    url,
    description,
    global: tenantIds === null,
    tenantIds: tenantIds ?? [],
    connectTimeout,
    readTimeout,
    eventsEnabled: eventsEnabledOf(events),
    signatureConfiguration: { enabled: signed },
    data,
  };
}

/** The webhook as callers see it: without headers and password. `kid` is of the key that signs now. */
export function webhookWire(webhook: Webhook, username: string, kid: string): Record<string, unknown> {
  const { id, signed, insertInstant, lastUpdateInstant } = webhook;
  return {
    id,
    ...webhookAsInput(webhook),
    httpAuthenticationUsername: username === "" ? undefined : username,
    signatureConfiguration: signed ? { enabled: true, signingKeyId: kid } : { enabled: false },
    data: webhook.data ?? {},
    insertInstant,
    lastUpdateInstant,
  };
}

function eventsEnabledOf(events: readonly UserEventType[]): Record<string, boolean> {
  return Object.fromEntries(USER_EVENT_TYPES.map((type) => [type, events.includes(type)]));
}
