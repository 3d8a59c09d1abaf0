import { expect, test } from "vitest";
import {
  ALICE,
  claimsOf,
  FORUM_APP,
  FORUM_SECRET,
  login,
  refreshGrant,
  seeded,
  startIdp,
  STORE_APP,
  STORE_SECRET,
} from "./idp.ts";

function basic(id: string, secret: string): Record<string, string> {
  const encoded = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64");
  return { authorization: `Basic ${encoded}` };
}

const grant = (refresh_token: string): Record<string, string> => ({
  grant_type: "refresh_token",
  refresh_token,
});

test("FusionAuth's client exchanges a refresh token of a sign-in at the token endpoint", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const client = await idp.client(null);
  const { statusCode, response } = await client.exchangeRefreshTokenForAccessToken(
    first.refreshToken,
    STORE_APP,
    STORE_SECRET,
    "",
    "",
  );
  expect(statusCode).toBe(200);
  expect(response).toMatchObject({ token_type: "Bearer", expires_in: 3_600, userId: ALICE });
  expect(response.refresh_token).not.toBe(first.refreshToken);
  expect(claimsOf(response.access_token ?? "").sid).toBe(first.refreshTokenId);
});

test("client_secret_basic and client_secret_post are the same", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const answer = await idp.call("POST", "/oauth2/token", {
    form: grant(first.refreshToken),
    headers: basic(STORE_APP, STORE_SECRET),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toContain("no-store");
  expect(answer.headers.get("pragma")).toBe("no-cache");
  const again = await refreshGrant(idp, answer.body.refresh_token);
  expect(again.status).toBe(200);
});

test("a client that can't prove who it is gets 401 and uses nothing up (ASVS 10.4.10)", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const form = grant(first.refreshToken);
  const wrong = await idp.call("POST", "/oauth2/token", { form, headers: basic(STORE_APP, "wrong") });
  expect(wrong.status).toBe(401);
  expect(wrong.body).toMatchObject({
    error: "invalid_client",
    error_reason: "invalid_client_authentication",
  });
  expect(wrong.headers.get("www-authenticate")).toMatch(/^Basic /);

  const missing = await idp.call("POST", "/oauth2/token", {
    key: null,
    form: { ...form, client_id: STORE_APP },
  });
  expect(missing.status).toBe(401);
  expect(missing.body.error_reason).toBe("client_authentication_missing");
  expect(missing.headers.get("www-authenticate")).toBeNull();

  const unknown = await idp.call("POST", "/oauth2/token", { key: null, form: { ...form, client_id: ALICE } });
  expect([unknown.status, unknown.body.error_reason]).toEqual([401, "invalid_client_id"]);
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(200);
});

test("two ways of authentication at once, or two client ids, are refused (RFC 6749 §2.3)", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  for (const extra of [{ client_secret: STORE_SECRET }, { client_id: FORUM_APP }]) {
    const answer = await idp.call("POST", "/oauth2/token", {
      form: { ...grant(first.refreshToken), ...extra },
      headers: basic(STORE_APP, STORE_SECRET),
    });
    expect([answer.status, answer.body.error]).toEqual([400, "invalid_request"]);
  }
});

test("another application's refresh token is unknown, and showing it revokes nothing", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const stolen = await refreshGrant(idp, first.refreshToken, {
    client_id: FORUM_APP,
    client_secret: FORUM_SECRET,
  });
  expect(stolen.status).toBe(400);
  expect(stolen.body).toMatchObject({ error: "invalid_grant", error_reason: "refresh_token_not_found" });
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(200);
});

test("the secret is not needed where the policy says so, but a wrong one is never ignored", async () => {
  const oauthConfiguration = { clientSecret: STORE_SECRET, clientAuthenticationPolicy: "NotRequired" };
  const idp = await startIdp({ kickstart: seeded({ store: { oauthConfiguration } }) });
  const { body: first } = await login(idp);
  const form = { ...grant(first.refreshToken), client_id: STORE_APP };
  const wrong = await idp.call("POST", "/oauth2/token", {
    key: null,
    form: { ...form, client_secret: "wrong" },
  });
  expect(wrong.status).toBe(401);
  expect((await idp.call("POST", "/oauth2/token", { key: null, form })).status).toBe(200);
});

test("without PKCE, NotRequiredWhenUsingPKCE asks for the secret", async () => {
  const oauthConfiguration = {
    clientSecret: STORE_SECRET,
    clientAuthenticationPolicy: "NotRequiredWhenUsingPKCE",
  };
  const idp = await startIdp({ kickstart: seeded({ store: { oauthConfiguration } }) });
  const { body: first } = await login(idp);
  const form = { ...grant(first.refreshToken), client_id: STORE_APP };
  expect((await idp.call("POST", "/oauth2/token", { key: null, form })).status).toBe(401);
});

test("no application can have the password grant, whatever it enables (RFC 9700 §2.4) (ASVS 10.4.4)", async () => {
  const oauthConfiguration = { clientSecret: STORE_SECRET, enabledGrants: ["password", "refresh_token"] };
  const idp = await startIdp({ kickstart: seeded({ store: { oauthConfiguration } }) });
  for (const grant_type of ["password", "authorization_code", "implicit", "client_credentials", "nonsense"]) {
    const answer = await refreshGrant(idp, "x", { grant_type, username: "alice", password: "x" });
    expect([answer.status, answer.body.error]).toEqual([400, "unsupported_grant_type"]);
    expect(answer.body).not.toHaveProperty("access_token");
  }
});

test("a grant that the application does not enable is refused and uses nothing up (ASVS 10.4.4)", async () => {
  const oauthConfiguration = { clientSecret: STORE_SECRET, enabledGrants: [] };
  const idp = await startIdp({ kickstart: seeded({ store: { oauthConfiguration } }) });
  const { body: first } = await login(idp);
  const answer = await refreshGrant(idp, first.refreshToken);
  expect(answer.body).toMatchObject({ error: "unauthorized_client", error_reason: "grant_type_disabled" });
  expect(idp.events.map(({ type }) => type)).not.toContain("refresh-token-rotated");
});

test("a parameter that is missing or stands twice is an invalid_request", async () => {
  const idp = await startIdp();
  const authentication = `client_id=${STORE_APP}&client_secret=${STORE_SECRET}`;
  const cases: [string, string][] = [
    [authentication, "missing_grant_type"],
    ["grant_type=refresh_token&refresh_token=x", "missing_client_id"],
    [`grant_type=refresh_token&${authentication}`, "missing_refresh_token"],
    [`grant_type=refresh_token&refresh_token=x&refresh_token=y&${authentication}`, "invalid_request"],
  ];
  for (const [form, reason] of cases) {
    const answer = await idp.call("POST", "/oauth2/token", { key: null, form });
    expect([answer.status, answer.body.error, answer.body.error_reason]).toEqual([
      400,
      "invalid_request",
      reason,
    ]);
  }
});

test("a form of more than 100 parameters is refused before anyone is authenticated (CWE-400)", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const padding = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=x`).join("&");
  const grant = `grant_type=refresh_token&refresh_token=${first.refreshToken}&client_id=${STORE_APP}`;
  const ask = (count: number) =>
    idp.call("POST", "/oauth2/token", {
      key: null,
      form: `${padding(count)}&${grant}&client_secret=${STORE_SECRET}`,
    });
  for (const count of [97, 5_000]) {
    const { status, body } = await ask(count);
    expect([status, body.generalErrors[0].code]).toEqual([400, "[tooMany]"]);
  }
  expect(idp.events.map(({ type }) => type)).not.toContain("client-refused");
  expect((await ask(96)).status).toBe(200);
});

test("expires_in and scope are judged before the token is used up (ASVS 10.4.11)", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp, { metaData: { scopes: ["profile", "email"] } });
  for (const expires_in of ["0", "-1", "3601", "1e3", "x"]) {
    const answer = await refreshGrant(idp, first.refreshToken, { expires_in });
    expect(answer.body).toMatchObject({ error: "invalid_request", error_reason: "invalid_expires_in" });
  }
  const wide = await refreshGrant(idp, first.refreshToken, { scope: "profile admin" });
  expect(wide.body).toMatchObject({ error: "invalid_scope", error_reason: "unknown_scope" });
  const answer = await refreshGrant(idp, first.refreshToken, { scope: "profile", expires_in: "60" });
  expect(answer.body.expires_in).toBe(60);
});

test("a reusable token is not sent back, as in FusionAuth", async () => {
  const jwtConfiguration = { enabled: true, refreshTokenUsagePolicy: "Reusable" };
  const idp = await startIdp({ kickstart: seeded({ store: { jwtConfiguration } }) });
  const { body: first } = await login(idp);
  const answer = await refreshGrant(idp, first.refreshToken);
  expect(answer.status).toBe(200);
  expect(answer.body).not.toHaveProperty("refresh_token");
});

test("a locked user's refresh ends with invalid_grant and his tokens are revoked", async () => {
  const idp = await startIdp();
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: idp.clock.now + 60_000 } } });
  const { body: first } = await login(idp);
  idp.clock.now += 60_000;
  const expired = await refreshGrant(idp, first.refreshToken);
  expect(expired.body).toMatchObject({ error: "invalid_grant", error_reason: "user_expired" });
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: null } } });
  // The policy onLoginPrevented has ended the family for good.
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(400);
});

test("the error texts keep to the characters RFC 6749 §5.2 allows and repeat nothing that was sent", async () => {
  const idp = await startIdp();
  const { text, body } = await refreshGrant(idp, "<script>alert(1)</script>");
  expect(text).not.toContain("<script>");
  expect(body.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
});
