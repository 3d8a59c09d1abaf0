// DELETE /api/user/{userId}: locks the user, or with `hardDelete` removes him and all that is his. Either way his refresh tokens
// end (GHSA-2vg6-77g8-24mp), the first if the tenant's policy says so, which it does unless it was changed.

import * as z from "zod";
import { empty } from "../answer.ts";
import { type Call, requiredPathId, visible } from "../call.ts";
import { RequestRefusedError } from "../errors.ts";
import { readJson, withoutNulls } from "../request.ts";
import { tokensRevoked } from "../revocation.ts";
import type { User } from "../store/records.ts";
import { tokenPolicy } from "../token-policy.ts";
import { validated } from "../validation.ts";

const deleteRequest: z.ZodType<{ hardDelete?: boolean | undefined }> = z.object({
  hardDelete: z.boolean().optional(),
});

/** 200 empty; 404. `hardDelete` in the query or in a JSON body. */
export async function deleteUser(call: Call): Promise<Response> {
  const { store } = call.provider;
  const body = validated(deleteRequest, withoutNulls(await readJson(call.request)));
  const hard = call.query.flag("hardDelete") || body.hardDelete === true;
  const user = visible(call, await store.users.find(requiredPathId(call, "userId")));
  if (user === null) throw new RequestRefusedError(404);
  await (hard ? remove(call, user) : lock(call, user));
  return empty();
}

async function remove({ provider }: Call, { id }: User): Promise<void> {
  await provider.store.users.delete(id);
  tokensRevoked(provider, { userId: id }, "user-deleted");
}

async function lock({ provider }: Call, { id, tenantId }: User): Promise<void> {
  const tenant = await provider.store.tenants.find(tenantId);
  const revoke = tenant === null || tokenPolicy(tenant, null).revokeOnLoginPrevented;
  await provider.store.users.setActive(id, false, revoke);
  if (revoke) tokensRevoked(provider, { userId: id }, "login-prevented");
}
