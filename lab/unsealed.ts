/**
 * What an attacker reads who has an application's configuration: the refresh token inside its cookie. Written from
 * SECURITY.md ("Keys") and the cookie's format, AES-256-GCM under a key derived by HKDF; the library has no part in it.
 */
import { createDecipheriv, hkdfSync } from "node:crypto";
import type { Client } from "./client.ts";
import { cookieName } from "./people.ts";
import type { Target } from "./target.ts";

/** The provider's refresh token behind the Store's refresh cookie; throws where it can't be opened. */
export function rawRefreshToken(target: Target, owner: Client): string {
  const name = cookieName(owner, "refresh-token");
  const cookie = owner.cookies.get(name) ?? "";
  if (target.policy === "as-described") return cookie;
  const [keyId = "", content = ""] = cookie.split(/\.(.*)/s);
  const secret = Buffer.from(target.secret("storeCookieKey"), "base64url");
  const key = Buffer.from(hkdfSync("sha256", secret, "", "latchkey/store/seal", 32));
  const sealed = Buffer.from(content, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12))
    .setAAD(Buffer.from(`${keyId}\nstore\n${name}`))
    .setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString();
  return String((JSON.parse(text) as unknown[])[0]);
}
