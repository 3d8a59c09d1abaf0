/** The identity provider, as an attacker reaches it past the applications: its token endpoints, raw. */
import { callApi, Client } from "./client.ts";
import { ada, elsewhere, grace, type Person } from "./people.ts";
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

/** Where an application is found that signs in without an API key. */
export interface KeylessApplication {
  readonly id: string;
}

/**
 * Adds an application whose sign-in needs no API key, as one on a phone has, for ada and grace: there the provider's
 * own login is anybody's to try. What the demo's two applications allow is left as it is.
 */
export async function keylessApplication(target: Target): Promise<KeylessApplication> {
  const id = "10000000-0000-4000-8000-00000000000a";
  const loginConfiguration = { generateRefreshTokens: true, requireAuthentication: false };
  await setUp(target, `/api/application/${id}`, { application: { name: "Phone", loginConfiguration } });
  for (const person of [ada, grace])
    await setUp(target, `/api/user/registration/${person.id}`, { registration: { applicationId: id } });
  return { id };
}

/** A user's own access token for an application that needs no key; throws where the sign-in is refused. */
export async function accessTokenOf(
  target: Target,
  { id: applicationId }: KeylessApplication,
  { email, password }: Person,
): Promise<string> {
  const json = { loginId: email, password, applicationId };
  const { status, body } = await callApi(target.origins.idp, "POST", "/api/login", { json });
  if (status !== 200) throw new Error(`The provider answered ${status} to a sign-in`);
  return (body as { token: string }).token;
}

async function setUp(target: Target, path: string, json: unknown): Promise<void> {
  const authorization = target.secret("apiKey");
  const { status } = await callApi(target.origins.idp, "POST", path, { authorization, json });
  if (status !== 200) throw new Error(`The provider answered ${status} to ${path}`);
}

/** Whether any endpoint that takes a user's access token takes this one, as a header or as a cookie. */
export async function isTakenAnywhere(target: Target, token: string, signInId: string): Promise<boolean> {
  const carriers = [
    { authorization: `Bearer ${token}` },
    { authorization: `JWT ${token}` },
    { cookie: `access_token=${token}` },
  ];
  const provider = new Client(target.origins.idp, elsewhere);
  let isTaken = false;
  for (const carrier of carriers) {
    const headers = { "content-type": "application/json", ...carrier };
    // 401 is "not a token"; who is past that hears of the password that is wrong.
    const change = { currentPassword: "not the password", password: "something else altogether" };
    const answers = [
      await provider.get("/api/jwt/validate", { headers }),
      await provider.get("/api/user", { headers }),
      await provider.send("POST", "/api/user/change-password", { body: JSON.stringify(change), headers }),
      await provider.send("DELETE", `/api/jwt/refresh/${signInId}`, { headers }),
    ];
    isTaken ||= answers.some(({ status }) => status !== 401);
  }
  return isTaken;
}

/** Whether a token ends the sign-in of that id, which the owner's access token for the same application may. */
export async function endsSignIn(target: Target, token: string, signInId: string): Promise<boolean> {
  const authorization = `Bearer ${token}`;
  const path = `/api/jwt/refresh/${signInId}`;
  return (await callApi(target.origins.idp, "DELETE", path, { authorization })).status === 200;
}
