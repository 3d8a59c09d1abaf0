// GET, PUT, PATCH and DELETE of applications, and their roles. Deactivating or deleting one ends all its refresh tokens.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import {
  type ApplicationInput,
  applicationAsInput,
  applicationWire,
  roleFrom,
  type RoleInput,
  roleInput,
  settingsFrom,
} from "../application-shape.ts";
import { type Call, pathId, requiredPathId, visible } from "../call.ts";
import { RequestRefusedError } from "../errors.ts";
import { mergePatch } from "../merge-patch.ts";
import { readJson, withoutNulls } from "../request.ts";
import { tokensRevoked } from "../revocation.ts";
import { saving } from "../saving.ts";
import type { Application } from "../store/records.ts";
import { data, validated } from "../validation.ts";
import { applicationRequest, sealedSecret } from "./create-application.ts";

const applicationPatch = z.object({ application: data });
const roleRequest: z.ZodType<{ role: RoleInput }> = z.object({ role: roleInput });

/** GET: one as `application`, else the active ones – with `?inactive=true` the others – as `applications`. 404. */
export async function retrieveApplications(call: Call): Promise<Response> {
  const { provider, query, tenantLimit } = call;
  if (pathId(call, "applicationId") !== null) return answer(call, await requiredApplication(call));
  const filter = { tenantId: tenantLimit, active: !query.flag("inactive") };
  const applications = await provider.store.applications.list(filter);
  return json({ applications: applications.map((application) => applicationWire(provider, application)) });
}

/** PUT: replaces name and settings; the client secret is kept if none is given. `?reactivate=true` needs no body. */
export async function updateApplication(call: Call): Promise<Response> {
  if (call.query.flag("reactivate")) return reactivateApplication(call);
  const { application } = validated(applicationRequest, withoutNulls(await readJson(call.request)));
  return change(call, () => application);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ application }`. */
export async function patchApplication(call: Call): Promise<Response> {
  const patch = await readJson(call.request);
  validated(applicationPatch, patch);
  return change(call, (current) => {
    const merged = mergePatch({ application: applicationAsInput(current) }, patch);
    return validated(applicationRequest, merged).application;
  });
}

/** DELETE: deactivates, with `?hardDelete=true` removes. 200 empty; 404. */
export async function deleteApplication(call: Call): Promise<Response> {
  const { provider, query } = call;
  const hard = query.flag("hardDelete");
  const { id } = await requiredApplication(call);
  await (hard ? provider.store.applications.delete(id) : provider.store.applications.setActive(id, false));
  tokensRevoked(provider, { applicationId: id }, hard ? "application-deleted" : "application-deactivated");
  return empty();
}

/** POST …/role[/{roleId}]: 200 with `role`; 400; 404. */
export async function createRole(call: Call): Promise<Response> {
  const { store, config } = call.provider;
  const { id: applicationId } = await requiredApplication(call);
  const body = validated(roleRequest, withoutNulls(await readJson(call.request)));
  const role = roleFrom({ ...body.role, id: pathId(call, "roleId") ?? body.role.id }, config.uuid());
  await saving("role", async () => ({
    saved: await store.applications.insertRole(applicationId, role),
    value: role,
  }));
  return json({ role });
}

async function reactivateApplication(call: Call): Promise<Response> {
  const { id } = await requiredApplication(call);
  await call.provider.store.applications.setActive(id, true);
  return answer(call, await requiredApplication(call));
}

async function change(call: Call, inputOf: (current: Application) => ApplicationInput): Promise<Response> {
  const { provider } = call;
  const application = await saving("application", async () => {
    const current = await requiredApplication(call);
    const input = inputOf(current);
    const secret = input.oauthConfiguration?.clientSecret;
    const value: Application = {
      ...current,
      name: input.name,
      settings: settingsFrom(input),
      sealedSecret: secret === undefined ? current.sealedSecret : sealedSecret(provider, current.id, secret),
      lastUpdateInstant: provider.config.now(),
    };
    return { saved: await provider.store.applications.update(value), value };
  });
  return answer(call, application);
}

async function requiredApplication(call: Call): Promise<Application> {
  const id = requiredPathId(call, "applicationId");
  const application = visible(call, await call.provider.store.applications.find(id));
  if (application === null) throw new RequestRefusedError(404);
  return application;
}

function answer({ provider }: Call, application: Application): Response {
  return json({ application: applicationWire(provider, application) });
}
