// Fills an empty database from a kickstart: first the API keys, then each request through the provider's own `fetch`.
// All or nothing, over crashes too: kickstart-claim.ts sees to it that a start begins anew what another left half done.

import { hashApiKey } from "./caller.ts";
import { isSample } from "./config.ts";
import { KickstartFailedError, KickstartKeyRefusedError } from "./errors.ts";
import type { Kickstart } from "./kickstart.ts";
import type { KickstartClaim } from "./kickstart-claim.ts";
import type { Provider } from "./provider.ts";
import { isObject } from "./request.ts";
import { seedingRequest } from "./seeded-passwords.ts";
import type { ApiKey } from "./store/records.ts";
import { SEEDED } from "./stored-secrets.ts";

/** Applies the kickstart under its claim. Throws KickstartFailedError for a request that is not answered 2xx. */
export async function applyKickstart(
  provider: Provider,
  kickstart: Kickstart,
  claim: KickstartClaim,
  fetch: (request: Request) => Promise<Response>,
): Promise<void> {
  if (seedingRequest(kickstart) !== -1) await provider.store.setNote(SEEDED, "passwords");
  for (const [index, key] of kickstart.apiKeys.entries()) await insertKey(provider, key, index + 1);
  for (const [index, request] of kickstart.requests.entries()) {
    await claim.renew();
    const response = await fetch(requestOf(provider, kickstart, request));
    if (!response.ok) throw await failure(index + 1, request, response);
  }
  await claim.applied();
}

async function insertKey(
  provider: Provider,
  key: Kickstart["apiKeys"][number],
  number: number,
): Promise<void> {
  const saved = await provider.store.apiKeys.insert(apiKeyOf(provider, key));
  if (saved !== "saved")
    throw new KickstartKeyRefusedError(number, saved === "gone" ? "unknown tenantId" : saved);
}

function apiKeyOf({ config }: Provider, key: Kickstart["apiKeys"][number]): ApiKey {
  const now = config.now();
  return {
    id: key.id?.toLowerCase() ?? config.uuid(),
    name: key.description ?? null,
    hash: hashApiKey(key.key),
    keyManager: key.keyManager ?? false,
    tenantId: key.tenantId?.toLowerCase() ?? null,
    permissions: key.permissions ?? {},
    metaData: key.description === undefined ? {} : { attributes: { description: key.description } },
    expirationInstant: null,
    sample: isSample(key.key),
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
}

function requestOf(
  { config }: Provider,
  { apiKeys }: Kickstart,
  { method, url, body, tenantId }: Kickstart["requests"][number],
): Request {
  const headers = new Headers({ authorization: apiKeys[0]?.key ?? "" });
  if (tenantId !== undefined) headers.set("x-fusionauth-tenantid", tenantId);
  if (body !== undefined) headers.set("content-type", "application/json");
  const target = new URL(url, config.issuer);
  return new Request(target, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
}

// The answer's error codes help; its text and the request's body may hold what must not be logged.
async function failure(
  number: number,
  { method, url }: Kickstart["requests"][number],
  response: Response,
): Promise<KickstartFailedError> {
  const body: unknown = await response.json().catch(() => null);
  return new KickstartFailedError(number, method, url, response.status, errorCodes(body));
}

function errorCodes(body: unknown): string[] {
  if (!isObject(body)) return [];
  const fields = isObject(body["fieldErrors"]) ? Object.values(body["fieldErrors"]) : [];
  return [...fields, body["generalErrors"]]
    .flat()
    .flatMap((entry) => (isObject(entry) && typeof entry["code"] === "string" ? [entry["code"]] : []));
}
