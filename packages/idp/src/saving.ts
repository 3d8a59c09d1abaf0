// How saving ends for the caller. The store refuses a write when somebody else was faster; then a change is made anew on what is
// there now, so that two changes at once both survive.

import { fieldRefusal, RequestRefusedError, StoreUnavailableError } from "./errors.ts";
import type { Saved } from "./store/store.ts";

const ATTEMPTS = 10;

/** Calls `attempt` until it is not a conflict and answers what it made; what requireSaved refuses is refused. */
export async function saving<T>(
  object: string,
  attempt: () => Promise<{ saved: Saved; value: T }>,
): Promise<T> {
  for (let count = 1; ; count += 1) {
    const { saved, value } = await attempt();
    if (saved === "conflict" && count < ATTEMPTS) continue;
    requireSaved(object, saved);
    return value;
  }
}

/**
 * Nothing, if it was saved. A duplicate becomes a 400 about the member of `object` that is taken, e.g. `[duplicate]user.email`;
 * what it belongs to being deleted meanwhile, a 404.
 */
export function requireSaved(object: string, saved: Saved): void {
  if (saved === "saved") return;
  if (saved === "gone") throw new RequestRefusedError(404);
  if (saved === "conflict") throw new StoreUnavailableError(new Error(`Others kept changing the ${object}`));
  throw duplicateRefusal(object, saved.slice("duplicate ".length));
}

function duplicateRefusal(object: string, member: string): Error {
  // FusionAuth has the registration itself be the duplicate.
  if (object === "registration" && member === "key") return fieldRefusal("duplicate", "registration");
  return fieldRefusal("duplicate", `${object}.${member}`);
}
