// API keys: who may make them, and what each of them may do.
import { describe, expect, test } from "vitest";
import { ALICE, MANAGER_KEY, startIdp, STORE_APP, type TestIdp } from "./idp.ts";

describe("API keys", () => {
  async function createKey(idp: TestIdp, apiKey: object, key = MANAGER_KEY) {
    const { status, body } = await idp.call("POST", "/api/api-key", { json: { apiKey }, key });
    return { status, id: String(body?.apiKey?.id), key: String(body?.apiKey?.key), body };
  }

  test("a key's value is told once", async () => {
    const idp = await startIdp();
    const client = await idp.client(MANAGER_KEY);
    const none: string = JSON.parse("null");
    const { response } = await client.createAPIKey(none, { apiKey: { name: "Shop" } });
    const { id = "", key = "" } = response.apiKey ?? {};
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(200);
    const again = (await client.retrieveAPIKey(id)).response.apiKey;
    expect(again).toMatchObject({ id, name: "Shop", retrievable: false });
    expect(again).not.toHaveProperty("key");
    await client.deleteAPIKey(id);
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(401);
  });

  test("only a key manager manages keys, and makes no other manager (CWE-269)", async () => {
    const idp = await startIdp();
    const plain = await idp.call("POST", "/api/api-key", { json: { apiKey: {} } });
    expect([plain.status, plain.text]).toEqual([401, ""]);
    const manager = await createKey(idp, { keyManager: true });
    expect([manager.status, Object.keys(manager.body.fieldErrors)]).toEqual([400, ["apiKey.keyManager"]]);
    const { id } = await createKey(idp, {});
    const json = { apiKey: { keyManager: true } };
    await idp.call("PATCH", `/api/api-key/${id}`, { json, key: MANAGER_KEY });
    expect((await idp.call("GET", `/api/api-key/${id}`, { key: MANAGER_KEY })).body.apiKey.keyManager).toBe(
      false,
    );
  });

  test("a key manager grants nothing beyond its own permissions, not even by the name of an object's member", async () => {
    const idp = await startIdp({
      kickstart: {
        apiKeys: [
          { key: MANAGER_KEY, keyManager: true, permissions: { endpoints: { "/api/api-key": ["POST"] } } },
        ],
        requests: [],
      },
    });
    for (const path of ["constructor", "toString", "hasOwnProperty", "/api/user"]) {
      const { status, body } = await createKey(idp, { permissions: { endpoints: { [path]: ["POST"] } } });
      expect([path, status, Object.keys(body?.fieldErrors ?? {})]).toEqual([
        path,
        400,
        ["apiKey.permissions"],
      ]);
    }
    const within = await createKey(idp, { permissions: { endpoints: { "/api/api-key": ["POST"] } } });
    expect(within.status).toBe(200);
  });

  test("a key may do what its permissions say, by path and verb", async () => {
    const idp = await startIdp();
    const endpoints = { "/api/user": ["GET"], "/api/jwt/refresh": [] };
    const { id, key } = await createKey(idp, { permissions: { endpoints } });
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(200);
    expect((await idp.call("DELETE", `/api/user/${ALICE}`, { key })).status).toBe(401);
    expect((await idp.call("GET", `//api/user/registration/${ALICE}/${STORE_APP}`, { key })).status).toBe(
      401,
    );
    expect((await idp.call("GET", `/api/jwt/refresh?userId=${ALICE}`, { key })).status).toBe(401);
    expect((await idp.call("POST", "/api/login", { key, json: {} })).status).toBe(401);
    await idp.call("PUT", `/api/api-key/${id}`, { key: MANAGER_KEY, json: { apiKey: {} } });
    expect((await idp.call("GET", `/api/jwt/refresh?userId=${ALICE}`, { key })).status).toBe(200);
  });

  test("a key ends when it expires", async () => {
    const idp = await startIdp();
    const { key } = await createKey(idp, { expirationInstant: idp.clock.now + 1_000 });
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(200);
    idp.clock.now += 1_000;
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(401);
  });

  test("a key manager that expires makes no key that outlives it, and can't extend itself (CWE-269)", async () => {
    const id = "cccccccc-0000-4000-8000-000000000001";
    const idp = await startIdp({
      kickstart: { apiKeys: [{ key: MANAGER_KEY, keyManager: true, id }], requests: [] },
    });
    const end = idp.clock.now + 60_000;
    const patch = (apiKeyId: string, expirationInstant: number | null) =>
      idp.call("PATCH", `/api/api-key/${apiKeyId}`, {
        json: { apiKey: { expirationInstant } },
        key: MANAGER_KEY,
      });
    expect((await patch(id, end)).status).toBe(200);
    const longer = await createKey(idp, { expirationInstant: end + 1 });
    expect([longer.status, Object.keys(longer.body.fieldErrors)]).toEqual([
      400,
      ["apiKey.expirationInstant"],
    ]);
    const silent = await createKey(idp, {});
    expect(silent.body.apiKey.expirationInstant).toBe(end);
    expect((await createKey(idp, { expirationInstant: end - 1 })).status).toBe(200);
    expect((await patch(id, end + 1)).status).toBe(400);
    for (const key of [id, silent.id]) {
      expect((await patch(key, null)).body.apiKey.expirationInstant).toBe(end);
    }
  });

  test("a key of one tenant reaches no other, even by naming it (CVE-2026-123800 class)", async () => {
    const idp = await startIdp();
    const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
    const { key } = await createKey(idp, { tenantId: body.tenant.id });
    const { body: all } = await idp.call("GET", "/api/tenant");
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key })).status).toBe(404);
    const headers = { "x-fusionauth-tenantid": all.tenants[0].id };
    expect((await idp.call("GET", `/api/user/${ALICE}`, { key, headers })).status).toBe(401);
    expect((await idp.call("GET", "/api/tenant", { key })).body.tenants).toHaveLength(1);
    expect((await idp.call("GET", "/api/application", { key })).body.applications).toEqual([]);
    expect((await idp.call("POST", "/api/tenant", { key, json: { tenant: { name: "Third" } } })).status).toBe(
      401,
    );
    expect((await idp.call("DELETE", `/api/tenant/${body.tenant.id}`, { key })).status).toBe(401);
    const json = { loginId: "alice", password: "x", applicationId: STORE_APP };
    expect((await idp.call("POST", "/api/login", { key, json })).body.fieldErrors).toHaveProperty(
      "applicationId",
    );
  });

  test("a short key is refused", async () => {
    const idp = await startIdp();
    const { status, body } = await createKey(idp, { key: "too-short" });
    expect([status, body.fieldErrors["apiKey.key"][0].code]).toEqual([400, "[tooShort]apiKey.key"]);
  });
});
