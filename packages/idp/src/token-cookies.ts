// FusionAuth's two cookies, access_token and refresh_token, for callers that let the browser talk to the provider. Host-only,
// HttpOnly, SameSite=Lax; Secure unless the issuer is plain http, which Safari would otherwise refuse on loopback.
// The names are FusionAuth's, so they can't carry the __Host- prefix.

import type { ResolvedConfig } from "./config.ts";

/** The names of both. */
export const COOKIES = ["access_token", "refresh_token"] as const;

/** The cookies a token answer sets; `refreshToken` only if one was issued, with its remaining life in milliseconds. */
export function tokenCookies(
  { https }: Pick<ResolvedConfig, "https">,
  accessToken: string,
  refreshToken: { value: string; lifetimeMs: number } | null,
): string[] {
  const cookies = [cookie("access_token", accessToken, https)];
  if (refreshToken !== null) {
    // Browsers keep no cookie longer than 400 days.
    const seconds = Math.min(Math.ceil(refreshToken.lifetimeMs / 1_000), 34_560_000);
    cookies.push(`${cookie("refresh_token", refreshToken.value, https)}; Max-Age=${seconds}`);
  }
  return cookies;
}

/** The cookies that make a browser forget both. */
export function clearedCookies({ https }: Pick<ResolvedConfig, "https">): string[] {
  return COOKIES.map((name) => `${cookie(name, "", https)}; Max-Age=0`);
}

function cookie(name: string, value: string, https: boolean): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${https ? "; Secure" : ""}`;
}
