// The API key API, for keys that may manage keys. A key's value is answered once, when it is made, and is stored as a SHA-256
// only. No key can be made that may do more than its maker (CWE-269); keys that manage keys come from a kickstart alone.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { type Call, pathId, requiredPathId } from "../call.ts";
import { hashApiKey } from "../caller.ts";
import { isSample } from "../config.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { withoutNulls } from "../request.ts";
import { requireSaved, saving } from "../saving.ts";
import type { ApiKey } from "../store/records.ts";
import { bodyOf, instant, line, patched, patchOf, uuid } from "../validation.ts";

interface ApiKeyInput {
  key?: string | undefined;
  name?: string | undefined;
  keyManager?: boolean | undefined;
  tenantId?: string | undefined;
  permissions?: ApiKey["permissions"] | undefined;
  metaData?: ApiKey["metaData"] | undefined;
  expirationInstant?: number | undefined;
}

const verbs = z.array(z.enum(["DELETE", "GET", "PATCH", "POST", "PUT"])).max(5);

const apiKeyRequest: z.ZodType<{ apiKey: ApiKeyInput }> = z.object({
  apiKey: z.object({
    // ASVS 11.5.1: 128 bits; a key of fewer characters can't be that random.
    key: line(191).pipe(z.string().min(32, "[tooShort]")).optional(),
    name: line(191).optional(),
    keyManager: z.boolean().optional(),
    tenantId: uuid.optional(),
    permissions: z.object({ endpoints: z.record(line(191), verbs).optional() }).optional(),
    metaData: z.object({ attributes: z.record(line(191), line(1_024)).optional() }).optional(),
    expirationInstant: instant.optional(),
  }),
});

/** POST /api/api-key[/{keyId}]: 200 with `apiKey`, its `key` included this once; 400. */
export async function createApiKey(call: Call): Promise<Response> {
  const { store, config } = call.provider;
  const id = pathId(call, "keyId") ?? config.uuid();
  const { apiKey: input } = await bodyOf(call, apiKeyRequest);
  if (input.keyManager === true) throw fieldRefusal("invalid", "apiKey.keyManager");
  const value = input.key ?? config.randomBytes(32).toString("base64url");
  if (config.production && isSample(value)) throw fieldRefusal("invalid", "apiKey.key");
  const tenantId = await tenantOf(call, input);
  const now = config.now();
  const key: ApiKey = {
    ...settingsOf(call, input),
    id,
    hash: hashApiKey(value),
    keyManager: false,
    tenantId,
    sample: isSample(value),
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
  requireSaved("apiKey", await store.apiKeys.insert(key));
  return json({ apiKey: { ...apiKeyWire(key), key: value } });
}

/** GET /api/api-key/{keyId}: 200 with `apiKey`, without its value; 404. */
export async function retrieveApiKey(call: Call): Promise<Response> {
  return json({ apiKey: apiKeyWire(await namedKey(call)) });
}

/** PUT: replaces name, permissions, attributes and expiration; value, tenant and `keyManager` never change. */
export async function updateApiKey(call: Call): Promise<Response> {
  const { apiKey } = await bodyOf(call, apiKeyRequest);
  return change(call, () => apiKey);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ apiKey }`. */
export async function patchApiKey(call: Call): Promise<Response> {
  const patch = await patchOf(call, "apiKey");
  return change(call, ({ name, permissions, metaData, expirationInstant }) => {
    const current = withoutNulls({ name, permissions, metaData, expirationInstant });
    return patched(apiKeyRequest, { apiKey: current }, patch).apiKey;
  });
}

/** DELETE: the key is refused from now on. 200 empty; 404. */
export async function deleteApiKey(call: Call): Promise<Response> {
  const { id } = await namedKey(call);
  await call.provider.store.apiKeys.delete(id);
  return empty();
}

async function tenantOf(
  { apiKey: maker, provider }: Call,
  { tenantId }: ApiKeyInput,
): Promise<string | null> {
  const limit = maker?.tenantId ?? null;
  if (tenantId === undefined) return limit;
  const exists = (await provider.store.tenants.find(tenantId)) !== null;
  if (!exists || (limit !== null && limit !== tenantId)) throw fieldRefusal("invalid", "apiKey.tenantId");
  return tenantId;
}

function settingsOf(
  call: Call,
  input: ApiKeyInput,
): Pick<ApiKey, "name" | "permissions" | "metaData" | "expirationInstant"> {
  const permissions = input.permissions ?? {};
  if (!isWithin(permissions, call.apiKey?.permissions ?? {}))
    throw fieldRefusal("invalid", "apiKey.permissions");
  // What expires must not outlive itself in the keys it makes, nor extend itself.
  const latest = call.apiKey?.expirationInstant ?? null;
  const expirationInstant = input.expirationInstant ?? latest;
  if (latest !== null && expirationInstant !== null && expirationInstant > latest)
    throw fieldRefusal("invalid", "apiKey.expirationInstant");
  return {
    name: input.name ?? null,
    permissions,
    metaData: input.metaData ?? {},
    expirationInstant,
  };
}

function isWithin(
  { endpoints = {} }: ApiKey["permissions"],
  { endpoints: limits = {} }: ApiKey["permissions"],
): boolean {
  if (Object.keys(limits).length === 0) return true;
  const granted = Object.entries(endpoints);
  const isAllowed = (path: string, verb: string): boolean =>
    Object.hasOwn(limits, path) && limits[path]?.includes(verb) === true;
  return granted.length > 0 && granted.every(([path, list]) => list.every((verb) => isAllowed(path, verb)));
}

async function change(call: Call, inputOf: (current: ApiKey) => ApiKeyInput): Promise<Response> {
  const { store, config } = call.provider;
  const key = await saving("apiKey", async () => {
    const current = await namedKey(call);
    const value = { ...current, ...settingsOf(call, inputOf(current)), lastUpdateInstant: config.now() };
    return { saved: await store.apiKeys.update(value), value };
  });
  return json({ apiKey: apiKeyWire(key) });
}

async function namedKey(call: Call): Promise<ApiKey> {
  const limit = call.apiKey?.tenantId ?? null;
  const key = await call.provider.store.apiKeys.find(requiredPathId(call, "keyId"));
  if (key === null || (limit !== null && limit !== key.tenantId)) throw new RequestRefusedError(404);
  return key;
}

function apiKeyWire(key: ApiKey): Record<string, unknown> {
  return {
    id: key.id,
    name: key.name ?? undefined,
    keyManager: key.keyManager,
    tenantId: key.tenantId ?? undefined,
    permissions: key.permissions,
    metaData: key.metaData,
    expirationInstant: key.expirationInstant ?? undefined,
    retrievable: false,
    insertInstant: key.insertInstant,
    lastUpdateInstant: key.lastUpdateInstant,
  };
}
