// The user API. Answers no token, unlike FusionAuth: the only ways to a token are the password and a refresh token (ASVS 6.1.3,
// 6.3.4). A new password ends the user's refresh tokens in the same step (GHSA-x4vh-j75g-268g class), and so does locking or
// deleting him (GHSA-2vg6-77g8-24mp); a new e-mail address is no longer a verified one.

import * as z from "zod";
import { empty, json } from "../answer.ts";
import { type Call, found, infoOf, pathId, requiredPathId } from "../call.ts";
import { requiredTenant, tokenOwner } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { findByLoginId } from "../login-id.ts";
import { requireAcceptable } from "../new-password.ts";
import { newUser, type UserRequest } from "../new-user.ts";
import type { Provider } from "../provider.ts";
import { tokensRevoked } from "../revocation.ts";
import { requireSaved, saving } from "../saving.ts";
import type { Tenant, User } from "../store/records.ts";
import type { PasswordChange } from "../store/store.ts";
import { tokenPolicy } from "../token-policy.ts";
import { userAsInput, userFrom, userInput, userWire } from "../user-shape.ts";
import { bodyOf, patched, patchOf } from "../validation.ts";

const userRequest: z.ZodType<UserRequest> = z.object({
  user: userInput,
  skipVerification: z.boolean().optional(),
});

const deleteRequest: z.ZodType<{ hardDelete?: boolean | undefined }> = z.object({
  hardDelete: z.boolean().optional(),
});

type AcceptedChange = PasswordChange & { tenant: Tenant };

/** POST /api/user[/{userId}]: creates a user, with a password or without. 200 with `user`; 400. */
export async function createUser(call: Call): Promise<Response> {
  const { provider } = call;
  const id = pathId(call, "userId") ?? provider.config.uuid();
  const body = await bodyOf(call, userRequest);
  const user = await newUser(provider, body, { tenant: await requiredTenant(call), id });
  requireSaved("user", await provider.store.users.insert(user));
  return json({ user: userWire(user, []) });
}

/**
 * GET /api/user[/{userId}]: a user by id, e-mail address, username or login id for a caller with an API key, or the owner of an
 * access token. 200 with `user`; 400 without anything to look for; 401; 404.
 */
export async function retrieveUser(call: Call): Promise<Response> {
  return answer(call, call.apiKey === null ? await ownerOfToken(call) : found(call, await named(call)));
}

async function named(call: Call): Promise<User | null> {
  const { query, provider } = call;
  const id = pathId(call, "userId");
  if (id !== null) return provider.store.users.find(id);
  const email = query.get("email");
  const username = query.get("username");
  const loginId = query.get("loginId");
  if (email === null && username === null && loginId === null) throw fieldRefusal("missing", "userId");
  const { id: tenantId } = await requiredTenant(call);
  const { users } = provider.store;
  if (email !== null) return users.findByEmail(tenantId, email);
  if (username !== null) return users.findByUsername(tenantId, username);
  return findByLoginId(users, tenantId, loginId ?? "", query.all("loginIdTypes"));
}

// FusionAuth's deprecated form, still used by its older example applications.
async function ownerOfToken(call: Call): Promise<User> {
  const owner = pathId(call, "userId") === null ? await tokenOwner(call) : null;
  if (owner === null) throw new RequestRefusedError(401);
  return owner.user;
}

/** PUT: replaces what a caller may say of the user; the password is kept if none is given. `?reactivate=true` needs no body. */
export async function updateUser(call: Call): Promise<Response> {
  if (call.query.flag("reactivate")) return reactivateUser(call);
  const body = await bodyOf(call, userRequest);
  return change(call, () => body);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ user }`. */
export async function patchUser(call: Call): Promise<Response> {
  const patch = await patchOf(call, "user");
  return change(call, (user) => patched(userRequest, { user: userAsInput(user) }, patch));
}

async function reactivateUser(call: Call): Promise<Response> {
  const { id } = await namedUser(call);
  await call.provider.store.users.setActive(id, true, false, infoOf(call));
  return answer(call, await namedUser(call));
}

async function change(call: Call, updateOf: (user: User) => UserRequest): Promise<Response> {
  const { provider } = call;
  const password = await passwordChange(call, updateOf);
  const user = await saving("user", async () => {
    const current = await namedUser(call);
    const update = updateOf(current);
    const value = updated(provider, current, update);
    if (password !== undefined) checkPassword(password.tenant, value, update);
    return { saved: await provider.store.users.update(value, password, infoOf(call)), value };
  });
  if (password?.revoke === true) tokensRevoked(provider, { userId: user.id }, "password-changed");
  return answer(call, user);
}

// Once, before anything is saved: hashing again at every conflict would let a few callers fill the queue (ASVS 2.4.1).
async function passwordChange(
  call: Call,
  updateOf: (user: User) => UserRequest,
): Promise<AcceptedChange | undefined> {
  const { provider } = call;
  const current = await namedUser(call);
  const update = updateOf(current);
  if (update.user.password === undefined) return undefined;
  const tenant = await provider.store.tenants.find(current.tenantId);
  if (tenant === null) throw new RequestRefusedError(404);
  checkPassword(tenant, updated(provider, current, update), update);
  const password = await provider.passwords.hash(update.user.password);
  return { tenant, password, revoke: tokenPolicy(tenant, null).revokeOnPasswordChanged };
}

function checkPassword(tenant: Tenant, owner: User, { user: { password } }: UserRequest): void {
  if (password !== undefined) requireAcceptable(tenant, password, owner, "user.password");
}

function updated({ config }: Provider, current: User, { user: input, skipVerification }: UserRequest): User {
  const own = userFrom(input);
  const isSameAddress = own.email === current.email;
  const verified = own.email !== null && (skipVerification === true || (current.verified && isSameAddress));
  return { ...current, ...own, verified, lastUpdateInstant: config.now() };
}

/**
 * DELETE: locks the user, or with `hardDelete` – in the query or in a JSON body – removes him and all that is his. His refresh
 * tokens end; when he is locked, only if the tenant's policy says so, which it does unless it was changed. 200 empty; 404.
 */
export async function deleteUser(call: Call): Promise<Response> {
  const body = await bodyOf(call, deleteRequest);
  const hard = call.query.flag("hardDelete") || body.hardDelete === true;
  const user = await namedUser(call);
  await (hard ? remove(call, user) : lock(call, user));
  return empty();
}

async function remove(call: Call, { id }: User): Promise<void> {
  await call.provider.store.users.delete(id, infoOf(call));
  tokensRevoked(call.provider, { userId: id }, "user-deleted");
}

async function lock(call: Call, { id, tenantId }: User): Promise<void> {
  const { provider } = call;
  const tenant = await provider.store.tenants.find(tenantId);
  const revoke = tenant === null || tokenPolicy(tenant, null).revokeOnLoginPrevented;
  await provider.store.users.setActive(id, false, revoke, infoOf(call));
  if (revoke) tokensRevoked(provider, { userId: id }, "login-prevented");
}

async function namedUser(call: Call): Promise<User> {
  return found(call, await call.provider.store.users.find(requiredPathId(call, "userId")));
}

async function answer({ provider }: Call, user: User): Promise<Response> {
  return json({ user: userWire(user, await provider.store.registrations.list(user.id)) });
}
