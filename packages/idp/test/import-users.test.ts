import { createHash, createHmac, pbkdf2Sync, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { highestFactor, verifyImported } from "../src/imported-password.ts";
import { openStore } from "../src/store/open.ts";
import { ALICE_EMAIL, API_KEY, emptyDatabase, dump, login, startIdp, STORE_APP } from "./idp.ts";

const PASSWORD = "an imported password";
const salt = Buffer.from("0123456789abcdef");
const factor = 1_000;

// Each made here from the scheme's definition in FusionAuth's documentation, not with the code under test.
function iterated(algorithm: string): string {
  let result: Buffer = Buffer.concat([Buffer.from(PASSWORD), salt]);
  for (let round = 0; round < factor; round += 1) result = createHash(algorithm).update(result).digest();
  return result.toString("base64");
}
const derived = (bytes: number, digest: string): string =>
  pbkdf2Sync(PASSWORD, salt, factor, bytes, digest).toString("base64");

const SCHEMES: Record<string, string> = {
  "salted-md5": iterated("md5"),
  "salted-sha256": iterated("sha256"),
  "salted-hmac-sha256": createHmac("sha256", salt).update(PASSWORD).digest("base64"),
  "salted-pbkdf2-hmac-sha256": derived(32, "sha256"),
  "salted-pbkdf2-hmac-sha256-512": derived(64, "sha256"),
  "salted-pbkdf2-hmac-sha512-512": derived(64, "sha512"),
};

function imported(encryptionScheme: string): object {
  const password = SCHEMES[encryptionScheme];
  const email = `${encryptionScheme}@example.com`;
  const registrations = [{ applicationId: STORE_APP }];
  return { email, password, encryptionScheme, factor, salt: salt.toString("base64"), registrations };
}

test("users of every scheme sign in with the password they have, and are argon2id from then on (ASVS 11.2.2)", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const client = await idp.client(API_KEY);
  expect((await client.importUsers({ users: Object.keys(SCHEMES).map(imported) })).statusCode).toBe(200);
  for (const scheme of Object.keys(SCHEMES)) {
    const loginId = `${scheme}@example.com`;
    expect((await login(idp, { loginId, password: "not the password" })).status).toBe(404);
    expect((await login(idp, { loginId, password: PASSWORD })).status).toBe(200);
  }
  for (const hash of Object.values(SCHEMES)) expect(await dump(database)).not.toContain(hash);
  for (const scheme of Object.keys(SCHEMES)) {
    expect((await login(idp, { loginId: `${scheme}@example.com`, password: PASSWORD })).status).toBe(200);
  }
});

// The imported password is none that anybody could type: only what wrong ones cost counts.
function dearest(encryptionScheme: string, factor: number): object {
  const email = `${encryptionScheme}-${factor}@example.com`;
  const password = Buffer.alloc(32).toString("base64");
  return { email, password, encryptionScheme, factor, salt: salt.toString("base64") };
}

test("a wrong password costs the same rounds of every scheme for imported, ordinary and unknown users (CWE-208)", async () => {
  const idp = await startIdp();
  const users = [
    imported("salted-hmac-sha256"),
    dearest("salted-sha256", 500),
    dearest("salted-sha256", 2_000),
    dearest("salted-pbkdf2-hmac-sha512-512", 2_100),
  ];
  expect((await idp.call("POST", "/api/user/import", { json: { users } })).status).toBe(200);
  const known = [
    ALICE_EMAIL,
    "salted-hmac-sha256@example.com",
    "salted-sha256-500@example.com",
    "salted-sha256-2000@example.com",
    "salted-pbkdf2-hmac-sha512-512-2100@example.com",
  ];
  for (const loginId of ["nobody@example.com", ...known]) {
    expect((await login(idp, { loginId, password: "wrong" })).status).toBe(404);
  }
  const checked = idp.events.flatMap((event) => (event.type === "password-checked" ? [event] : []));
  expect(checked.map(({ isRight }) => isRight)).toEqual(Array.from({ length: 6 }, () => false));
  for (const { rounds } of checked) {
    expect(rounds).toEqual({
      argon2id: 1,
      "salted-hmac-sha256": factor,
      "salted-sha256": 2_000,
      "salted-pbkdf2-hmac-sha512-512": 2_100,
    });
  }
});

test("what counts is the dearest password of each scheme that is still kept", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const store = await openStore(database, () => idp.clock.now, { uuid: randomUUID, mails: false });
  const { body: tenants } = await idp.call("GET", "/api/tenant");
  const factors = async () => [...(await store.users.importedFactors(tenants.tenants[0].id))];
  expect(await factors()).toEqual([]);
  const users = [dearest("salted-sha256", 5_000), dearest("salted-sha256", 900), imported("salted-md5")];
  await idp.call("POST", "/api/user/import", { json: { users } });
  expect(await factors()).toEqual([
    ["salted-md5", factor],
    ["salted-sha256", 5_000],
  ]);
  const { body } = await idp.call("GET", "/api/user?email=salted-sha256-5000@example.com");
  await idp.call("DELETE", `/api/user/${body.user.id}?hardDelete=true`);
  expect((await login(idp, { loginId: "salted-md5@example.com", password: PASSWORD })).status).toBe(200);
  expect(await factors()).toEqual([["salted-sha256", 900]]);
  await store.close();
});

test.each([
  ["salted-md5", 100_000],
  ["salted-sha256", 100_000],
  ["salted-pbkdf2-hmac-sha256", 1_000_000],
  ["salted-pbkdf2-hmac-sha512-512", 1_000_000],
])("%s may have %d rounds and none more (CWE-400)", async (scheme, highest) => {
  const idp = await startIdp();
  const attempt = (factor: number) =>
    idp.call("POST", "/api/user/import", { json: { users: [dearest(scheme, factor)] } });
  const refused = await attempt(highest + 1);
  expect([refused.status, Object.keys(refused.body.fieldErrors)]).toEqual([400, ["users.0.factor"]]);
  expect((await attempt(highest)).status).toBe(200);
});

test("the most rounds an import may bring pause a hundred times for other requests", async () => {
  const stored = { scheme: "salted-md5", hash: "", salt: "", factor: highestFactor("salted-md5") };
  let [turns, isDone] = [0, false];
  const turn = () => {
    turns += 1;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  expect(await verifyImported("wrong", stored, () => undefined)).toBe(false);
  isDone = true;
  expect(turns).toBeGreaterThanOrEqual(99);
});

test("all or none: one duplicate and nobody is imported, and the answer says who it was", async () => {
  const database = await emptyDatabase();
  const idp = await startIdp({ database });
  const before = await dump(database);
  const users = [{ email: "one@example.com" }, { email: ALICE_EMAIL }, { email: "three@example.com" }];
  const { status, body } = await idp.call("POST", "/api/user/import", { json: { users } });
  expect([status, Object.keys(body.fieldErrors)]).toEqual([400, ["users.1.email"]]);
  expect(await dump(database)).toBe(before);
});

test("a scheme that can't be verified here is refused at once", async () => {
  const idp = await startIdp();
  const user = { email: "b@example.com", password: "x", salt: "x", factor: 10 };
  for (const encryptionScheme of ["bcrypt", "phpass-md5", "plain", "__proto__"]) {
    const json = { users: [{ ...user, encryptionScheme }] };
    const { status, body } = await idp.call("POST", "/api/user/import", { json });
    expect([status, Object.keys(body.fieldErrors)]).toEqual([400, ["users.0.encryptionScheme"]]);
  }
});

test("without a scheme it is the password itself, and the rules hold", async () => {
  const idp = await startIdp();
  const weak = { users: [{ email: "b@example.com", password: "password1" }] };
  expect((await idp.call("POST", "/api/user/import", { json: weak })).status).toBe(400);
  const good = { users: [{ email: "b@example.com", password: "a fine long phrase" }] };
  expect((await idp.call("POST", "/api/user/import", { json: good })).status).toBe(200);
  expect((await login(idp, { loginId: "b@example.com", password: "a fine long phrase" })).status).toBe(202);
});
