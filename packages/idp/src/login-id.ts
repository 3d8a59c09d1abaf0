// What a user may type to say who he is: his e-mail address or his username, in any case, tried in the order the caller names.

import type { User } from "./store/records.ts";
import type { UserStore } from "./store/store.ts";

/** The user of a tenant with this login id; null if there is none. `types` is FusionAuth's `loginIdTypes`. */
export async function findByLoginId(
  users: UserStore,
  tenantId: string,
  loginId: string,
  types: readonly string[] | undefined,
): Promise<User | null> {
  for (const type of types === undefined || types.length === 0 ? ["email", "username"] : types) {
    const found = await findBy(users, type, tenantId, loginId);
    if (found !== null) return found;
  }
  return null;
}

function findBy(users: UserStore, type: string, tenantId: string, loginId: string): Promise<User | null> {
  if (type === "email") return users.findByEmail(tenantId, loginId);
  return type === "username" ? users.findByUsername(tenantId, loginId) : Promise.resolve(null);
}
