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
  const order = types === undefined || types.length === 0 ? ["email", "username"] : types;
  // All are looked for, so that it takes as long to find somebody as to find nobody (CWE-208).
  const found = await Promise.all(order.map((type) => findBy(users, type, tenantId, loginId)));
  return found.find((user) => user !== null) ?? null;
}

function findBy(users: UserStore, type: string, tenantId: string, loginId: string): Promise<User | null> {
  if (type === "email") return users.findByEmail(tenantId, loginId);
  return type === "username" ? users.findByUsername(tenantId, loginId) : Promise.resolve(null);
}

/**
 * How e-mail addresses and usernames are compared: two spellings of one text are one. SQLite reads every lone surrogate as
 * U+FFFD, so they are one here, too: else each would be counted as another login id.
 */
export function foldCase(value: string): string {
  return value.toWellFormed().normalize("NFC").toLowerCase();
}
