// Revoking refresh tokens in SQLite: the one place where a family is revoked, one or very many. Whoever writes holds up everybody else in
// the process, so that many end in portions, a step each; the last one tells.

import type { RevocationReason } from "../../events.ts";
import { integer, text } from "../columns.ts";
import type { Tell } from "./outbox.ts";
import type { RevocationTarget } from "../store.ts";
import type { Turn } from "./turn.ts";
import type { EventInfo } from "../user-event.ts";

/** Why, when and under which limits rows are revoked. */
export interface Revoking {
  reason: RevocationReason;
  at: number;
  /** Only in this tenant unless null or left out. */
  tenantId?: string | null;
  info?: EventInfo | undefined;
}

/** Where a row stands among those that are revoked together: an application's go by id alone. */
interface Place {
  started: number;
  id: string;
}

const FIRST: Place = { started: Number.MIN_SAFE_INTEGER, id: "" };
// Behind every UUID.
const LAST: Place = { started: Number.MAX_SAFE_INTEGER, id: "~" };

/** What a step that revokes need not do any more: that many were alive, none of them behind this place. */
export interface RevokedAhead {
  count: number;
  upTo: Place;
}

/** Where a step revokes everything itself. */
export const NOTHING_AHEAD: RevokedAhead = { count: 0, upTo: FIRST };

/**
 * Rows that one step looks at. With the writing they take some milliseconds, which everybody else waits for; ten thousand in one step took
 * 60 to 150.
 */
const PORTION = 200;

/** Revokes what the target names, in as many steps as it takes; answers how many tokens were alive until now. */
export async function revokeAll(
  turn: Turn,
  tell: Tell,
  target: RevocationTarget,
  revoking: Revoking,
): Promise<number> {
  const ahead = await revokedAhead(turn, target, revoking);
  return ahead.count + (await turn.write(() => revokeRows(turn, tell, target, revoking, ahead)));
}

/**
 * Revokes all but the last portion of the target's tokens, a step each, and tells nothing: the caller's own step revokes the rest and
 * tells. Where that step never comes, some have ended of what somebody meant to end, and nobody was told that it was done.
 */
export async function revokedAhead(
  turn: Turn,
  target: RevocationTarget,
  revoking: Revoking,
): Promise<RevokedAhead> {
  if ("id" in target) return NOTHING_AHEAD;
  let { count, upTo } = NOTHING_AHEAD;
  for (;;) {
    const [from, to] = [upTo, await turn.read(() => endOfPortion(turn, target, upTo))];
    if (to === null) return { count, upTo };
    count += await turn.write(() => revoke(turn, target, revoking, { from, to }));
    upTo = to;
  }
}

// Of rows, not of rows that are alive: where ten thousand ended long ago, no step may look at them all either. Null where less than a
// portion is left.
function endOfPortion(
  { sql }: Turn,
  target: Exclude<RevocationTarget, { id: string }>,
  from: Place,
): Place | null {
  const row =
    "userId" in target
      ? sql(
          `SELECT started, id FROM refresh_tokens WHERE user_id = ? AND (started, id) > (?, ?)
           ORDER BY started, id LIMIT 1 OFFSET ?`,
        ).get(target.userId, from.started, from.id, PORTION - 1)
      : sql(
          `SELECT 0 AS started, id FROM refresh_tokens WHERE application_id = ? AND id > ?
           ORDER BY id LIMIT 1 OFFSET ?`,
        ).get(target.applicationId, from.id, PORTION - 1);
  return row === undefined ? null : { started: integer(row, "started"), id: text(row, "id") };
}

/**
 * Revokes inside the caller's step and tells of it there; answers how many tokens were alive until now. What was revoked `ahead` is not
 * looked at again.
 */
export function revokeRows(
  turn: Turn,
  tell: Tell,
  target: RevocationTarget,
  revoking: Revoking,
  { upTo }: RevokedAhead = NOTHING_AHEAD,
): number {
  const count = revoke(turn, target, revoking, { from: upTo, to: LAST });
  const { reason, info } = revoking;
  const { id, ...several } = { id: undefined, ...target };
  // Who ends all of a user's or an application's sign-ins means also those that have no refresh token.
  if (id === undefined) tell({ type: "jwt.refresh-token.revoke", ...several, reason, info });
  else if (count > 0) tell({ type: "jwt.refresh-token.revoke", refreshTokenId: id, reason, info });
  return count;
}

function revoke(
  { sql }: Turn,
  target: RevocationTarget,
  { reason, at, tenantId = null }: Revoking,
  { from, to }: { from: Place; to: Place },
): number {
  const set = "UPDATE refresh_tokens SET revoked = ?, revoked_reason = ? WHERE revoked IS NULL";
  const inTenant = "AND tenant_id = coalesce(?, tenant_id)";
  if ("id" in target) {
    return Number(sql(`${set} AND id = ? ${inTenant}`).run(at, reason, target.id, tenantId).changes);
  }
  if (!("userId" in target)) {
    const ofApplication = sql(`${set} AND application_id = ? AND id > ? AND id <= ? ${inTenant}`);
    const { changes } = ofApplication.run(at, reason, target.applicationId, from.id, to.id, tenantId);
    return Number(changes);
  }
  const ofUser = sql(
    `${set} AND user_id = ? AND (started, id) > (?, ?) AND (started, id) <= (?, ?)
       AND application_id = coalesce(?, application_id) ${inTenant}`,
  );
  const places = [from.started, from.id, to.started, to.id] as const;
  const { changes } = ofUser.run(
    at,
    reason,
    target.userId,
    ...places,
    target.applicationId ?? null,
    tenantId,
  );
  return Number(changes);
}
