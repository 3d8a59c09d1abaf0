import { expect, test } from "vitest";
import { ALICE, claimsOf, login, seeded, startIdp, STORE_APP } from "./idp.ts";

test("FusionAuth's client exchanges a refresh token without an API key", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  idp.clock.now += 60_000;
  const client = await idp.client(null);
  const { statusCode, response } = await client.exchangeRefreshTokenForJWT({
    refreshToken: first.refreshToken,
  });
  expect(statusCode).toBe(200);
  expect(response.refreshToken).not.toBe(first.refreshToken);
  expect(response.refreshTokenId).toBe(first.refreshTokenId);
  const before = claimsOf(first.token);
  const after = claimsOf(response.token ?? "");
  expect(after).toMatchObject({
    sub: ALICE,
    aud: STORE_APP,
    sid: before.sid,
    auth_time: before.auth_time,
    authenticationType: "REFRESH_TOKEN",
    iat: before.iat + 60,
  });
  expect(after.jti).not.toBe(before.jti);
});

test("the cookie wins over the body, and both cookies are set anew", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const answer = await idp.call("POST", "/api/jwt/refresh", {
    key: null,
    json: { refreshToken: "nonsense" },
    headers: { cookie: `other=1; refresh_token=${first.refreshToken}` },
  });
  expect(answer.status).toBe(200);
  expect(answer.cookies.map((cookie) => cookie.split("=")[0])).toEqual(["access_token", "refresh_token"]);
  expect(answer.headers.get("cache-control")).toContain("no-store");
});

test("a token that is not good is a 400 on refreshToken, whatever is wrong with it", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const broken = `${first.refreshToken.slice(0, -2)}AA`;
  for (const refreshToken of ["nonsense", broken, `${first.refreshToken}A`, first.token]) {
    const { status, body, cookies } = await idp.call("POST", "/api/jwt/refresh", {
      key: null,
      json: { refreshToken },
    });
    expect(status).toBe(400);
    expect(body.fieldErrors.refreshToken[0].code).toBe("[invalid]refreshToken");
    expect(cookies).toEqual([]);
  }
  // A forged token revokes nothing: its id is public in every access token.
  const still = await idp.call("POST", "/api/jwt/refresh", {
    key: null,
    json: { refreshToken: first.refreshToken },
  });
  expect(still.status).toBe(200);
});

test("no token at all is named as missing", async () => {
  const idp = await startIdp();
  const { status, body } = await idp.call("POST", "/api/jwt/refresh", { key: null });
  expect(status).toBe(400);
  expect(body.fieldErrors.refreshToken[0].code).toBe("[blank]refreshToken");
});

test("an application must allow it, and a refused call does not use the token up", async () => {
  const idp = await startIdp({
    kickstart: seeded({ store: { loginConfiguration: { generateRefreshTokens: true } } }),
  });
  const { body: first } = await login(idp);
  const json = { refreshToken: first.refreshToken };
  expect((await idp.call("POST", "/api/jwt/refresh", { key: null, json })).status).toBe(400);
  const application = { loginConfiguration: { allowTokenRefresh: true } };
  await idp.call("PATCH", `/api/application/${STORE_APP}`, { json: { application } });
  expect((await idp.call("POST", "/api/jwt/refresh", { key: null, json })).status).toBe(200);
});

test("timeToLiveInSeconds makes the access token shorter, never longer, and too long does not use the token up", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const ask = (timeToLiveInSeconds: number) =>
    idp.call("POST", "/api/jwt/refresh", {
      key: null,
      json: { refreshToken: first.refreshToken, timeToLiveInSeconds },
    });
  const tooLong = await ask(3_601);
  expect(tooLong.status).toBe(400);
  expect(tooLong.body.fieldErrors.timeToLiveInSeconds[0].code).toBe("[invalid]timeToLiveInSeconds");
  const short = await ask(60);
  const { exp, iat } = claimsOf(short.body.token);
  expect(exp - iat).toBe(60);
  expect(short.body.refreshToken).not.toBe(first.refreshToken);
});

test("roles and e-mail address are those of now, not of the sign-in", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  await idp.call("PATCH", `/api/user/registration/${ALICE}`, {
    json: { registration: { applicationId: STORE_APP, roles: ["customer"] } },
  });
  const json = { refreshToken: first.refreshToken };
  const { body } = await idp.call("POST", "/api/jwt/refresh", { key: null, json });
  expect(claimsOf(body.token).roles).toEqual(["customer"]);
});

test("a reusable token stays what it is", async () => {
  const jwtConfiguration = { enabled: true, refreshTokenUsagePolicy: "Reusable" };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  for (let round = 0; round < 3; round += 1) {
    idp.clock.now += 60_000;
    const json = { refreshToken: first.refreshToken };
    const { status, body } = await idp.call("POST", "/api/jwt/refresh", { key: null, json });
    expect([status, body.refreshToken]).toEqual([200, first.refreshToken]);
  }
});
