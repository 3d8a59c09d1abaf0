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
  test("revokeRefreshTokensByUserId revokes exactly the user's (ASVS 7.4.5)", async () => {
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

  test("revokeRefreshTokensByApplicationId revokes the application's (ASVS 7.4.5)", async () => {
    const client = await idp.client();
    await client.revokeRefreshTokensByApplicationId(STORE_APP);
    expect(await alive()).toEqual(["aliceForum"]);
  });

  test("revokeRefreshToken(null, undefined, application) always sends token= and means the application's", async () => {
    const client = await idp.client();
    const nothing: string = JSON.parse("null");
    const left: string = JSON.parse('{"a":null}').b;
    expect((await client.revokeRefreshToken(nothing, left, STORE_APP)).statusCode).toBe(200);
    expect(await alive()).toEqual(["aliceForum"]);
  });

  test("revokeRefreshTokensByUserIdForApplication with one of the two missing is a 400 and revokes nothing", async () => {
    const client = await idp.client();
    const missing: string[] = JSON.parse('[null, "", "undefined"]');
    for (const nothing of [...missing, JSON.parse('{"a":null}').b]) {
      for (const [userId, applicationId] of [
        [nothing, STORE_APP],
        [ALICE, nothing],
      ]) {
        const asked = client.revokeRefreshTokensByUserIdForApplication(userId, applicationId);
        await expect(asked).rejects.toMatchObject({ statusCode: 400 });
      }
      const json = { userId: nothing ?? null, applicationId: STORE_APP };
      expect((await idp.call("DELETE", "/api/jwt/refresh", { json })).status).toBe(400);
      const form = `userId=${nothing ?? ""}&applicationId=${STORE_APP}`;
      expect((await idp.call("DELETE", "/api/jwt/refresh", { form })).status).toBe(400);
    }
    expect(await alive()).toHaveLength(3);
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

test("names that are unknown, arrays and values that contradict each other are a 400 and revoke nothing", async () => {
  const app = `applicationId=${STORE_APP}`;
  const cases: [string, object][] = [
    [`?${app}&user_id=${ALICE}`, {}],
    [`?${app}&userid=${ALICE}`, {}],
    [`?${app}&userId[]=${ALICE}`, {}],
    [`?userId=null&userId=${ALICE}`, {}],
    [`?userId=${ALICE}&userId=${ALICE}`, {}],
    [`?${app}`, { json: { userID: ALICE } }],
    [`?${app}`, { form: `userID=${ALICE}` }],
    [`?${app}`, { form: { applicationId: FORUM_APP } }],
    [`?userId=${ALICE}`, { json: { userId: BOB } }],
    ["", { json: { userId: [ALICE] } }],
    ["", { json: { userId: ALICE, applicationId: [STORE_APP] } }],
    ["", { json: { applicationId: STORE_APP, userId: { $ne: BOB } } }],
    ["", { form: `userId=${ALICE}&userId=${BOB}` }],
    [`/${tokens.aliceStore.id}?token=${tokens.bobStore.value}`, {}],
    [`/${tokens.aliceStore.id}`, { json: { token: tokens.bobStore.value } }],
    [`/${tokens.aliceStore.id}?global=true`, {}],
  ];
  for (const [query, body] of cases) {
    const { status } = await idp.call("DELETE", `/api/jwt/refresh${query}`, body);
    expect([query, status]).toEqual([query, 400]);
  }
  expect((await idp.call("DELETE", `/api/jwt/refresh/${tokens.aliceStore.id}?userId=${BOB}`)).status).toBe(
    404,
  );
  expect(await alive()).toHaveLength(3);
});

test("what query, body and path say alike is one wish", async () => {
  const path = `/api/jwt/refresh?userId=${ALICE.toUpperCase()}`;
  const json = { userId: ALICE, applicationId: FORUM_APP, eventInfo: { ipAddress: "203.0.113.7" } };
  expect((await idp.call("DELETE", path, { json })).status).toBe(200);
  expect(await alive()).toEqual(["aliceStore", "bobStore"]);
  const { id, value } = tokens.bobStore;
  expect((await idp.call("DELETE", `/api/jwt/refresh/${id}?token=${value}&userId=${BOB}`)).status).toBe(200);
  expect(await alive()).toEqual(["aliceStore"]);
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
  const cookie = { key: null, headers: { cookie: `access_token=${tokens.aliceStore.jwt}` } };
  expect((await idp.call("DELETE", `/api/jwt/refresh?token=${tokens.aliceStore.value}`, cookie)).status).toBe(
    200,
  );
  expect(await alive()).toEqual(["aliceForum", "bobStore"]);
});

test("an access token ends no sign-in of another application", async () => {
  const asAlice = { headers: { authorization: `Bearer ${tokens.aliceStore.jwt}` } };
  for (const named of [`/${tokens.aliceForum.id}`, `?token=${tokens.aliceForum.value}`]) {
    expect((await idp.call("DELETE", `/api/jwt/refresh${named}`, asAlice)).status).toBe(404);
  }
  expect(await alive()).toHaveLength(3);
});

test("an access token from before a change of password ends no sign-in from after it (ASVS 7.4.3)", async () => {
  const asAlice = { headers: { authorization: `Bearer ${tokens.aliceStore.jwt}` } };
  idp.clock.now += 1_000;
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { password: "another fine phrase" } } });
  const { body } = await login(idp, { password: "another fine phrase" });
  const path = `/api/jwt/refresh/${body.refreshTokenId}`;
  expect((await idp.call("DELETE", path, asAlice)).status).toBe(401);
  expect((await idp.call("GET", path)).status).toBe(200);
  const anew = { headers: { authorization: `Bearer ${body.token}` } };
  expect((await idp.call("DELETE", path, anew)).status).toBe(200);
});

test("without credentials nothing is revoked (ASVS 10.4.10)", async () => {
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
