import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { expect, test } from "vitest";
import { ALICE_EMAIL, API_KEY, databaseFile, dump, login, startIdp, STORE_APP } from "./idp.ts";

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

test("users of every scheme sign in with the password they have, and are argon2id from then on", async () => {
  const database = databaseFile();
  const idp = await startIdp({ database });
  const client = await idp.client(API_KEY);
  expect((await client.importUsers({ users: Object.keys(SCHEMES).map(imported) })).statusCode).toBe(200);
  for (const scheme of Object.keys(SCHEMES)) {
    const loginId = `${scheme}@example.com`;
    expect((await login(idp, { loginId, password: "not the password" })).status).toBe(404);
    expect((await login(idp, { loginId, password: PASSWORD })).status).toBe(200);
  }
  for (const hash of Object.values(SCHEMES)) expect(dump(database)).not.toContain(hash);
  for (const scheme of Object.keys(SCHEMES)) {
    expect((await login(idp, { loginId: `${scheme}@example.com`, password: PASSWORD })).status).toBe(200);
  }
});

test("a wrong password of a fast scheme takes argon2id's time too (CWE-208)", async () => {
  const idp = await startIdp();
  await idp.call("POST", "/api/user/import", { json: { users: [imported("salted-hmac-sha256")] } });
  const shortest = async (loginId: string): Promise<number> => {
    const times: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const start = performance.now();
      await login(idp, { loginId, password: "wrong" });
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const unknown = await shortest("nobody@example.com");
  const known = await shortest("salted-hmac-sha256@example.com");
  // Without the extra work it would be less than a tenth.
  expect(known / unknown).toBeGreaterThan(0.4);
});

test("all or none: one duplicate and nobody is imported, and the answer says who it was", async () => {
  const database = databaseFile();
  const idp = await startIdp({ database });
  const before = dump(database);
  const users = [{ email: "one@example.com" }, { email: ALICE_EMAIL }, { email: "three@example.com" }];
  const { status, body } = await idp.call("POST", "/api/user/import", { json: { users } });
  expect([status, Object.keys(body.fieldErrors)]).toEqual([400, ["users.1.email"]]);
  expect(dump(database)).toBe(before);
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
