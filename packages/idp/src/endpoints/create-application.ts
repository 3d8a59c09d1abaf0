// POST /api/application[/{applicationId}]: creates an application, which is also an OAuth client.

import * as z from "zod";
import { json } from "../answer.ts";
import {
  type ApplicationInput,
  applicationInput,
  applicationWire,
  roleFrom,
  secretPurpose,
  settingsFrom,
} from "../application-shape.ts";
import { type Call, pathId } from "../call.ts";
import { requiredTenant } from "../caller.ts";
import { isSample } from "../config.ts";
import { fieldRefusal } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { readJson, withoutNulls } from "../request.ts";
import { saving } from "../saving.ts";
import type { Application } from "../store/records.ts";
import { validated } from "../validation.ts";

/** The `{ application }` of a request body. */
export const applicationRequest: z.ZodType<{ application: ApplicationInput }> = z.object({
  application: applicationInput,
});

/** 200 with `application`, client secret included; or 400. */
export async function createApplication(call: Call): Promise<Response> {
  const { provider } = call;
  const id = pathId(call, "applicationId") ?? provider.config.uuid();
  const { application: input } = validated(applicationRequest, withoutNulls(await readJson(call.request)));
  const tenant = await requiredTenant(call);
  const now = provider.config.now();
  const application: Application = {
    id,
    tenantId: tenant.id,
    name: input.name,
    active: true,
    settings: settingsFrom(input),
    sealedSecret: sealedSecret(provider, id, input.oauthConfiguration?.clientSecret),
    roles: (input.roles ?? []).map((role) => roleFrom(role, provider.config.uuid())),
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
  await saving("application", async () => ({
    saved: await provider.store.applications.insert(application),
    value: application,
  }));
  return json({ application: applicationWire(provider, application) });
}

/** A client secret as it is stored: the caller's, or a new random one. A 400 for a sample secret in production. */
export function sealedSecret(
  { config, sealing }: Provider,
  applicationId: string,
  chosen: string | undefined,
): string {
  if (chosen !== undefined && config.production && isSample(chosen)) {
    throw fieldRefusal("invalid", "application.oauthConfiguration.clientSecret");
  }
  return sealing.seal(chosen ?? config.randomBytes(32).toString("base64url"), secretPurpose(applicationId));
}
