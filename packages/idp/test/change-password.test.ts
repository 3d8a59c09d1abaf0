// POST /api/user/change-password: the user's own change, with an API key and with his access token.
import { describe, expect, test } from "vitest";
import { createHash } from "node:crypto";
import {
  ALICE,
  ALICE_EMAIL,
  ALICE_PASSWORD,
  type Answer,
  emptyDatabase,
  dump,
  login,
  refreshGrant,
  startIdp,
  type TestIdp,
} from "./idp.ts";

const PATH = "/api/user/change-password";
const password = "another fine long phrase";
const right = { loginId: ALICE_EMAIL, currentPassword: ALICE_PASSWORD, password };

const change = (idp: TestIdp, extra: object = {}): Promise<Answer> =>
  idp.call("POST", PATH, { json: { ...right, ...extra } });
const changeByToken = (idp: TestIdp, token: string, extra: object = {}): Promise<Answer> =>
  idp.call("POST", PATH, {
    json: { currentPassword: ALICE_PASSWORD, password, ...extra },
    headers: { authorization: `Bearer ${token}` },
  });

describe("with an API key", () => {
  test("FusionAuth's client changes it; the old password is good for nothing from then on (ASVS 6.2.2, 6.2.3)", async () => {
    const idp = await startIdp();
    const client = await idp.client();
    expect((await client.changePasswordByIdentity(right)).statusCode).toBe(200);
    expect((await login(idp)).status).toBe(404);
    expect((await login(idp, { password })).status).toBe(200);
  });

  test("the user's other sign-ins end, unless the tenant says otherwise (ASVS 7.4.3)", async () => {
    const idp = await startIdp();
    const { body } = await login(idp);
    const answer = await change(idp);
    expect([answer.status, answer.text, answer.cookies]).toEqual([200, "", []]);
    expect((await refreshGrant(idp, body.refreshToken)).status).toBe(400);
    const revoked = idp.events.filter(({ type }) => type === "refresh-tokens-revoked");
    expect(revoked).toEqual([expect.objectContaining({ reason: "password-changed", userId: ALICE })]);

    const { body: tenants } = await idp.call("GET", "/api/tenant");
    const jwtConfiguration = { refreshTokenRevocationPolicy: { onPasswordChanged: false } };
    await idp.call("PATCH", `/api/tenant/${tenants.tenants[0].id}`, {
      json: { tenant: { jwtConfiguration } },
    });
    const { body: kept } = await login(idp, { password });
    await change(idp, { currentPassword: password, password: "a third fine long phrase" });
    expect((await refreshGrant(idp, kept.refreshToken)).status).toBe(200);
  });

  test("a wrong current password and an unknown login id are one answer after the same work (CWE-203)", async () => {
    const idp = await startIdp();
    const wrong = await change(idp, { currentPassword: "not the password" });
    const unknown = await change(idp, { loginId: "nobody@example.com" });
    expect(wrong.status).toBe(400);
    expect(wrong.body.fieldErrors.currentPassword[0].code).toBe("[invalid]currentPassword");
    expect([unknown.status, unknown.text]).toEqual([wrong.status, wrong.text]);
    expect(idp.events.filter(({ type }) => type === "password-checked")).toHaveLength(2);
    expect((await login(idp)).status).toBe(200);
  });

  test("what the rules refuse is told about the password, and only to who has the current one", async () => {
    const idp = await startIdp();
    for (const [bad, code] of [
      ["short", "[tooShort]password"],
      ["password1234", "[breachedCommonPassword]password"],
      ["alice@example.com", "[containsEmail]password"],
    ]) {
      const answer = await change(idp, { password: bad });
      expect([answer.status, answer.body.fieldErrors.password[0].code]).toEqual([400, code]);
      const blind = await change(idp, { password: bad, currentPassword: "not the password" });
      expect(Object.keys(blind.body.fieldErrors)).toEqual(["currentPassword"]);
    }
    expect((await login(idp)).status).toBe(200);
  });

  test("guessing here counts with guessing at sign-in (ASVS 6.3.1)", async () => {
    const idp = await startIdp();
    const wrong = { currentPassword: "not the password" };
    for (let index = 0; index < 3; index += 1) expect((await change(idp, wrong)).status).toBe(400);
    for (let index = 0; index < 2; index += 1)
      expect((await login(idp, { password: "not the password" })).status).toBe(404);
    const refused = await change(idp);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await login(idp)).status).toBe(429);
    idp.clock.now += 1_000;
    expect((await change(idp)).status).toBe(200);
  });

  test("one address has no more guesses here than at sign-in", async () => {
    const idp = await startIdp();
    const statuses: number[] = [];
    for (let index = 0; index < 25; index += 1) {
      const guess = { loginId: `user${index}`, ipAddress: "203.0.113.7" };
      statuses.push((index % 2 === 0 ? await change(idp, guess) : await login(idp, guess)).status);
    }
    expect(statuses.slice(20)).toEqual([429, 429, 429, 429, 429]);
    expect(statuses.slice(0, 20)).not.toContain(429);
  });

  test("on a known device the owner changes it during an attack", async () => {
    const idp = await startIdp();
    const deviceId = createHash("sha256").update("Alice's").digest("base64url");
    const metaData = { data: { deviceId } };
    await login(idp, { metaData });
    for (let index = 0; index < 6; index += 1) await login(idp, { password: "not the password" });
    expect((await change(idp)).status).toBe(429);
    expect((await change(idp, { metaData })).status).toBe(200);
  });

  test("of 5 changes at once with one current password one happens (CWE-367)", async () => {
    const idp = await startIdp();
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, index) => change(idp, { password: `a fine long phrase ${index}` })),
    );
    const changed = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    expect(changed).toHaveLength(1);
    expect((await login(idp, { password: `a fine long phrase ${changed[0]}` })).status).toBe(200);
  });

  test("a locked or expired user does not change it, and hears why only with the right password", async () => {
    const idp = await startIdp();
    await idp.call("DELETE", `/api/user/${ALICE}`);
    expect((await change(idp)).status).toBe(423);
    expect((await change(idp, { currentPassword: "not the password" })).status).toBe(400);
    await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
    expect((await login(idp)).status).toBe(200);
    await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { expiry: idp.clock.now } } });
    expect((await change(idp)).status).toBe(410);
  });

  test("a key that may not use this path is refused, and so is none", async () => {
    const idp = await startIdp();
    expect((await idp.call("POST", PATH, { json: right, key: null })).status).toBe(401);
    expect((await idp.call("POST", PATH, { json: right, key: "no key" })).status).toBe(401);
    expect((await login(idp)).status).toBe(200);
  });

  test("the new password is in no answer and no event", async () => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    const { text } = await change(idp);
    expect(`${text}${JSON.stringify(idp.events)}${await dump(database)}`).not.toContain(password);
  });
});

describe("with the user's access token", () => {
  test("FusionAuth's client changes it; the token is good for nothing more", async () => {
    const idp = await startIdp();
    const { body } = await login(idp);
    idp.clock.now += 1_000;
    const client = await idp.client(null);
    const request = { currentPassword: ALICE_PASSWORD, password };
    expect((await client.changePasswordUsingJWT(body.token, request)).statusCode).toBe(200);
    expect((await login(idp, { password })).status).toBe(200);
    expect((await refreshGrant(idp, body.refreshToken)).status).toBe(400);
    expect((await changeByToken(idp, body.token, { currentPassword: password })).status).toBe(401);
  });

  test("a wrong current password is 404, and a stolen token guesses no faster than anybody", async () => {
    const idp = await startIdp();
    const { body } = await login(idp);
    const guess = () => changeByToken(idp, body.token, { currentPassword: "not the password" });
    const statuses: number[] = [];
    for (let index = 0; index < 7; index += 1) statuses.push((await guess()).status);
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429]);
    // The owner signs in meanwhile.
    expect((await login(idp)).status).toBe(200);
  });

  test("whose account is attacked can change it where he is signed in", async () => {
    const idp = await startIdp();
    const { body } = await login(idp);
    for (let index = 0; index < 6; index += 1) await login(idp, { password: "not the password" });
    expect((await login(idp)).status).toBe(429);
    expect((await changeByToken(idp, body.token)).status).toBe(200);
  });

  test("a login id in the body names nobody else", async () => {
    const idp = await startIdp();
    const user = { email: "bob@example.com", password: ALICE_PASSWORD };
    await idp.call("POST", "/api/user", { json: { user } });
    const { body } = await login(idp);
    expect((await changeByToken(idp, body.token, { loginId: "bob@example.com" })).status).toBe(200);
    expect((await login(idp, { loginId: "bob@example.com" })).status).toBe(202);
    expect((await login(idp)).status).toBe(404);
  });

  test("no token, a forged one and one of before a change are 401", async () => {
    const idp = await startIdp();
    const { body } = await login(idp);
    const forged = `${body.token.slice(0, -8)}AAAAAAAA`;
    expect((await changeByToken(idp, forged)).status).toBe(401);
    expect((await idp.call("POST", PATH, { json: right, key: null })).status).toBe(401);
    idp.clock.now += 1_000;
    await change(idp);
    expect((await changeByToken(idp, body.token, { currentPassword: password })).status).toBe(401);
  });
});

describe("what is not there answers plainly", () => {
  test("no changePasswordId is known, in the path or in the body", async () => {
    const idp = await startIdp();
    const json = { password };
    for (const key of [undefined, null]) {
      const options = key === null ? { key } : {};
      expect((await idp.call("POST", `${PATH}/some-id`, { json, ...options })).status).toBe(404);
      const inBody = { ...json, changePasswordId: "some-id" };
      expect((await idp.call("POST", PATH, { json: inBody, ...options })).status).toBe(404);
      expect((await idp.call("GET", `${PATH}/some-id`, options)).status).toBe(404);
    }
  });

  test.each<[json: object, member: string]>([
    [{}, "currentPassword"],
    [{ currentPassword: "x" }, "password"],
    [{ currentPassword: ["x"], password: "x" }, "currentPassword"],
    [{ currentPassword: "x", password: { $ne: null } }, "password"],
    [{ currentPassword: "x", password: "a fine long phrase" }, "loginId"],
    [{ loginId: "alice\n", currentPassword: "x", password: "a fine long phrase" }, "loginId"],
  ])("%j is a 400 that names %s, and nothing is hashed", async (json, member) => {
    const idp = await startIdp();
    const { status, body } = await idp.call("POST", PATH, { json });
    expect(status).toBe(400);
    expect(Object.keys(body.fieldErrors)).toContain(member);
    expect(idp.events.map(({ type }) => type)).not.toContain("password-checked");
  });
});
