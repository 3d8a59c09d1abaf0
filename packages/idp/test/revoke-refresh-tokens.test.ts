import { beforeEach, describe, expect, test } from "vitest";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  API_KEY,
  FORUM_APP,
  FORUM_SECRET,
  login,
  refreshGrant,
  startIdp,
  STORE_APP,
  type TestIdp,
} from "./idp.ts";

const BOB = "9e1ed6d4-9b3f-4d6a-8a0c-0f6f1a1a2b01";
const NOBODY = "00000000-0000-4000-8000-000000000000";

let idp: TestIdp;
// One refresh token per user and application.
let tokens: Record<"aliceStore" | "aliceForum" | "bobStore", { value: string; id: string; jwt: string }>;

async function signIn(loginId: string, applicationId: string) {
  const { body } = await idp.call("POST", "/api/login", {
    json: { loginId, password: ALICE_PASSWORD, applicationId },
  });
  return { value: String(body.refreshToken), id: String(body.refreshTokenId), jwt: String(body.token) };
}

/** Which tokens are still good; asking changes nothing. */
async function alive(): Promise<string[]> {
  const names: string[] = [];
  for (const [name, { id }] of Object.entries(tokens)) {
    if ((await idp.call("GET", `/api/jwt/refresh/${id}`)).status === 200) names.push(name);
  }
  return names;
}

beforeEach(async () => {
  idp = await startIdp();
  await idp.call("POST", `/api/user/registration/${BOB}`, {
    json: {
      user: { email: "bob@example.com", password: ALICE_PASSWORD },
      registration: { applicationId: STORE_APP },
    },
  });
  tokens = {
    aliceStore: await signIn(ALICE_EMAIL, STORE_APP),
    aliceForum: await signIn(ALICE_EMAIL, FORUM_APP),
    bobStore: await signIn("bob@example.com", STORE_APP),
  };
});

describe("FusionAuth's client", () => {
  test("revokeRefreshTokensByUserId revokes exactly the user's", async () => {
    const client = await idp.client();
    expect((await client.revokeRefreshTokensByUserId(ALICE)).statusCode).toBe(200);
    expect(await alive()).toEqual(["bobStore"]);
  });

  test("revokeRefreshToken(null, user) sends token=null&applicationId=undefined and revokes exactly the user's", async () => {
    const client = await idp.client();
    // The signature wants strings; JavaScript callers pass null, and the client writes the word.
    const nothing: string = JSON.parse("null");
    const left: string = JSON.parse('{"a":null}').b;
    expect((await client.revokeRefreshToken(nothing, ALICE, left)).statusCode).toBe(200);
    expect(await alive()).toEqual(["bobStore"]);
  });

  test("revokeRefreshTokensByUserIdForApplication revokes the user's in one application", async () => {
    const client = await idp.client();
    await client.revokeRefreshTokensByUserIdForApplication(ALICE, FORUM_APP);
    expect(await alive()).toEqual(["aliceStore", "bobStore"]);
  });

  test("revokeRefreshTokensByApplicationId revokes the application's", async () => {
    const client = await idp.client();
    await client.revokeRefreshTokensByApplicationId(STORE_APP);
    expect(await alive()).toEqual(["aliceForum"]);
  });

  test("revokeRefreshTokenById and revokeRefreshTokenByToken revoke one", async () => {
    const client = await idp.client();
    await client.revokeRefreshTokenById(tokens.aliceStore.id);
    expect(await alive()).toEqual(["aliceForum", "bobStore"]);
    await client.revokeRefreshTokenByToken(tokens.bobStore.value);
    expect(await alive()).toEqual(["aliceForum"]);
  });

  test("revokeRefreshTokensWithRequest takes a JSON body", async () => {
    const client = await idp.client();
    await client.revokeRefreshTokensWithRequest({ userId: ALICE, applicationId: STORE_APP });
    expect(await alive()).toEqual(["aliceForum", "bobStore"]);
  });
});

test("a form body is the same as a query", async () => {
  const { status } = await idp.call("DELETE", "/api/jwt/refresh", { form: { userId: ALICE, token: "null" } });
  expect(status).toBe(200);
  expect(await alive()).toEqual(["bobStore"]);
});

test("nothing selected is a 400 and revokes nothing, in every spelling of nothing", async () => {
  const spellings = ["", "?token=null&userId=undefined&applicationId=", "?global=true", "?tokenId=x"];
  for (const query of spellings) {
    expect((await idp.call("DELETE", `/api/jwt/refresh${query}`)).status).toBe(400);
  }
  expect((await idp.call("DELETE", "/api/jwt/refresh", { json: {} })).status).toBe(400);
  expect((await idp.call("DELETE", "/api/jwt/refresh", { json: { userId: null } })).status).toBe(400);
  expect((await idp.call("DELETE", "/api/jwt/refresh", { form: "userId=null" })).status).toBe(400);
  expect(await alive()).toHaveLength(3);
});

test("what does not exist is a 404, what can't be read a 400, and nothing is revoked", async () => {
  for (const query of [
    `/${NOBODY}`,
    `?userId=${NOBODY}`,
    `?applicationId=${NOBODY}`,
    `?userId=${ALICE}&applicationId=${NOBODY}`,
    "?token=nonsense",
  ]) {
    expect((await idp.call("DELETE", `/api/jwt/refresh${query}`)).status).toBe(404);
  }
  for (const query of ["?userId=alice", "/not-an-id", `?userId=${ALICE}&userId=${BOB}`]) {
    expect((await idp.call("DELETE", `/api/jwt/refresh${query}`)).status).toBe(400);
  }
  expect(await alive()).toHaveLength(3);
});

test("a token together with somebody else's userId is a mistake, not a choice", async () => {
  const query = `?token=${tokens.bobStore.value}&userId=${ALICE}`;
  expect((await idp.call("DELETE", `/api/jwt/refresh${query}`)).status).toBe(404);
  expect(await alive()).toHaveLength(3);
});

test("an owner's access token ends the owner's tokens, one at a time, and nobody else's", async () => {
  const asAlice = { headers: { authorization: `Bearer ${tokens.aliceStore.jwt}` } };
  expect((await idp.call("DELETE", `/api/jwt/refresh/${tokens.bobStore.id}`, asAlice)).status).toBe(404);
  expect((await idp.call("DELETE", `/api/jwt/refresh?token=${tokens.bobStore.value}`, asAlice)).status).toBe(
    404,
  );
  expect((await idp.call("DELETE", `/api/jwt/refresh?userId=${ALICE}`, asAlice)).status).toBe(401);
  expect((await idp.call("DELETE", `/api/jwt/refresh?applicationId=${STORE_APP}`, asAlice)).status).toBe(401);
  expect(await alive()).toHaveLength(3);
  expect((await idp.call("DELETE", `/api/jwt/refresh/${tokens.aliceForum.id}`, asAlice)).status).toBe(200);
  const cookie = { key: null, headers: { cookie: `access_token=${tokens.aliceStore.jwt}` } };
  expect((await idp.call("DELETE", `/api/jwt/refresh?token=${tokens.aliceStore.value}`, cookie)).status).toBe(
    200,
  );
  expect(await alive()).toEqual(["bobStore"]);
});

test("without credentials nothing is revoked", async () => {
  for (const headers of [{}, { authorization: "Bearer nonsense" }, { authorization: "nonsense" }]) {
    const { status } = await idp.call("DELETE", `/api/jwt/refresh?userId=${ALICE}`, { key: null, headers });
    expect(status).toBe(401);
  }
  expect(await alive()).toHaveLength(3);
});

test("a revoked token is refused as a token, and revoking it again is fine", async () => {
  const path = `/api/jwt/refresh/${tokens.aliceStore.id}`;
  expect((await idp.call("DELETE", path)).status).toBe(200);
  expect((await idp.call("DELETE", path)).status).toBe(200);
  expect((await refreshGrant(idp, tokens.aliceStore.value)).body.error).toBe("invalid_grant");
});

test("a key of another tenant can't revoke here", async () => {
  const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
  const headers = { "x-fusionauth-tenantid": body.tenant.id };
  for (const query of [`/${tokens.aliceStore.id}`, `?userId=${ALICE}`, `?applicationId=${STORE_APP}`]) {
    expect((await idp.call("DELETE", `/api/jwt/refresh${query}`, { headers })).status).toBe(404);
  }
  expect(await alive()).toHaveLength(3);
});

describe("the list of a user's sign-ins", () => {
  test("is newest first, without token values, ended or expired ones", async () => {
    idp.clock.now += 1_000;
    const newest = (await login(idp)).body;
    await idp.call("DELETE", `/api/jwt/refresh/${tokens.aliceForum.id}`);
    const client = await idp.client();
    const { response } = await client.retrieveRefreshTokens(ALICE);
    expect(response.refreshTokens?.map(({ id }) => id)).toEqual([
      newest.refreshTokenId,
      tokens.aliceStore.id,
    ]);
    expect(response.refreshTokens?.[0]).toMatchObject({
      userId: ALICE,
      applicationId: STORE_APP,
      startInstant: idp.clock.now,
    });
    expect(JSON.stringify(response)).not.toContain('"token"');
    idp.clock.now += 31 * 86_400_000;
    expect((await client.retrieveRefreshTokens(ALICE)).response.refreshTokens).toEqual([]);
  });

  test("a user without sign-ins has an empty one; an unknown user, none", async () => {
    await idp.call("DELETE", `/api/jwt/refresh?userId=${BOB}`);
    expect((await idp.call("GET", `/api/jwt/refresh?userId=${BOB}`)).body).toEqual({ refreshTokens: [] });
    expect((await idp.call("GET", `/api/jwt/refresh?userId=${NOBODY}`)).status).toBe(404);
    expect((await idp.call("GET", "/api/jwt/refresh")).status).toBe(400);
  });

  test("one can be asked for by id until it ends", async () => {
    const client = await idp.client(API_KEY);
    const { response } = await client.retrieveRefreshTokenById(tokens.bobStore.id);
    expect(response.refreshToken).toMatchObject({ id: tokens.bobStore.id, userId: BOB });
    await client.revokeRefreshTokenById(tokens.bobStore.id);
    await expect(client.retrieveRefreshTokenById(tokens.bobStore.id)).rejects.toMatchObject({
      statusCode: 404,
    });
  });
});

test("the grant of another client's secret does not help with what was revoked", async () => {
  await idp.call("DELETE", `/api/jwt/refresh?applicationId=${FORUM_APP}`);
  const form = { client_id: FORUM_APP, client_secret: FORUM_SECRET };
  expect((await refreshGrant(idp, tokens.aliceForum.value, form)).body.error).toBe("invalid_grant");
});
