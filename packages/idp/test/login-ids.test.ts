// What may be an e-mail address or a username: nothing that could be taken for somebody else's.
import { describe, expect, test } from "vitest";
import { ALICE, ALICE_EMAIL, emptyDatabase, dump, login, startIdp, STORE_APP, type TestIdp } from "./idp.ts";

const BOB = "5b1b8d5e-3f8e-4f5c-9a52-0d1d5f0e7c11";

/** Every way in which a user can come to a login id, with the field that a refusal names. */
const ways: [string, (idp: TestIdp, user: object) => ReturnType<TestIdp["call"]>, string][] = [
  ["create", (idp, user) => idp.call("POST", "/api/user", { json: { user } }), "user"],
  ["update", (idp, user) => idp.call("PUT", `/api/user/${BOB}`, { json: { user } }), "user"],
  ["patch", (idp, user) => idp.call("PATCH", `/api/user/${BOB}`, { json: { user } }), "user"],
  [
    "register",
    (idp, user) => {
      const json = { user, registration: { applicationId: STORE_APP } };
      return idp.call("POST", "/api/user/registration", { json });
    },
    "user",
  ],
  ["import", (idp, user) => idp.call("POST", "/api/user/import", { json: { users: [user] } }), "users.0"],
];

const refused: [string, object, string][] = [
  ["a username that is an e-mail address", { username: "victim@example.com" }, "username"],
  ["a username with @ in it", { username: "a@b" }, "username"],
  ["a zero-width space in a username", { username: "ali\u200bce" }, "username"],
  ["a change of direction in a username", { username: "\u202ealice" }, "username"],
  ["a soft hyphen in an address", { email: "al\u00adice@example.com" }, "email"],
  ["a lone surrogate", { username: "alice\ud800" }, "username"],
  ["a lone surrogate in an address", { email: "alice\udc00@example.com" }, "email"],
  ["a character of private use", { username: "alice\ue000" }, "username"],
  ["a control character", { username: "alice\u0085" }, "username"],
  ["a full-width letter", { username: "\uff41lice" }, "username"],
  ["a ligature in an address", { email: "o\ufb03ce@example.com" }, "email"],
  ["a full-width at sign", { username: "alice\uff20example.com" }, "username"],
];

describe.each(ways)("%s", (_, send, place) => {
  test.each(refused)("refuses %s and stores nothing", async (__, user, member) => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    await idp.call("POST", `/api/user/${BOB}`, { json: { user: { username: "bob" } } });
    const before = await dump(database);
    const { status, body } = await send(idp, user);
    expect([status, Object.keys(body.fieldErrors)]).toEqual([400, [`${place}.${member}`]]);
    expect(await dump(database)).toBe(before);
  });

  test("takes what people are called", async () => {
    const idp = await startIdp();
    await idp.call("POST", `/api/user/${BOB}`, { json: { user: { username: "bob" } } });
    const user = { email: "jürgen.o'brien+shop@exämple.com", username: "Jürgen Özdemir-李" };
    expect((await send(idp, user)).status).toBe(200);
  });
});

test("nobody stands between Alice and her account by calling himself by her address", async () => {
  const idp = await startIdp();
  await idp.call("PATCH", `/api/user/${ALICE}`, { json: { user: { email: "moved@example.com" } } });
  const user = { username: ALICE_EMAIL, password: "a fine long phrase" };
  expect((await idp.call("POST", "/api/user", { json: { user } })).status).toBe(400);
  expect((await login(idp, { password: user.password })).status).toBe(404);
});

test("a tenant can't ask for passwords of less than 8 characters (NIST SP 800-63B-4 §3.1.1.2) (ASVS 6.2.1)", async () => {
  const idp = await startIdp();
  const { body } = await idp.call("GET", "/api/tenant");
  const path = `/api/tenant/${body.tenants[0].id}`;
  const patch = (minLength: number) =>
    idp.call("PATCH", path, { json: { tenant: { passwordValidationRules: { minLength } } } });
  const { status, body: answer } = await patch(7);
  expect([status, Object.keys(answer.fieldErrors)]).toEqual([
    400,
    ["tenant.passwordValidationRules.minLength"],
  ]);
  expect((await patch(8)).status).toBe(200);
});

test("what the database reads as one login id is counted as one (CWE-307)", async () => {
  const idp = await startIdp();
  const user = { username: "jos\ufffd", password: "a fine long phrase" };
  const json = { user, registration: { applicationId: STORE_APP } };
  expect((await idp.call("POST", "/api/user/registration", { json })).status).toBe(200);
  const statuses: number[] = [];
  for (let index = 0; index < 8; index += 1) {
    // As JSON has it, since no other form can carry a lone surrogate.
    const raw = `{"loginId":"JOS\\ud80${index}","password":"wrong","applicationId":"${STORE_APP}"}`;
    const headers = { "content-type": "application/json" };
    statuses.push((await idp.call("POST", "/api/login", { raw, headers })).status);
  }
  expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429, 429]);
});
