/** What the parts of a visitor share while one request is answered: who is there now, and the cookies to be set. */
import type { PendingCookies } from "./pending-cookies.ts";
import type { Live, Policy, Visit } from "./policy.ts";
import type { Settings } from "./settings.ts";

/** One request's state. Only `live` changes: signing in and out replace it. */
export interface RequestState {
  readonly settings: Settings;
  readonly policy: Policy;
  readonly visit: Visit;
  readonly cookies: PendingCookies;
  live: Live | null;
}
