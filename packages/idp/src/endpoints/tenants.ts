// The tenant API. A key of one tenant sees and changes that tenant only, and makes and deletes none. The default tenant, the one
// made with the database, can't be deleted.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { type Call, pathId, requiredPathId } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { passwordRules } from "../password-rules.ts";
import { requireSaved, saving } from "../saving.ts";
import type { Tenant } from "../store/records.ts";
import { type TenantInput, tenantInput, tenantWire } from "../tenant-shape.ts";
import { bodyOf, patched, patchOf } from "../validation.ts";

const tenantRequest: z.ZodType<{ tenant: TenantInput }> = z.object({ tenant: tenantInput });

/** POST /api/tenant[/{tenantId}]: 200 with `tenant`; 400; 401 for a key of one tenant. */
export async function createTenant(call: Call): Promise<Response> {
  const { store, config } = call.provider;
  refuseKeyOfOneTenant(call);
  const id = pathId(call, "tenantId") ?? config.uuid();
  const { tenant: input } = await bodyOf(call, tenantRequest);
  const { name, ...settings } = input;
  const now = config.now();
  const tenant: Tenant = {
    id,
    name,
    isDefault: false,
    settings,
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
  requireSaved("tenant", await store.tenants.insert(tenant));
  return answer(call, tenant);
}

/** GET: one as `tenant`, else all the caller may see as `tenants`. 404. */
export async function retrieveTenants(call: Call): Promise<Response> {
  if (pathId(call, "tenantId") !== null) return answer(call, await namedTenant(call));
  const tenants = (await call.provider.store.tenants.list()).filter(({ id }) => isVisible(call, id));
  return json({ tenants: tenants.map((tenant) => tenantWire(call.provider, tenant)) });
}

/** PUT: replaces name and settings. */
export async function updateTenant(call: Call): Promise<Response> {
  const { tenant } = await bodyOf(call, tenantRequest);
  return change(call, () => tenant);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ tenant }`. */
export async function patchTenant(call: Call): Promise<Response> {
  const patch = await patchOf(call, "tenant");
  return change(call, ({ name, settings }) => {
    return patched(tenantRequest, { tenant: { name, ...settings } }, patch).tenant;
  });
}

/** DELETE: removes the tenant and all that is in it. 200 empty; 400 for the default tenant; 404. */
export async function deleteTenant(call: Call): Promise<Response> {
  const { tenants } = call.provider.store;
  refuseKeyOfOneTenant(call);
  const { id, isDefault } = await namedTenant(call);
  if (isDefault) throw fieldRefusal("invalid", "tenantId");
  await tenants.delete(id);
  return empty();
}

/** GET /api/tenant/password-validation-rules[/{tenantId}], for anyone who must choose a password. 404. */
export async function passwordValidationRules(call: Call): Promise<Response> {
  const tenant = pathId(call, "tenantId") === null ? await requiredTenant(call) : await namedTenant(call);
  return json({ passwordValidationRules: passwordRules(tenant) });
}

function refuseKeyOfOneTenant({ apiKey }: Call): void {
  if (apiKey?.tenantId !== null) throw new RequestRefusedError(401);
}

async function change(call: Call, inputOf: (current: Tenant) => TenantInput): Promise<Response> {
  const { store, config } = call.provider;
  const tenant = await saving("tenant", async () => {
    const current = await namedTenant(call);
    const { name, ...settings } = inputOf(current);
    const value = { ...current, name, settings, lastUpdateInstant: config.now() };
    return { saved: await store.tenants.update(value), value };
  });
  return answer(call, tenant);
}

async function namedTenant(call: Call): Promise<Tenant> {
  const id = requiredPathId(call, "tenantId");
  const tenant = isVisible(call, id) ? await call.provider.store.tenants.find(id) : null;
  if (tenant === null) throw new RequestRefusedError(404);
  return tenant;
}

function isVisible({ tenantLimit }: Call, id: string): boolean {
  return tenantLimit === null || tenantLimit === id;
}

function answer({ provider }: Call, tenant: Tenant): Response {
  return json({ tenant: tenantWire(provider, tenant) });
}
