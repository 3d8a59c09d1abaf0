// Saving what was read, changed and written back. The store refuses a write when somebody else was faster; then the change is
// made anew on what is there now, so that two changes at once both survive.

import { fieldRefusal, RequestRefusedError, StoreUnavailableError } from "./errors.ts";
import type { Saved } from "./store/store.ts";

const ATTEMPTS = 10;

/**
 * Calls `attempt` until it is not a conflict and answers what it made. A duplicate becomes a 400 about the member of
 * `object` that is taken, e.g. `[duplicate]user.email`; what it belongs to being deleted meanwhile, a 404.
 */
export async function saving<T>(
  object: string,
  attempt: () => Promise<{ saved: Saved; value: T }>,
): Promise<T> {
  for (let count = 0; count < ATTEMPTS; count += 1) {
    const { saved, value } = await attempt();
    if (saved === "saved") return value;
    if (saved === "gone") throw new RequestRefusedError(404);
    if (saved !== "conflict") throw duplicateRefusal(object, saved);
  }
  throw new StoreUnavailableError(new Error(`Others kept changing the ${object}`));
}

function duplicateRefusal(object: string, saved: Exclude<Saved, "saved" | "conflict" | "gone">): Error {
  const member = saved.slice("duplicate ".length);
  // FusionAuth has the registration itself be the duplicate.
  if (object === "registration" && member === "key") return fieldRefusal("duplicate", "registration");
  return fieldRefusal("duplicate", `${object}.${member}`);
}
