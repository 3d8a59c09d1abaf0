// PUT and PATCH /api/user/{userId}. A new password ends the user's refresh tokens in the same step (GHSA-x4vh-j75g-268g class),
// and a new e-mail address is no longer a verified one.

import * as z from "zod";
import { json } from "../answer.ts";
import { type Call, requiredPathId, visible } from "../call.ts";
import { RequestRefusedError } from "../errors.ts";
import { mergePatch } from "../merge-patch.ts";
import { newPassword } from "../new-password.ts";
import type { Provider } from "../provider.ts";
import { readJson, withoutNulls } from "../request.ts";
import { tokensRevoked } from "../revocation.ts";
import { saving } from "../saving.ts";
import type { PasswordHash, User } from "../store/records.ts";
import { tokenPolicy } from "../token-policy.ts";
import { type UserInput, userAsInput, userFrom, userInput, userWire } from "../user-shape.ts";
import { data, validated } from "../validation.ts";

interface UserUpdate {
  user: UserInput;
  skipVerification?: boolean | undefined;
}

const userUpdate: z.ZodType<UserUpdate> = z.object({
  user: userInput,
  skipVerification: z.boolean().optional(),
});
const userPatch = z.object({ user: data });

/** PUT: replaces what a caller may say of the user; the password is kept if none is given. `?reactivate=true` needs no body. */
export async function updateUser(call: Call): Promise<Response> {
  if (call.query.flag("reactivate")) return reactivateUser(call);
  const body = validated(userUpdate, withoutNulls(await readJson(call.request)));
  return change(call, () => body);
}

/** PATCH: a JSON merge patch (RFC 7396) on `{ user }`. */
export async function patchUser(call: Call): Promise<Response> {
  const patch = await readJson(call.request);
  validated(userPatch, patch);
  return change(call, (user) => validated(userUpdate, mergePatch({ user: userAsInput(user) }, patch)));
}

async function reactivateUser(call: Call): Promise<Response> {
  const { users } = call.provider.store;
  const user = await requiredUser(call);
  await users.setActive(user.id, true, false);
  return answer(call, await requiredUser(call));
}

async function change(call: Call, updateOf: (user: User) => UserUpdate): Promise<Response> {
  const { store } = call.provider;
  const user = await saving("user", async () => {
    const current = await requiredUser(call);
    const update = updateOf(current);
    const value = updated(call.provider, current, update);
    const password = await passwordChange(call.provider, value, update.user.password);
    const saved = await store.users.update(value, password);
    if (saved === "saved" && password?.revoke === true) {
      tokensRevoked(call.provider, { userId: value.id }, "password-changed");
    }
    return { saved, value };
  });
  return answer(call, user);
}

async function requiredUser(call: Call): Promise<User> {
  const user = visible(call, await call.provider.store.users.find(requiredPathId(call, "userId")));
  if (user === null) throw new RequestRefusedError(404);
  return user;
}

function updated({ config }: Provider, current: User, { user: input, skipVerification }: UserUpdate): User {
  const own = userFrom(input);
  const isSameAddress = own.email === current.email;
  const verified = own.email !== null && (skipVerification === true || (current.verified && isSameAddress));
  return { ...current, ...own, verified, lastUpdateInstant: config.now() };
}

async function passwordChange(
  provider: Provider,
  user: User,
  password: string | undefined,
): Promise<{ password: PasswordHash; revoke: boolean } | undefined> {
  if (password === undefined) return undefined;
  const tenant = await provider.store.tenants.find(user.tenantId);
  if (tenant === null) throw new RequestRefusedError(404);
  const hash = await newPassword(provider, tenant, password, user, "user.password");
  return { password: hash, revoke: tokenPolicy(tenant, null).revokeOnPasswordChanged };
}

async function answer({ provider }: Call, user: User): Promise<Response> {
  return json({ user: userWire(user, await provider.store.registrations.list(user.id)) });
}
