// What production refuses, however it is spelled, and what a database keeps from before (ASVS 13.2.3).
import { expect, test } from "vitest";
import { createIdp, type IdpConfig, type Kickstart } from "../src/index.ts";
import { API_KEY, emptyDatabase, KEYS, seeded, startIdp } from "./idp.ts";

const production: IdpConfig = {
  database: ":memory:",
  issuer: "https://idp.test",
  keys: KEYS,
  production: true,
};
const user = { email: "monica@example.com", password: "a long password of Monica's" };

function seedingBy(url: string): Kickstart {
  return { apiKeys: [{ key: API_KEY }], requests: [{ method: "POST", url, body: { user } }] };
}

test.each([
  "/api/user",
  "/api/./user",
  "/api/./user/",
  "/x/../api/user",
  "/api/%2e/user",
  "/x/%2E%2e/api/user/registration",
  "/api//user",
  "/x/..//api/user/import",
  "/api/\tuser",
  "/api/user?a=b",
])("a password seeded by %j is seen", async (url) => {
  await expect(createIdp({ ...production, kickstart: seedingBy(url) })).rejects.toThrow(
    '"kickstart.requests[0]" creates a user with a password; production refuses it',
  );
});

test("a database that development filled with passwords is refused later too", async () => {
  const database = await emptyDatabase();
  await (await startIdp({ database, kickstart: seeded() })).idp.close();
  await expect(createIdp({ ...production, database })).rejects.toMatchObject({ code: "sample-secret" });
  const without = await emptyDatabase();
  const kickstart = { ...seeded(), requests: seeded().requests.slice(0, 2) };
  await (await startIdp({ database: without, kickstart })).idp.close();
  await (await createIdp({ ...production, database: without })).close();
});

test.each([
  ["sample-0123456789abcdef0123456789abcdef", "sample"],
  ["Sample-0123456789abcdef0123456789abcdef", "sample"],
  [" SAMPLE-0123456789abcdef0123456789abcdef", "sample"],
  ["x".repeat(31), "32 characters"],
])("the API key %j of a kickstart is refused", async (key, why) => {
  const kickstart = { apiKeys: [{ key: API_KEY }, { key }], requests: [] };
  await expect(createIdp({ ...production, kickstart })).rejects.toThrow(why);
  await (await createIdp({ ...production, production: false, kickstart })).close();
});

test("tokens are issued over https, or to this machine alone", async () => {
  for (const issuer of ["http://idp.test", "http://localhost.example", "http://10.0.0.1:9011"]) {
    await expect(createIdp({ ...production, issuer })).rejects.toThrow('"issuer"');
  }
  for (const issuer of [
    "https://idp.test",
    "http://localhost:9011",
    "http://127.0.0.1:9011",
    "http://[::1]:9011",
  ]) {
    await (await createIdp({ ...production, issuer })).close();
  }
});
