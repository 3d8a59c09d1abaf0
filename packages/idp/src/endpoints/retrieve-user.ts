// GET /api/user: a user by id, e-mail address, username or login id for a caller with an API key, or the owner of an access token.

import { json } from "../answer.ts";
import { type Call, pathId, visible } from "../call.ts";
import { requiredTenant, userToken } from "../caller.ts";
import { fieldRefusal, RequestRefusedError } from "../errors.ts";
import { findByLoginId } from "../login-id.ts";
import { loginPrevented } from "../login-prevented.ts";
import type { User } from "../store/records.ts";
import { userWire } from "../user-shape.ts";

/** 200 with `user`; 400 without anything to look for; 401; 404. */
export async function retrieveUser(call: Call): Promise<Response> {
  const user = call.apiKey === null ? await ownerOfToken(call) : visible(call, await named(call));
  if (user === null) throw new RequestRefusedError(404);
  return json({ user: userWire(user, await call.provider.store.registrations.list(user.id)) });
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
  const claims = pathId(call, "userId") === null ? await userToken(call) : null;
  const user = claims === null ? null : await call.provider.store.users.find(claims.sub);
  if (user === null || loginPrevented(user, call.provider.config.now()) !== null)
    throw new RequestRefusedError(401);
  return user;
}
