/**
 * The receiver of the provider's webhooks: nobody but the provider can say a word here (its signature is over the body's own
 * bytes), and what it says is done before it is told so. No cookie, no session and no guard is looked at.
 */
import { hash } from "node:crypto";
import type { JWTPayload } from "jose";
import { JOSEError } from "jose/errors";
import { type Answer, answer } from "./answer.ts";
import { applyEvent } from "./endings.ts";
import { LatchkeyError } from "./errors.ts";
import { type ProviderEvent, readEvent } from "./provider-event.ts";
import type { IncomingRequest } from "./receive.ts";
import type { Settings } from "./settings.ts";
import { readWebhookBody } from "./webhook-body.ts";

/** A webhook, as an adapter describes it: a request of which nobody has read the body yet. */
export interface IncomingWebhook extends Pick<IncomingRequest, "method" | "target" | "header" | "address"> {
  /** The body's bytes as they arrive; throws WebhookBodyConsumedError if something else has read them. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** Why a webhook was refused. */
export type WebhookRefusal = "method" | "body" | "signature" | "stale" | "nonsense";

/** FusionAuth's header: a JWT whose claim `request_body_sha256` is the hash of the body. */
const signatureHeader = "x-fusionauth-signature-jwt";

/** Milliseconds since a webhook was signed: one that was caught on its way can't be sent again for longer. */
const longestAge = 5 * 60_000;

/** Anybody may send unknown key ids: they must not make us ask the provider each time. */
const refetchAfter = 30_000;

/**
 * Takes one webhook: 200 when its event has been dealt with, or concerns nobody here; 401 where it is not the provider's or
 * too old, 400 where it is nonsense, 405, 408, 413 and 415 by their meaning; 503 where keys or store can't be had, so that the
 * sender tries again. Throws WebhookBodyConsumedError alone.
 */
export async function receiveWebhook(settings: Settings, request: IncomingWebhook): Promise<Answer> {
  const refuse = (status: number, reason: WebhookRefusal, headers: Record<string, string> = {}) => {
    settings.publish({ type: "webhook-refused", reason, address: request.address });
    return plain(status, headers, reason);
  };
  if (request.method !== "POST") return refuse(405, "method", { allow: "POST" });
  const token = request.header(signatureHeader);
  if (token === undefined) return refuse(401, "signature");
  // Where a parser of forms stands before us, a stranger's form has been read: that is no mistake in the wiring.
  if (!isJson(request)) return refuse(415, "body");
  const body = await readWebhookBody(request.bytes());
  if (body === "too-large") return refuse(413, "body");
  if (body === "incomplete") return refuse(408, "body");
  try {
    const claims = await signedClaims(settings, token, body);
    if (claims === null) return refuse(401, "signature");
    const event = readEvent(body, settings.applicationId);
    if (event === null) return refuse(400, "nonsense");
    if (!isFresh(settings, claims, event)) return refuse(401, "stale");
    const counts = await applyEvent(settings, event);
    settings.publish({ type: "webhook-received", eventType: event.type, eventId: event.id, ...counts });
    return plain(200, {}, "");
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    settings.publish({ type: "unavailable", code: error.code, message: error.message });
    return plain(503, { "retry-after": "5" }, "");
  }
}

function isJson(request: IncomingWebhook): boolean {
  return /^application\/json *(;|$)/i.test(request.header("content-type") ?? "");
}

/** The claims of a signature over this body; `null` where it is not the provider's, or over another one. */
async function signedClaims(
  { providerKeys }: Settings,
  token: string,
  body: Buffer,
): Promise<JWTPayload | null> {
  const expected = { requiredClaims: ["request_body_sha256"], refetchAfter };
  const claims = await providerKeys.verify(token, expected).catch((error: unknown) => {
    if (error instanceof JOSEError) return null;
    throw error;
  });
  // A token with a subject is somebody's access token, whatever else a provider's customisation put into it.
  if (claims === null || claims.sub !== undefined) return null;
  return claims["request_body_sha256"] === hash("sha256", body, "base64") ? claims : null;
}

/** FusionAuth's own signatures have no time of their own: there the event's has to do, as often as it is sent again. */
function isFresh({ now }: Settings, { iat }: JWTPayload, { at }: ProviderEvent): boolean {
  return Math.abs(now() - (iat === undefined ? at : iat * 1_000)) <= longestAge;
}

function plain(status: number, headers: Record<string, string>, body: string): Answer {
  return answer(status, { "content-type": "text/plain; charset=utf-8", ...headers }, body);
}
