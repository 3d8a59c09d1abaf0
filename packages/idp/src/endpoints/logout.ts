// POST /api/logout: ends the refresh token that is shown, with `global` all of its owner's, and makes a browser that sent a
// cookie forget both. Always 200 with an empty body: whether a token was known is nobody's business. The access token lives on until it
// expires, as in FusionAuth (its issue 979).

import * as z from "zod";
import { empty, withCookies } from "../answer.ts";
import { type Call, infoOf, visible } from "../call.ts";
import { judge } from "../judgement.ts";
import { findPresented, type PresentedToken } from "../refresh.ts";
import { hasCookie, readCookie } from "../request.ts";
import { familyReused, revokeTokens } from "../revocation.ts";
import { clearedCookies, COOKIES } from "../token-cookies.ts";
import { bodyOf, line } from "../validation.ts";

interface LogoutRequest {
  global?: boolean | undefined;
  refreshToken?: string | undefined;
}

const logoutRequest: z.ZodType<LogoutRequest> = z.object({
  global: z.boolean().optional(),
  refreshToken: line(1_024).optional(),
});

/** Revokes and clears; 400 only for a body or query that can't be read. */
export async function logout(call: Call): Promise<Response> {
  const { query, request, provider } = call;
  const body = await bodyOf(call, logoutRequest);
  const global = query.flag("global") || body.global === true;
  const value = query.get("refreshToken") ?? body.refreshToken ?? readCookie(request, "refresh_token");
  const presented = value === null ? null : await findPresented(provider, value);
  if (presented !== null && visible(call, presented.row) !== null) await end(call, presented, global);
  // A request that another site makes brings no cookies along (SameSite) and must not take any away (CWE-352).
  const sentCookies = COOKIES.some((name) => hasCookie(request, name));
  return withCookies(empty(), sentCookies ? clearedCookies(provider.config) : []);
}

// An old token that was stolen must not end all of the owner's sign-ins: `global` takes a live one.
async function end(call: Call, presented: PresentedToken, global: boolean): Promise<void> {
  const { row, claimed, policy, readAt } = presented;
  const verdict = judge(row, claimed.generation, policy, readAt);
  const isLive = verdict !== "revoked" && verdict !== "expired" && verdict !== "reuse";
  const info = infoOf(call);
  if (verdict === "reuse")
    return familyReused(call.provider, row, { presented: claimed.generation, revoke: true, info });
  const target = global && isLive ? { userId: row.userId } : { id: row.id };
  await revokeTokens(call.provider, target, "logout", null, info);
}
