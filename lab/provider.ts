/** The identity provider, as an attacker reaches it past the applications: its token endpoints, raw. */
import { callApi, Client } from "./client.ts";
import { elsewhere } from "./people.ts";
import type { Target } from "./target.ts";

/** The applications' ids, which are public: they stand in every access token. */
export const applicationIds = {
  store: "10000000-0000-4000-8000-000000000001",
  forum: "10000000-0000-4000-8000-000000000002",
};

/** What a successful exchange gives. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** `POST /api/jwt/refresh`, which asks for no client; `null` where it is refused. */
export async function exchangeByJwtApi(target: Target, refreshToken: string): Promise<Tokens | null> {
  const json = { refreshToken };
  const { status, body } = await callApi(target.origins.idp, "POST", "/api/jwt/refresh", { json });
  const { token, refreshToken: next } = (body ?? {}) as { token?: string; refreshToken?: string };
  return status === 200 && token !== undefined
    ? { accessToken: token, refreshToken: next ?? refreshToken }
    : null;
}

/** The refresh grant with `client:secret`, or with the client's id alone; `null` where it is refused. */
export async function exchangeByGrant(
  target: Target,
  refreshToken: string,
  client: { readonly id: string; readonly secret: string | null },
): Promise<Tokens | null> {
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
  if (client.secret === null) body.set("client_id", client.id);
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString("base64");
  const headers = { authorization: client.secret === null ? null : `Basic ${basic}` };
  const { status, text } = await new Client(target.origins.idp, elsewhere).send("POST", "/oauth2/token", {
    body,
    headers,
  });
  if (status !== 200) return null;
  const answer = JSON.parse(text) as { access_token: string; refresh_token?: string };
  return { accessToken: answer.access_token, refreshToken: answer.refresh_token ?? refreshToken };
}
