// Whether a user may sign in at all, apart from his password. Asked at every sign-in and at every refresh: a user who was
// locked must not live on through his refresh token (GHSA-6rrr-78xp-5jp8).

import type { User } from "./store/records.ts";

/** Why the user may not sign in at `now` (epoch milliseconds); null if he may. */
export function loginPrevented(
  user: Pick<User, "active" | "expiry">,
  now: number,
): "user-locked" | "user-expired" | null {
  if (!user.active) return "user-locked";
  return user.expiry !== null && user.expiry <= now ? "user-expired" : null;
}
