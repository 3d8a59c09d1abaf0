// GET /api/jwt/validate, the public keys and discovery: what those who verify access tokens rely on.
import { createHmac, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { createRemoteJWKSet, customFetch, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { claimsOf, emptyDatabase, ISSUER, login, startIdp, STORE_APP, type TestIdp } from "./idp.ts";

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function validate(idp: TestIdp, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return idp.call("GET", "/api/jwt/validate", { headers }).then(({ status }) => status);
}

describe.each(["ES256", "EdDSA", "RS256"] as const)("%s", (signingAlgorithm) => {
  test("tokens verify with somebody else's library by the published keys (ASVS 11.6.1)", async () => {
    const idp = await startIdp({ signingAlgorithm });
    const { body } = await login(idp);
    const keys = createRemoteJWKSet(new URL(`${ISSUER}/.well-known/jwks.json`), {
      [customFetch]: (url: string) => idp.idp.fetch(new Request(url)),
    });
    const { payload, protectedHeader } = await jwtVerify(body.token, keys, {
      issuer: ISSUER,
      audience: STORE_APP,
      algorithms: [signingAlgorithm],
      currentDate: new Date(idp.clock.now),
    });
    expect(protectedHeader).toMatchObject({ alg: signingAlgorithm, typ: "JWT" });
    expect(payload.sid).toBe(body.refreshTokenId);
  });
});

test("RSA keys have at least 3,072 bits (ASVS 11.2.3)", async () => {
  const idp = await startIdp({ signingAlgorithm: "RS256" });
  const { body } = await idp.call("GET", "/.well-known/jwks.json", { key: null });
  expect(Buffer.from(body.keys[0].n, "base64url").length * 8).toBeGreaterThanOrEqual(3_072);
  expect(body.keys[0]).not.toHaveProperty("d");
});

test("FusionAuth's client validates a token; the times are seconds", async () => {
  const idp = await startIdp();
  const { body } = await login(idp);
  const client = await idp.client(null);
  const { response } = await client.validateJWT(body.token);
  expect(response.jwt).toEqual(claimsOf(body.token));
});

test("header Bearer, header JWT and cookie are the same", async () => {
  const idp = await startIdp();
  const { body } = await login(idp);
  for (const headers of [
    { authorization: `Bearer ${body.token}` },
    { authorization: `JWT ${body.token}` },
    { cookie: `access_token=${body.token}` },
  ]) {
    expect((await idp.call("GET", "/api/jwt/validate", { key: null, headers })).status).toBe(200);
  }
  const twice = { cookie: `access_token=${body.token}; access_token=${body.token}` };
  expect((await idp.call("GET", "/api/jwt/validate", { key: null, headers: twice })).status).toBe(401);
});

test("a token is good until its last second and not longer (ASVS 9.2.1)", async () => {
  const idp = await startIdp();
  const { body } = await login(idp);
  idp.clock.now += 3_600_000 - 1;
  expect(await validate(idp, body.token)).toBe(200);
  idp.clock.now += 1;
  expect(await validate(idp, body.token)).toBe(401);
});

test("the algorithm is the key's, never the token's (ASVS 9.1.2)", async () => {
  const idp = await startIdp();
  const { body } = await login(idp);
  const [head = "", claims = "", signature = ""] = body.token.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString());
  const { body: keys } = await idp.call("GET", `/api/jwt/public-key?kid=${header.kid}`, { key: null });
  const forged = (change: object, mac: (content: string) => string): string => {
    const content = `${encode({ ...header, ...change })}.${claims}`;
    return `${content}.${mac(content)}`;
  };
  const none = (): string => "";
  const hmac = (content: string): string =>
    createHmac("sha256", keys.publicKey).update(content).digest("base64url");
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const selfSigned = (content: string): string =>
    sign("sha256", Buffer.from(content), { key: own.privateKey, dsaEncoding: "ieee-p1363" }).toString(
      "base64url",
    );
  const tokens = [
    forged({ alg: "none" }, none),
    forged({ alg: "None" }, none),
    forged({ alg: "HS256" }, hmac),
    forged({ alg: "ES384" }, () => signature),
    forged({ jwk: own.publicKey.export({ format: "jwk" }) }, selfSigned),
    forged({ kid: "../../etc/passwd" }, selfSigned),
    forged({ typ: "logout+jwt" }, () => signature),
    forged({}, selfSigned),
    `${head}.${claims}`,
    `${head}.${claims}.`,
    `${body.token}.`,
    `${body.token}=`,
    "..",
    "x",
  ];
  for (const token of tokens) expect(await validate(idp, token)).toBe(401);
  expect(await validate(idp, body.token)).toBe(200);
});

test("every changed character of a token makes it bad (ASVS 9.1.1)", async () => {
  expect.hasAssertions();
  const idp = await startIdp();
  const { body } = await login(idp);
  const token: string = body.token;
  const places = Array.from({ length: Math.floor(token.length / 7) }, (_, index) => index * 7);
  for (const at of places.filter((place) => token[place] !== ".")) {
    const other = token[at] === "A" ? "B" : "A";
    expect(await validate(idp, token.slice(0, at) + other + token.slice(at + 1))).toBe(401);
  }
});

test("a token of another provider is not good here", async () => {
  const [here, there] = [await startIdp(), await startIdp()];
  expect(await validate(here, (await login(there)).body.token)).toBe(401);
});

test("a minute after a rotation new tokens carry the new key, old ones stay good, and both keys are published (ASVS 11.2.2)", async () => {
  const idp = await startIdp();
  const before = (await login(idp)).body.token;
  const kid = await idp.idp.rotateSigningKey();
  idp.clock.now += 60_000;
  const after = (await login(idp)).body.token;
  expect(JSON.parse(Buffer.from(after.split(".")[0], "base64url").toString()).kid).toBe(kid);
  expect([await validate(idp, before), await validate(idp, after)]).toEqual([200, 200]);
  const listed = await idp.call("GET", "/.well-known/jwks.json", { key: null });
  expect(listed.body.keys).toHaveLength(2);
  expect(listed.body.keys[0].kid).toBe(kid);
  idp.clock.now += 26 * 3_600_000;
  expect((await idp.call("GET", "/.well-known/jwks.json", { key: null })).body.keys).toHaveLength(1);
});

test("another process on the same database verifies with a key it has not seen yet", async () => {
  const database = await emptyDatabase();
  const one = await startIdp({ database });
  const two = await startIdp({ database });
  await one.idp.rotateSigningKey({ now: true });
  expect(await validate(two, (await login(one)).body.token)).toBe(200);
});

test("changing the algorithm keeps the old keys, which sign until the new one was published for a minute", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database, now: () => Date.UTC(2025, 11, 31, 23, 50) });
  const { body } = await login(before);
  await before.idp.close();
  const after = await startIdp({ database, signingAlgorithm: "EdDSA" });
  expect(await validate(after, body.token)).toBe(200);
  const algorithms = async () =>
    (await after.call("GET", "/.well-known/jwks.json", { key: null })).body.keys.map(
      (key: { alg: string }) => key.alg,
    );
  expect(await algorithms()).toEqual(["ES256", "EdDSA"]);
  after.clock.now += 60_000;
  expect(await algorithms()).toEqual(["EdDSA", "ES256"]);
});

test("FusionAuth's public-key call gives PEMs by kid, by application, or all", async () => {
  const idp = await startIdp();
  const { body } = await login(idp);
  const [head = "", claims = "", signature = ""] = body.token.split(".");
  const { kid } = JSON.parse(Buffer.from(head, "base64url").toString());
  const client = await idp.client(null);
  const all = (await client.retrieveJWTPublicKeys()).response.publicKeys ?? {};
  expect(Object.keys(all)).toEqual([kid]);
  const { publicKey = "" } = (await client.retrieveJWTPublicKey(kid)).response;
  const key = { key: createPublicKey(publicKey), dsaEncoding: "ieee-p1363" as const };
  expect(verify("sha256", Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"))).toBe(
    true,
  );
  expect((await client.retrieveJWTPublicKeyByApplicationId(STORE_APP)).response.publicKey).toBe(publicKey);
  await expect(client.retrieveJWTPublicKey("unknown")).rejects.toMatchObject({ statusCode: 404 });
});

test("discovery names only what exists", async () => {
  const idp = await startIdp();
  const { body, headers } = await idp.call("GET", "/.well-known/openid-configuration", { key: null });
  expect(body).toMatchObject({
    issuer: ISSUER,
    token_endpoint: `${ISSUER}/oauth2/token`,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    grant_types_supported: ["refresh_token"],
  });
  expect(body).not.toHaveProperty("authorization_endpoint");
  expect(headers.get("cache-control")).not.toContain("no-store");
  for (const url of [body.token_endpoint, body.jwks_uri]) {
    expect((await idp.call("GET", new URL(url).pathname, { key: null })).status).not.toBe(404);
  }
});

test("a tenant's discovery has the tenant's issuer, and so have its tokens", async () => {
  const idp = await startIdp();
  const issuer = "https://other.example.com";
  const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other", issuer } } });
  const path = `/${body.tenant.id}/.well-known/openid-configuration`;
  expect((await idp.call("GET", path, { key: null })).body.issuer).toBe(issuer);
  const unknown = "/00000000-0000-4000-8000-000000000000/.well-known/openid-configuration";
  expect((await idp.call("GET", unknown, { key: null })).status).toBe(404);
});
