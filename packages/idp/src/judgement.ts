// What is to be done with a genuine refresh token. Pure: no store, no clock, no key; the same inputs give the same verdict on
// every node. It decides nothing about the client, whom the endpoint has asked before, nor about the user, after whom
// refresh.ts asks next.

import { LAST_GENERATION } from "./refresh-token.ts";
import type { RefreshToken } from "./store/records.ts";
import { hasExpired, type TokenPolicy } from "./token-policy.ts";

/** What to do; see `judge`. */
export type Verdict = "rotate" | "use" | "repeat" | "forward" | "reuse" | "expired" | "revoked";

/**
 * Judges generation `presented` (p) of a token whose row holds generation g. The first line that fits counts.
 *
 * | the row, and p                                         | verdict | what follows                                     |
 * | ------------------------------------------------------ | ------- | ------------------------------------------------ |
 * | revoked                                                | revoked | refuse                                           |
 * | past its life, or no generation is left                | expired | refuse                                           |
 * | p > g: the database went back in time (restore)        | forward | take p for the current one, with an event        |
 * | p = g, OneTimeUse                                      | rotate  | g becomes g + 1, answer with g + 1               |
 * | p = g, Reusable                                        | use     | answer with g                                    |
 * | p = g − 1, less than the grace since g came into being | repeat  | answer with g, the successor p already got       |
 * | p < g otherwise                                        | reuse   | two parties hold the family (RFC 9700 §4.14.2)   |
 *
 * `now` is the clock that stamped `rotatedInstant`, the store's. A grace of 0 means that nothing is ever repeated.
 */
export function judge(row: RefreshToken, presented: number, policy: TokenPolicy, now: number): Verdict {
  if (row.revokedInstant !== null) return "revoked";
  if (hasExpired(policy, row, now) || presented >= LAST_GENERATION) return "expired";
  if (presented > row.generation) return "forward";
  if (presented === row.generation) return policy.usage === "OneTimeUse" ? "rotate" : "use";
  const inGrace = now - row.rotatedInstant < policy.graceMs;
  return presented === row.generation - 1 && inGrace ? "repeat" : "reuse";
}
