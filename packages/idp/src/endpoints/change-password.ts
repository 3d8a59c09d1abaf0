// POST /api/user/change-password: the user's own change of his password, with the one he has. With an API key the user is named by
// his login id, else by his access token. The current password can be guessed at here as well as at a sign-in, so it is counted
// with those. FusionAuth's way by a mailed `changePasswordId` is not there: every id is unknown.

import * as z from "zod";
import { addressRange } from "../address-range.ts";
import { empty } from "../answer.ts";
import type { Call } from "../call.ts";
import { requiredTenant, tokenOwner } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { deviceOf } from "../known-device.ts";
import { findByLoginId } from "../login-id.ts";
import { loginPrevented } from "../login-prevented.ts";
import { requireAcceptable } from "../new-password.ts";
import { attemptPassword, attemptRefused, guesserAddress } from "../password-attempt.ts";
import { tokensRevoked } from "../revocation.ts";
import { saving } from "../saving.ts";
import type { Tenant, TokenMetaData, User } from "../store/records.ts";
import { tokenPolicy } from "../token-policy.ts";
import { bodyOf, data, line, password, requiredLine, validated } from "../validation.ts";

interface ChangeRequest {
  loginId?: string | undefined;
  loginIdTypes?: string[] | undefined;
  currentPassword: string;
  password: string;
  /** As at a sign-in: not FusionAuth's, but without them whose account is attacked could not change the password. */
  ipAddress?: string | undefined;
  metaData?: TokenMetaData | undefined;
}

const changeRequest: z.ZodType<ChangeRequest> = z.object({
  loginId: requiredLine(191).optional(),
  loginIdTypes: z.array(line(32)).max(8).optional(),
  currentPassword: password,
  password,
  ipAddress: line(64).optional(),
  metaData: z.object({ data: data.optional() }).optional(),
});

/** Whose password it is said to be. */
interface Claimed {
  tenant: Tenant;
  loginId: string;
  user: User | null;
  signInId?: string | undefined;
}

/**
 * 200 empty. 400 about `currentPassword` for a wrong one and for an unknown login id, with an access token 404; 400 about `password`
 * for one that the tenant's rules refuse; 401; 409, 410, 423 and 429 as at a sign-in.
 */
export async function changePassword(call: Call): Promise<Response> {
  if (call.path["changePasswordId"] !== undefined) throw new RequestRefusedError(404);
  const body = await requestOf(call);
  const claimed = call.apiKey === null ? await ownerOfToken(call) : await namedUser(call, body);
  const proof = await attemptPassword(call.provider, {
    ...claimed,
    password: body.currentPassword,
    address: guesserAddress(call, body.ipAddress),
    device: deviceOf(body.metaData).device,
  });
  if (proof.outcome === "throttled" || proof.outcome === "locked-out")
    return attemptRefused(claimed.tenant, proof);
  const { user } = claimed;
  if (proof.outcome === "wrong" || user === null) throw wrongPassword(call);
  const prevented = loginPrevented(user, call.provider.config.now());
  if (prevented !== null) return empty(prevented === "user-locked" ? 423 : 410);
  await change(call, claimed.tenant, user, body);
  return empty();
}

/** GET /api/user/change-password/{changePasswordId}: 404, since none is ever given out. */
export async function checkChangePasswordId(): Promise<Response> {
  return empty(404);
}

async function requestOf(call: Call): Promise<ChangeRequest> {
  const given = await bodyOf(call, z.looseObject({}));
  if ("changePasswordId" in given) throw new RequestRefusedError(404);
  return validated(changeRequest, given);
}

async function ownerOfToken(call: Call): Promise<Claimed> {
  const owner = await tokenOwner(call);
  const tenant = owner === null ? null : await call.provider.store.tenants.find(owner.user.tenantId);
  if (owner === null || tenant === null) throw new RequestRefusedError(401);
  const { user, claims } = owner;
  return { tenant, user, loginId: user.email ?? user.username ?? user.id, signInId: claims.sid };
}

async function namedUser(call: Call, { loginId, loginIdTypes }: ChangeRequest): Promise<Claimed> {
  if (loginId === undefined) throw fieldRefusal("blank", "loginId");
  const tenant = await requiredTenant(call);
  const user = await findByLoginId(call.provider.store.users, tenant.id, loginId, loginIdTypes);
  return { tenant, loginId, user };
}

// FusionAuth tells who has a key which member was wrong, and anybody else nothing.
function wrongPassword({ apiKey }: Call): RequestRefusedError {
  return apiKey === null ? new RequestRefusedError(404) : fieldRefusal("invalid", "currentPassword");
}

async function change(call: Call, tenant: Tenant, proved: User, body: ChangeRequest): Promise<void> {
  const { provider } = call;
  requireAcceptable(tenant, body.password, proved, "password");
  const address = guesserAddress(call, body.ipAddress);
  const password = await provider.passwords.hash(body.password, addressRange(address));
  const info = { ipAddress: address ?? undefined };
  // Whose account is under attack would otherwise, by changing the password, put himself among the guessers (CWE-645).
  const { device } = deviceOf(body.metaData);
  const revoke = tokenPolicy(tenant, null).revokeOnPasswordChanged;
  await saving("user", async () => {
    const current = await provider.store.users.find(proved.id);
    // Changed by somebody else since it was proved: then what was proved is an old password (CWE-367).
    if (current?.credentialVersion !== proved.credentialVersion) throw wrongPassword(call);
    const value = { ...current, lastUpdateInstant: provider.config.now() };
    return { saved: await provider.store.users.update(value, { password, revoke, device }, info), value };
  });
  if (revoke) tokensRevoked(provider, { userId: proved.id }, "password-changed");
}
