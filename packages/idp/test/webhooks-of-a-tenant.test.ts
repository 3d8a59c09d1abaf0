// What an API key of one tenant may do with webhooks: see and make those of its tenant, in its tenant's places, to receivers that
// are nobody else's.
import { expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { API_KEY, MANAGER_KEY, startIdp, type TestIdp } from "./idp.ts";

const HOOK = "11111111-2222-4333-8444-555555555555";
const URL_OF_STORE = "https://store.example/webhooks";
const eventsEnabled = { "user.delete": true };

const create = (idp: TestIdp, webhook: object, options: object = {}) =>
  idp.call("POST", `/api/webhook/${HOOK}`, { json: { webhook }, ...options });

test("a caller of one tenant sees and makes webhooks of that tenant only (ASVS 8.4.1)", async () => {
  const idp = await startIdp();
  const { body } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
  const tenantId: string = body.tenant.id;
  const { body: made } = await idp.call("POST", "/api/api-key", {
    key: MANAGER_KEY,
    json: { apiKey: { tenantId } },
  });
  const key = secret(String(made.apiKey.key));
  const global = await idp.call("POST", "/api/webhook", {
    json: { webhook: { url: URL_OF_STORE, global: true, eventsEnabled } },
  });
  const { body: tenants } = await idp.call("GET", "/api/tenant");
  const first: string = tenants.tenants[0].id;
  const both = { url: URL_OF_STORE, tenantIds: [tenantId, first], eventsEnabled };
  const shared = await idp.call("POST", "/api/webhook", { json: { webhook: both } });
  expect([global.status, shared.status]).toEqual([200, 200]);

  for (const more of [{ global: true }, { tenantIds: [first] }, { tenantIds: [tenantId, first] }]) {
    const webhook = { url: URL_OF_STORE, eventsEnabled, ...more };
    expect((await idp.call("POST", "/api/webhook", { key, json: { webhook } })).status).toBe(400);
  }
  const own = await idp.call("POST", "/api/webhook", {
    key,
    json: { webhook: { url: URL_OF_STORE, eventsEnabled } },
  });
  expect(own.body.webhook.tenantIds).toEqual([tenantId]);
  const { body: listed } = await idp.call("GET", "/api/webhook", { key });
  expect(listed.webhooks.map(({ id }: { id: string }) => id)).toEqual([own.body.webhook.id]);
  for (const { body: other } of [global, shared]) {
    const path = `/api/webhook/${other.webhook.id}`;
    expect((await idp.call("GET", path, { key })).status).toBe(404);
    expect((await idp.call("DELETE", path, { key })).status).toBe(404);
  }
  const widened = { json: { webhook: { global: true } }, key };
  expect((await idp.call("PATCH", `/api/webhook/${own.body.webhook.id}`, widened)).status).toBe(400);
});

test("a tenant's key takes the places of its own tenant, and of no other (CWE-770)", async () => {
  const idp = await startIdp();
  const { body: made } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Second" } } });
  const { id: tenantId } = made.tenant;
  const json = { apiKey: { tenantId } };
  const { body } = await idp.call("POST", "/api/api-key", { key: MANAGER_KEY, json });
  const create = (webhook: object, key = API_KEY) =>
    idp.call("POST", "/api/webhook", { key, json: { webhook: { url: URL_OF_STORE, ...webhook } } });
  for (let count = 0; count < 50; count += 1) expect((await create({}, body.apiKey.key)).status).toBe(200);
  expect((await create({}, body.apiKey.key)).status).toBe(400);
  const { body: all } = await idp.call("GET", "/api/tenant");
  const [first] = all.tenants;
  expect((await create({ tenantIds: [first.id, tenantId] })).status).toBe(400);
  expect((await create({ tenantIds: [first.id] })).status).toBe(200);
  expect((await create({ global: true })).status).toBe(200);
});

test("no change moves a webhook where 50 are already, one at a time or many at once (CWE-770, CWE-367)", async () => {
  const idp = await startIdp();
  const { body: made } = await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Second" } } });
  const second: string = made.tenant.id;
  const { body: tenants } = await idp.call("GET", "/api/tenant");
  const first: string = tenants.tenants.find(({ id }: { id: string }) => id !== second).id;
  const createOf = async (tenantIds: string[]) => {
    const json = { webhook: { url: URL_OF_STORE, tenantIds } };
    return String((await idp.call("POST", "/api/webhook", { json })).body.webhook.id);
  };
  const change = (method: string, id: string, more: object) =>
    idp.call(method, `/api/webhook/${id}`, { json: { webhook: { url: URL_OF_STORE, ...more } } });
  const held = async (tenantId: string) => {
    const { body } = await idp.call("GET", "/api/webhook", {
      headers: { "x-fusionauth-tenantid": tenantId },
    });
    return body.webhooks.length;
  };
  const here: string[] = [];
  for (let count = 0; count < 40; count += 1) here.push(await createOf([first]));
  const there: string[] = [];
  for (let count = 0; count < 20; count += 1) there.push(await createOf([second]));

  const moved = await Promise.all(there.map((id) => change("PATCH", id, { tenantIds: [first] })));
  expect(moved.filter(({ status }) => status === 200)).toHaveLength(10);
  expect([await held(first), await held(second)]).toEqual([50, 10]);
  // Which of them found a place is the database's business.
  const stayed = String(there[moved.findIndex(({ status }) => status !== 200)]);
  for (const method of ["PUT", "PATCH"]) {
    for (const tenantIds of [[first], [second, first]]) {
      const { status, body } = await change(method, stayed, { tenantIds });
      expect([status, body.fieldErrors.webhook[0].code]).toEqual([400, "[tooMany]webhook"]);
    }
  }
  expect(await held(first)).toBe(50);

  // Global ones have places of their own, which are as many.
  for (const id of here) expect((await change("PATCH", id, { global: true })).status).toBe(200);
  for (const id of there.slice(0, 10)) expect((await change("PUT", id, { global: true })).status).toBe(200);
  expect((await change("PUT", String(there.at(-1)), { global: true })).status).toBe(400);
  // What stays where it is can be changed where all places are taken.
  expect((await change("PUT", String(here[0]), { global: true, description: "Store" })).status).toBe(200);
});

test("a key of one tenant reaches nothing on this machine in plain http that the configuration does not name (CWE-918) (ASVS 13.2.4)", async () => {
  const idp = await startIdp({ webhooks: { plainHttpTo: ["localhost:3000"] } });
  const { body } = await idp.call("GET", "/api/tenant");
  const json = { apiKey: { tenantId: body.tenants[0].id } };
  const { body: made } = await idp.call("POST", "/api/api-key", { key: MANAGER_KEY, json });
  const key = secret(String(made.apiKey.key));
  const hidden = ["http://127.0.0.1:6379/", "http://[::1]/", "http://localhost/", "http://localhost:3001/"];
  const put = (url: string) =>
    idp.call("PUT", `/api/webhook/${HOOK}`, { key, json: { webhook: { url, eventsEnabled } } });
  const patch = (webhook: object, options = { key }) =>
    idp.call("PATCH", `/api/webhook/${HOOK}`, { ...options, json: { webhook } });
  const answers = [];
  for (const url of hidden) answers.push(await create(idp, { url, eventsEnabled }, { key }));
  expect((await create(idp, { url: URL_OF_STORE, eventsEnabled }, { key })).status).toBe(200);
  for (const url of hidden) answers.push(await put(url), await patch({ url }));
  for (const { status, body: refused } of answers) {
    expect([status, Object.keys(refused.fieldErrors)]).toEqual([400, ["webhook.url"]]);
  }
  expect((await idp.call("GET", `/api/webhook/${HOOK}`)).body.webhook.url).toBe(URL_OF_STORE);
  expect((await put("http://localhost:3000/webhooks")).status).toBe(200);

  // An unlimited key may, and what it made can be changed otherwise.
  const own = "http://127.0.0.1:6379/";
  expect((await patch({ url: own }, { key: API_KEY })).status).toBe(200);
  expect((await patch({ description: "Store" })).status).toBe(200);
  expect((await patch({ url: `${own}admin` })).status).toBe(400);
});
