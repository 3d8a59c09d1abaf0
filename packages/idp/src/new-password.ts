// Turns a password that somebody chose into what is stored, if the tenant's rules allow it.

import { fieldRefusal } from "./errors.ts";
import { passwordFault, passwordRules } from "./password-rules.ts";
import type { Provider } from "./provider.ts";
import type { LoginIds, PasswordHash, Tenant } from "./store/records.ts";

/** The hash of an acceptable password; a 400 about `field` for any other. Throws HashingBusyError when too many are at it. */
export async function newPassword(
  { passwords }: Provider,
  tenant: Tenant,
  password: string,
  owner: LoginIds,
  field: string,
): Promise<PasswordHash> {
  requireAcceptable(tenant, password, owner, field);
  return passwords.hash(password);
}

/** A 400 about `field` for a password that the tenant's rules refuse to this owner. */
export function requireAcceptable(tenant: Tenant, password: string, owner: LoginIds, field: string): void {
  const fault = passwordFault(passwordRules(tenant), password, owner);
  if (fault !== null) throw fieldRefusal(fault, field);
}
