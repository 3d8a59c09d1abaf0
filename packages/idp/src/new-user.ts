// A user as he is before he is stored, from what a caller sent. Used where users come into being: the user API, the combined
// form of the registration API, and imports.

import { newPassword } from "./new-password.ts";
import type { Provider } from "./provider.ts";
import type { PasswordHash, Tenant, User } from "./store/records.ts";
import { type UserInput, userFrom } from "./user-shape.ts";

/** The members of a request body that decide about a new user. */
export interface UserRequest {
  user: UserInput;
  /** The caller vouches for the e-mail address. */
  skipVerification?: boolean | undefined;
}

/**
 * A user that nobody has stored yet, his password checked against the tenant's rules and hashed. A 400 if he could not sign in
 * with anything or must not have this password; throws HashingBusyError when too many are at it.
 */
export async function newUser(
  provider: Provider,
  { user: input, skipVerification }: UserRequest,
  { tenant, id }: { tenant: Tenant; id: string },
): Promise<User> {
  const owner = userFrom(input);
  const password =
    input.password === undefined
      ? null
      : await newPassword(provider, tenant, input.password, owner, "user.password");
  return userWith(provider, input, { tenant, id, verified: skipVerification === true, password });
}

/** A user that nobody has stored yet, with a password that is hashed already; a 400 if he could not sign in with anything. */
export function userWith(
  { config }: Provider,
  input: UserInput,
  {
    tenant,
    id,
    verified,
    password,
  }: { tenant: Tenant; id: string; verified: boolean; password: PasswordHash | null },
): User {
  const now = config.now();
  const own = userFrom(input);
  return {
    ...own,
    id,
    tenantId: tenant.id,
    active: true,
    verified: verified && own.email !== null,
    password,
    credentialVersion: 1,
    passwordLastUpdateInstant: password === null ? null : now,
    lastLoginInstant: null,
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
}
