import { expect, test } from "vitest";
import { ALICE, FORUM_APP, login, refreshGrant, startIdp } from "./idp.ts";

const CLEARED = ["access_token", "refresh_token"].map(
  (name) => `${name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`,
);

test("FusionAuth's client signs out with an empty text/plain body and the word undefined", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const { body: other } = await login(idp);
  const client = await idp.client(null);
  const left: boolean = JSON.parse('{"a":1}').b;
  expect((await client.logout(left, first.refreshToken)).statusCode).toBe(200);
  expect((await refreshGrant(idp, first.refreshToken)).body.error).toBe("invalid_grant");
  expect((await refreshGrant(idp, other.refreshToken)).status).toBe(200);
});

test("the cookie's token ends too, and the browser forgets both cookies", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const answer = await idp.call("POST", "/api/logout", {
    key: null,
    headers: { cookie: `refresh_token=${first.refreshToken}` },
  });
  expect([answer.status, answer.text, answer.cookies]).toEqual([200, "", CLEARED]);
  expect(answer.headers.get("content-type")).toBeNull();
  expect(answer.headers.get("cache-control")).toContain("no-store");
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(400);
});

test("what is named wins over the cookie", async () => {
  const idp = await startIdp();
  const { body: named } = await login(idp);
  const { body: cookie } = await login(idp);
  await idp.call("POST", "/api/logout", {
    key: null,
    json: { refreshToken: named.refreshToken },
    headers: { cookie: `refresh_token=${cookie.refreshToken}` },
  });
  expect((await refreshGrant(idp, named.refreshToken)).status).toBe(400);
  expect((await refreshGrant(idp, cookie.refreshToken)).status).toBe(200);
});

test("global ends all of the owner's sign-ins and nobody else's", async () => {
  const idp = await startIdp();
  const { body: store } = await login(idp);
  await login(idp, { applicationId: FORUM_APP });
  const client = await idp.client(null);
  await client.logoutWithRequest({ global: true, refreshToken: store.refreshToken });
  const { body } = await idp.call("GET", `/api/jwt/refresh?userId=${ALICE}`);
  expect(body.refreshTokens).toEqual([]);
});

test("an old token, perhaps stolen, ends its family but not all of the owner's sign-ins", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const { body: other } = await login(idp);
  const second = await refreshGrant(idp, first.refreshToken);
  idp.clock.now += 60_000;
  await idp.call("POST", "/api/logout", {
    key: null,
    json: { global: true, refreshToken: first.refreshToken },
  });
  expect(idp.events.filter(({ type }) => type === "refresh-token-reused")).toMatchObject([
    { presented: 1, current: 2, familyRevoked: true, userId: ALICE, refreshTokenId: first.refreshTokenId },
  ]);
  expect((await refreshGrant(idp, second.body.refresh_token)).status).toBe(400);
  expect((await refreshGrant(idp, other.refreshToken)).status).toBe(200);
});

test("an unknown token or none is the same 200", async () => {
  const idp = await startIdp();
  for (const json of [{}, { refreshToken: "nonsense" }, { global: true }, { refreshToken: null }]) {
    const answer = await idp.call("POST", "/api/logout", { key: null, json });
    expect([answer.status, answer.text, answer.cookies]).toEqual([200, "", []]);
  }
});

test("cookies are taken away only from a browser that sent one, so no other site signs out (CWE-352)", async () => {
  const idp = await startIdp();
  const form = { raw: "", headers: { "content-type": "application/x-www-form-urlencoded" }, key: null };
  expect((await idp.call("POST", "/api/logout", form)).cookies).toEqual([]);
  const strange = "my_access_token=x; a=refresh_token=x";
  for (const cookie of ["access_token=x", "refresh_token=", "refresh_token=a; refresh_token=b", strange]) {
    const { cookies } = await idp.call("POST", "/api/logout", { key: null, headers: { cookie } });
    expect([cookie, cookies]).toEqual([cookie, cookie === strange ? [] : CLEARED]);
  }
});

test("GET does not sign out (CWE-352)", async () => {
  const idp = await startIdp();
  const { body: first } = await login(idp);
  const { status, headers } = await idp.call("GET", `/api/logout?refreshToken=${first.refreshToken}`);
  expect([status, headers.get("allow")]).toEqual([405, "POST"]);
  expect((await refreshGrant(idp, first.refreshToken)).status).toBe(200);
});
