// A user as he is before he is stored, from what a caller sent. Used where users come into being: the user API and the
// combined form of the registration API.

import type { Provider } from "./provider.ts";
import type { PasswordHash, Tenant, User } from "./store/records.ts";
import { type UserInput, userFrom } from "./user-shape.ts";

/** Decided by the call, not by the input. */
export interface NewUser {
  tenant: Tenant;
  id: string;
  /** The caller vouches for the e-mail address. */
  verified: boolean;
  password: PasswordHash | null;
}

/** A user that nobody has stored yet; a 400 if he could not sign in with anything. */
export function newUser(
  { config }: Provider,
  input: UserInput,
  { tenant, id, verified, password }: NewUser,
): User {
  const now = config.now();
  return {
    ...userFrom(input),
    id,
    tenantId: tenant.id,
    active: true,
    verified,
    password,
    credentialVersion: 1,
    passwordLastUpdateInstant: password === null ? null : now,
    lastLoginInstant: null,
    version: 1,
    insertInstant: now,
    lastUpdateInstant: now,
  };
}
