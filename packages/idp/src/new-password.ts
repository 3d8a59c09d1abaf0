// Turns a password that somebody chose into what is stored, if the tenant's rules allow it.

import { fieldRefusal } from "./errors.ts";
import { passwordFault, passwordRules } from "./password-rules.ts";
import type { Provider } from "./provider.ts";
import type { PasswordHash, Tenant, User } from "./store/records.ts";

/** The hash of an acceptable password; a 400 about `field` for any other. Throws HashingBusyError when too many are at it. */
export async function newPassword(
  { passwords }: Provider,
  tenant: Tenant,
  password: string,
  owner: Pick<User, "email" | "username">,
  field: string,
): Promise<PasswordHash> {
  const fault = passwordFault(passwordRules(tenant), password, owner);
  if (fault !== null) throw fieldRefusal(fault, field);
  return passwords.hash(password);
}
