// The application API, and the roles of applications. An application is also an OAuth client. Deactivating or deleting one ends all
// its refresh tokens.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import {
  type ApplicationInput,
  applicationAsInput,
  applicationInput,
  applicationWire,
  roleFrom,
  type RoleInput,
  roleInput,
  settingsFrom,
} from "../application-shape.ts";
import { type Call, found, infoOf, pathId, requiredPathId } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { newClientSecret } from "../client-secret.ts";
import { tokensRevoked } from "../revocation.ts";
import { requireSaved, saving } from "../saving.ts";
import type { Application } from "../store/records.ts";
import { bodyOf, patched, patchOf } from "../validation.ts";

const applicationRequest: z.ZodType<{ application: ApplicationInput }> = z.object({
  application: applicationInput,
});
const roleRequest: z.ZodType<{ role: RoleInput }> = z.object({ role: roleInput });

/** POST /api/application[/{applicationId}]: 200 with `application`, client secret included; 400. */
export async function createApplication(call: Call): Promise<Response> {
  const { provider } = call;
  const id = pathId(call, "applicationId") ?? provider.config.uuid();
  const { application: input } = await bodyOf(call, applicationRequest);
  const tenant = await requiredTenant(call);
  const now = provider.config.now();
  const application: Application = {
    id,
    tenantId: tenant.id,
    name: input.name,
    active: true,
    settings: settingsFrom(input),
    sealedSecret: newClientSecret(provider, id, input.oauthConfiguration?.clientSecret),
    roles: (input.roles ?? []).map((role) => roleFrom(role, provider.config.uuid())),
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
  requireSaved("application", await provider.store.applications.insert(application));
  return answer(call, application);
}

/** GET: one as `application`, else the active ones – with `?inactive=true` the others – as `applications`. 404. */
export async function retrieveApplications(call: Call): Promise<Response> {
  const { provider, query, tenantLimit } = call;
  if (pathId(call, "applicationId") !== null) return answer(call, await namedApplication(call));
  const filter = { tenantId: tenantLimit, active: !query.flag("inactive") };
  const applications = await provider.store.applications.list(filter);
  return json({ applications: applications.map((application) => applicationWire(provider, application)) });
}

/** PUT: replaces name and settings; the client secret is kept if none is given. `?reactivate=true` needs no body. */
export async function updateApplication(call: Call): Promise<Response> {
  if (call.query.flag("reactivate")) return reactivateApplication(call);
  const { application } = await bodyOf(call, applicationRequest);
  return change(call, () => application);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ application }`. */
export async function patchApplication(call: Call): Promise<Response> {
  const patch = await patchOf(call, "application");
  return change(call, (current) => {
    return patched(applicationRequest, { application: applicationAsInput(current) }, patch).application;
  });
}

/** DELETE: deactivates, with `?hardDelete=true` removes. 200 empty; 404. */
export async function deleteApplication(call: Call): Promise<Response> {
  const { provider, query } = call;
  const hard = query.flag("hardDelete");
  const { id } = await namedApplication(call);
  const { applications } = provider.store;
  const info = infoOf(call);
  await (hard ? applications.delete(id, info) : applications.setActive(id, false, info));
  tokensRevoked(provider, { applicationId: id }, hard ? "application-deleted" : "application-deactivated");
  return empty();
}

/** POST …/role[/{roleId}]: 200 with `role`; 400; 404. */
export async function createRole(call: Call): Promise<Response> {
  const { store, config } = call.provider;
  const { id: applicationId } = await namedApplication(call);
  const body = await bodyOf(call, roleRequest);
  const role = roleFrom({ ...body.role, id: pathId(call, "roleId") ?? body.role.id }, config.uuid());
  requireSaved("role", await store.applications.insertRole(applicationId, role));
  return json({ role });
}

async function reactivateApplication(call: Call): Promise<Response> {
  const { id } = await namedApplication(call);
  await call.provider.store.applications.setActive(id, true);
  return answer(call, await namedApplication(call));
}

async function change(call: Call, inputOf: (current: Application) => ApplicationInput): Promise<Response> {
  const { provider } = call;
  const application = await saving("application", async () => {
    const current = await namedApplication(call);
    const input = inputOf(current);
    const secret = input.oauthConfiguration?.clientSecret;
    const value: Application = {
      ...current,
      name: input.name,
      settings: settingsFrom(input),
      sealedSecret:
        secret === undefined ? current.sealedSecret : newClientSecret(provider, current.id, secret),
      lastUpdateInstant: provider.config.now(),
    };
    return { saved: await provider.store.applications.update(value), value };
  });
  return answer(call, application);
}

async function namedApplication(call: Call): Promise<Application> {
  const id = requiredPathId(call, "applicationId");
  return found(call, await call.provider.store.applications.find(id));
}

function answer({ provider }: Call, application: Application): Response {
  return json({ application: applicationWire(provider, application) });
}
