import { expect, test } from "vitest";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  API_KEY,
  claimsOf,
  FORUM_APP,
  login,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
} from "./idp.ts";

const credentials = { loginId: ALICE_EMAIL, password: ALICE_PASSWORD, applicationId: STORE_APP };

test("FusionAuth's client signs a registered user in and gets tokens (ASVS 9.2.4)", async () => {
  const idp = await startIdp();
  const client = await idp.client();
  const { statusCode, response } = await client.login(credentials);
  expect(statusCode).toBe(200);
  expect(response.user).toMatchObject({ id: ALICE, email: ALICE_EMAIL, active: true });
  expect(response.tokenExpirationInstant).toBe(idp.clock.now + 3_600_000);
  const claims = claimsOf(response.token ?? "");
  expect(claims).toMatchObject({
    aud: STORE_APP,
    applicationId: STORE_APP,
    sub: ALICE,
    sid: response.refreshTokenId,
    authenticationType: "PASSWORD",
    auth_time: idp.clock.now / 1_000,
    iat: idp.clock.now / 1_000,
    exp: idp.clock.now / 1_000 + 3_600,
  });
  expect(claims.roles.toSorted()).toEqual(["admin", "customer"]);
});

test("no password, hash or salt is ever in an answer", async () => {
  const idp = await startIdp();
  const { text } = await login(idp);
  expect(text).not.toMatch(/argon2|"password"|"salt"|"hash"/);
});

test("the tokens are also set as cookies, and nobody may keep the answer", async () => {
  const idp = await startIdp();
  const { cookies, headers, body } = await login(idp);
  expect(cookies).toEqual([
    `access_token=${body.token}; Path=/; HttpOnly; SameSite=Lax`,
    `refresh_token=${body.refreshToken}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000`,
  ]);
  expect(headers.get("cache-control")).toContain("no-store");
});

test("the cookies are Secure where the issuer is https", async () => {
  const idp = await startIdp({ issuer: "https://idp.test" });
  const { cookies } = await login(idp);
  expect(cookies).toHaveLength(2);
  for (const cookie of cookies) expect(cookie).toContain("; Secure");
});

test("a user who is not registered gets 202, no refresh token and no application in the token", async () => {
  const idp = await startIdp();
  await idp.call("POST", "/api/user", {
    json: { user: { email: "bob@example.com", password: "a fine long phrase" } },
  });
  const answer = await login(idp, { loginId: "bob@example.com", password: "a fine long phrase" });
  expect(answer.status).toBe(202);
  expect(answer.body.refreshToken).toBeUndefined();
  expect(claimsOf(answer.body.token)).not.toHaveProperty("roles");
  expect(claimsOf(answer.body.token)).not.toHaveProperty("applicationId");
  expect(claimsOf(answer.body.token)).not.toHaveProperty("sid");
  expect(answer.cookies.join()).not.toContain("refresh_token");
});

test("a sign-in without an application has no audience and no refresh token", async () => {
  const idp = await startIdp();
  const { status, body } = await login(idp, { applicationId: undefined });
  expect(status).toBe(200);
  expect(claimsOf(body.token)).not.toHaveProperty("aud");
  expect(body.refreshToken).toBeUndefined();
});

test("noJWT gives the user and nothing that signs in", async () => {
  const idp = await startIdp();
  const { status, body, cookies } = await login(idp, { noJWT: true });
  expect(status).toBe(200);
  expect(body.user.id).toBe(ALICE);
  expect(body).not.toHaveProperty("token");
  expect(body).not.toHaveProperty("refreshToken");
  expect(cookies).toEqual([]);
});

test("an application that does not generate refresh tokens gives none", async () => {
  const idp = await startIdp({
    kickstart: seeded({ store: { loginConfiguration: { allowTokenRefresh: true } } }),
  });
  const { status, body } = await login(idp);
  expect(status).toBe(200);
  expect(body.refreshToken).toBeUndefined();
});

test("the login id is taken in any case, as e-mail address or username, but not with spaces around it", async () => {
  const idp = await startIdp();
  for (const loginId of ["ALICE@EXAMPLE.COM", "alice", "Alice"]) {
    expect((await login(idp, { loginId })).status).toBe(200);
  }
  expect((await login(idp, { loginId: " alice" })).status).toBe(404);
  expect((await login(idp, { loginId: "alice", loginIdTypes: ["email"] })).status).toBe(404);
  expect((await login(idp, { loginId: "alice", loginIdTypes: ["username"] })).status).toBe(200);
});

test("unknown user and wrong password are the same answer after the same work (CWE-203) (ASVS 6.3.8)", async () => {
  const idp = await startIdp();
  const wrong = await login(idp, { password: "not the password" });
  const unknown = await login(idp, { loginId: "nobody@example.com" });
  expect(wrong.status).toBe(404);
  expect([unknown.status, unknown.text, [...unknown.headers]]).toEqual([
    wrong.status,
    "",
    [...wrong.headers],
  ]);
  expect(idp.events.filter(({ type }) => type === "password-checked")).toHaveLength(2);
  expect(idp.events.filter(({ type }) => type === "login-failed")).toMatchObject([
    { userId: ALICE, reason: "wrong-password" },
    { userId: null, reason: "unknown-user" },
  ]);
});

test("that a user is locked is told only to who knows the password", async () => {
  const idp = await startIdp();
  await idp.call("DELETE", `/api/user/${ALICE}`);
  expect((await login(idp)).status).toBe(423);
  expect((await login(idp, { password: "not the password" })).status).toBe(404);
});

test("an expired user gets 410, with the right password only", async () => {
  const idp = await startIdp();
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: idp.clock.now + 1_000 } } });
  expect((await login(idp)).status).toBe(200);
  idp.clock.now += 1_000;
  expect((await login(idp)).status).toBe(410);
  expect((await login(idp, { password: "not the password" })).status).toBe(404);
});

test("without an API key nobody signs in, unless the application allows it", async () => {
  const strict = await startIdp();
  const refused = await strict.call("POST", "/api/login", { json: credentials, key: null });
  expect([refused.status, refused.text]).toEqual([401, ""]);

  const loginConfiguration = { requireAuthentication: false };
  const open = await startIdp({ kickstart: seeded({ store: { loginConfiguration } }) });
  const client = await open.client(null);
  expect((await client.login(credentials)).statusCode).toBe(200);
  const otherApplication = { ...credentials, applicationId: FORUM_APP };
  expect((await open.call("POST", "/api/login", { json: otherApplication, key: null })).status).toBe(401);
  expect((await open.call("POST", "/api/login", { json: credentials, key: "wrong-key" })).status).toBe(401);
});

test("what is missing is named, as FusionAuth names it", async () => {
  const idp = await startIdp();
  const { status, body } = await idp.call("POST", "/api/login", { json: { applicationId: STORE_APP } });
  expect(status).toBe(400);
  expect(body.fieldErrors.loginId[0].code).toBe("[blank]loginId");
  expect(body.fieldErrors.password[0].code).toBe("[blank]password");
});

test("an unknown application is a 400, and nobody is signed in without one instead", async () => {
  const idp = await startIdp();
  const { status, body } = await login(idp, { applicationId: "00000000-0000-4000-8000-000000000000" });
  expect(status).toBe(400);
  expect(body.fieldErrors.applicationId[0].code).toBe("[invalid]applicationId");
});

test("an absurdly long password is refused without being hashed (ASVS 6.2.9)", async () => {
  const idp = await startIdp();
  const { status, body } = await login(idp, { password: "x".repeat(4_097) });
  expect(status).toBe(400);
  expect(body.fieldErrors.password[0].code).toBe("[tooLong]password");
  expect(idp.events.map(({ type }) => type)).not.toContain("password-checked");
});

test("device and address are kept with the refresh token", async () => {
  const idp = await startIdp();
  const device = { name: "Phone", description: "in the pocket", type: "MOBILE" };
  const { body } = await login(idp, { metaData: { device }, ipAddress: "203.0.113.7" });
  const { body: listed } = await idp.call("GET", `/api/jwt/refresh/${body.refreshTokenId}`);
  expect(listed.refreshToken.metaData.device).toEqual({
    ...device,
    lastAccessedAddress: "203.0.113.7",
    lastAccessedInstant: idp.clock.now,
  });
});

test("what is no IP address is not kept as one", async () => {
  const idp = await startIdp();
  const kept = async (options: { headers?: Record<string, string>; ipAddress?: string }) => {
    const { headers = {}, ...members } = options;
    const { body } = await idp.call("POST", "/api/login", { json: { ...credentials, ...members }, headers });
    const { body: listed } = await idp.call("GET", `/api/jwt/refresh/${body.refreshTokenId}`);
    return listed.refreshToken.metaData.device?.lastAccessedAddress;
  };
  for (const nonsense of ["<script>alert(1)</script>", "unknown", "203.0.113.7:80", "2001:db8::7::"]) {
    expect(await kept({ headers: { "x-forwarded-for": nonsense } })).toBeUndefined();
    expect(await kept({ ipAddress: nonsense })).toBeUndefined();
  }
  // A zone may be any word, which a mail would show as a link (CWE-451).
  expect(await kept({ headers: { "x-forwarded-for": "fe80::1%www.evil.example" } })).toBe("fe80::1");
  expect(await kept({ ipAddress: `fe80::1%${"x".repeat(50)}` })).toBe("fe80::1");
  expect(await kept({ headers: { "x-forwarded-for": "2001:db8::7, 10.0.0.1" } })).toBe("2001:db8::7");
  expect(await kept({ ipAddress: "203.0.113.7" })).toBe("203.0.113.7");
});

test("a password that changed while it was being checked does not sign in (CWE-367)", async () => {
  const idp = await startIdp();
  const [answer] = await Promise.all([
    login(idp),
    idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: "another fine phrase" } } }),
  ]);
  // Either the change came first and the sign-in is refused, or the sign-in did and the change has ended it.
  expect([200, 404]).toContain(answer.status);
  expect((await refreshGrant(idp, answer.body?.refreshToken ?? "none")).status).toBe(400);
  const { body } = await idp.call("GET", `/api/jwt/refresh?userId=${ALICE}`);
  expect(body.refreshTokens).toEqual([]);
});

test("the sign-in's instant shows on the user", async () => {
  const idp = await startIdp();
  await login(idp);
  const { body } = await idp.call("GET", `/api/user/${ALICE}`, { key: API_KEY });
  expect(body.user.lastLoginInstant).toBe(idp.clock.now);
});
