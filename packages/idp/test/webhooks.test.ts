// The webhook API: who may be told, and that its secrets go to the receiver and nowhere else.
import { describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { USER_EVENT_TYPES } from "../src/store/user-event.ts";
import { ALICE, API_KEY, emptyDatabase, dump, MANAGER_KEY, seeded, startIdp, type TestIdp } from "./idp.ts";
import { ENDINGS, startReceiver, subscribe, types } from "./receiver.ts";

const HOOK = "11111111-2222-4333-8444-555555555555";
const URL_OF_STORE = "https://store.example/webhooks";
const eventsEnabled = { "user.delete": true };

const create = (idp: TestIdp, webhook: object, options: object = {}) =>
  idp.call("POST", `/api/webhook/${HOOK}`, { json: { webhook }, ...options });

describe("FusionAuth's client, unmodified", () => {
  test("creates, reads, changes and deletes a webhook, which then does what it says", async () => {
    const idp = await startIdp();
    const receiver = await startReceiver();
    const client = await idp.client();
    const webhook = {
      url: receiver.url,
      global: true,
      connectTimeout: 1_000,
      readTimeout: 2_000,
      description: "Store",
      // The client's type wants every event there is.
      eventsEnabled: Object.assign(JSON.parse("{}"), { "user.deactivate": true, "user.create": false }),
    };
    const { response: created } = await client.createWebhook(HOOK, { webhook });
    expect(created.webhook).toMatchObject({
      ...webhook,
      id: HOOK,
      eventsEnabled: { "user.deactivate": true, "user.delete": false },
      signatureConfiguration: { enabled: true },
    });
    const { response: one } = await client.retrieveWebhook(HOOK);
    expect(one.webhook).toEqual(created.webhook);
    const { response: all } = await client.retrieveWebhooks();
    expect(all.webhooks).toEqual([created.webhook]);

    await client.deactivateUser(ALICE);
    await idp.idp.deliverDue();
    expect(types(receiver.taken)).toEqual(["user.deactivate"]);

    // What was read can be written back.
    const again = { ...one.webhook, description: "Shop" };
    expect((await client.updateWebhook(HOOK, { webhook: again })).response.webhook).toMatchObject(again);
    const eventsOff = Object.assign(JSON.parse("{}"), { "user.deactivate": false });
    await client.patchWebhook(HOOK, { webhook: { eventsEnabled: eventsOff } });
    await client.deactivateUser(ALICE);
    await idp.idp.deliverDue();
    expect(receiver.taken).toHaveLength(1);

    expect((await client.deleteWebhook(HOOK)).statusCode).toBe(200);
    await expect(client.retrieveWebhook(HOOK)).rejects.toMatchObject({ statusCode: 404 });
  });
});

test("a kickstart file makes webhooks, for the only tenant where it names none", async () => {
  const receiver = await startReceiver();
  const { apiKeys, requests } = seeded();
  const webhook = { url: receiver.url, eventsEnabled: ENDINGS };
  const made = { method: "POST", url: `/api/webhook/${HOOK}`, body: { webhook } };
  const idp = await startIdp({ kickstart: { apiKeys, requests: [made, ...requests] } });
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.deliverDue();
  expect(types(receiver.taken)).toEqual(["user.deactivate", "jwt.refresh-token.revoke"]);
  const { body } = await idp.call("GET", `/api/webhook/${HOOK}`);
  const { body: tenants } = await idp.call("GET", "/api/tenant");
  expect(body.webhook).toMatchObject({ global: false, tenantIds: [tenants.tenants[0].id] });
});

describe("what can't be a webhook is a 400, and nothing is stored", () => {
  const good = { url: URL_OF_STORE, global: true, eventsEnabled };
  const bad: [string, object, string][] = [
    ["no url", { url: undefined }, "[blank]webhook.url"],
    ["an empty url", { url: "" }, "[blank]webhook.url"],
    ["no URL at all", { url: "store" }, "[invalid]webhook.url"],
    ["plain http to another machine (CWE-319)", { url: "http://store.example/" }, "[invalid]webhook.url"],
    ["the address of cloud metadata (CWE-918)", { url: "http://169.254.169.254/" }, "[invalid]webhook.url"],
    ["a private address in plain http", { url: "http://10.0.0.1/" }, "[invalid]webhook.url"],
    [
      "an address that only looks like this machine",
      { url: "http://127.0.0.1.nip.io/" },
      "[invalid]webhook.url",
    ],
    [
      "a user that looks like this machine",
      { url: "http://127.0.0.1@evil.example/" },
      "[invalid]webhook.url",
    ],
    ["every interface", { url: "http://0.0.0.0/" }, "[invalid]webhook.url"],
    ["a password in the url", { url: "https://a:b@store.example/" }, "[invalid]webhook.url"],
    ["another scheme", { url: "file:///etc/passwd" }, "[invalid]webhook.url"],
    ["a line break in the url", { url: "https://store.example/\r\nX: y" }, "[invalid]webhook.url"],
    ["a url that is too long", { url: `${URL_OF_STORE}/${"x".repeat(1_024)}` }, "[tooLong]webhook.url"],
    ["a url that is no text", { url: [URL_OF_STORE] }, "[invalid]webhook.url"],
    [
      "an event that never comes",
      { eventsEnabled: { "user.create": true } },
      "[invalid]webhook.eventsEnabled.user.create",
    ],
    [
      "events that are no truth values",
      { eventsEnabled: { "user.delete": "yes" } },
      "[invalid]webhook.eventsEnabled.user.delete",
    ],
    ["events as a list", { eventsEnabled: ["user.delete"] }, "[invalid]webhook.eventsEnabled"],
    ["no time at all", { connectTimeout: 0 }, "[invalid]webhook.connectTimeout"],
    ["too long a time", { readTimeout: 30_001 }, "[invalid]webhook.readTimeout"],
    [
      "a header with a line break (CWE-113)",
      { headers: { "X-A": "a\r\nb: c" } },
      "[invalid]webhook.headers.X-A",
    ],
    ["a header beyond Latin-1", { headers: { "X-A": "\u4e2d" } }, "[invalid]webhook.headers.X-A"],
    [
      "the signature's header",
      { headers: { "X-FusionAuth-Signature-JWT": "x" } },
      "[invalid]webhook.headers.X-FusionAuth-Signature-JWT",
    ],
    [
      "a header that frames the body (CWE-444)",
      { headers: { "Content-Length": "1" } },
      "[invalid]webhook.headers.Content-Length",
    ],
    ["a header name with a space", { headers: { "X A": "x" } }, "[invalid]webhook.headers.X A"],
    [
      "a user name with a colon",
      { httpAuthenticationUsername: "a:b" },
      "[invalid]webhook.httpAuthenticationUsername",
    ],
    [
      "a key that is not the provider's",
      { signatureConfiguration: { enabled: true, signingKeyId: HOOK } },
      "[invalid]webhook.signatureConfiguration.signingKeyId",
    ],
    ["a tenant that is not there", { global: false, tenantIds: [HOOK] }, "[invalid]webhook.tenantIds"],
    ["a tenant that is no id", { global: false, tenantIds: ["x"] }, "[couldNotConvert]webhook.tenantIds.0"],
    [
      "a restriction to applications, which would not be kept",
      { applicationIds: [HOOK] },
      "[invalid]webhook.applicationIds",
    ],
    [
      "a certificate, which would not be used",
      { sslCertificate: "-----BEGIN" },
      "[invalid]webhook.sslCertificate",
    ],
  ];

  test.each(bad)("%s", async (_, more, code) => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    const before = await dump(database);
    const { status, body } = await create(idp, { ...good, ...more });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(`"${code}"`);
    expect(await dump(database)).toBe(before);
    expect((await create(idp, good)).status).toBe(200);
    const kept = await dump(database);
    const put = await idp.call("PUT", `/api/webhook/${HOOK}`, { json: { webhook: { ...good, ...more } } });
    const change = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, value ?? null]));
    const patch = await idp.call("PATCH", `/api/webhook/${HOOK}`, { json: { webhook: change } });
    expect([put.status, patch.status]).toEqual([400, 400]);
    expect(await dump(database)).toBe(kept);
  });

  test("50 at once and 20 more are 50 (CWE-367)", async () => {
    const idp = await startIdp();
    const creations = Array.from({ length: 70 }, () =>
      idp.call("POST", "/api/webhook", { json: { webhook: good } }),
    );
    const made = (await Promise.all(creations)).filter(({ status }) => status === 200);
    expect(made).toHaveLength(50);
    expect((await idp.call("GET", "/api/webhook")).body.webhooks).toHaveLength(50);
  });

  test("an id twice, more than 50, and one that is not there", async () => {
    const idp = await startIdp();
    expect((await create(idp, good)).status).toBe(200);
    const again = await create(idp, good);
    expect(again.body.fieldErrors["webhook.id"][0].code).toBe("[duplicate]webhook.id");
    for (let count = 1; count < 50; count += 1) {
      expect((await idp.call("POST", "/api/webhook", { json: { webhook: good } })).status).toBe(200);
    }
    const last = await idp.call("POST", "/api/webhook", { json: { webhook: good } });
    expect([last.status, last.body.fieldErrors.webhook[0].code]).toEqual([400, "[tooMany]webhook"]);
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const options = ["PUT", "PATCH"].includes(method) ? { json: { webhook: good } } : {};
      expect((await idp.call(method, `/api/webhook/${ALICE}`, options)).status).toBe(404);
    }
  });
});

test("plain http to a host that the configuration names, and to this machine in every spelling", async () => {
  const idp = await startIdp({ webhooks: { plainHttpTo: ["store:3000"] } });
  const urls: [string, number][] = [
    ["http://store:3000/webhooks", 200],
    ["http://store:3001/webhooks", 400],
    ["http://127.1/", 200],
    ["http://2130706433:3000/", 200],
    ["http://[::1]:3000/", 200],
    ["http://localhost:3000/", 200],
  ];
  for (const [url, status] of urls) {
    const json = { webhook: { url, global: true, eventsEnabled } };
    expect([url, (await idp.call("POST", "/api/webhook", { json })).status]).toEqual([url, status]);
  }
  const bad = startIdp({ webhooks: { plainHttpTo: ["http://store"] } });
  await expect(bad).rejects.toThrow(/"webhooks\.plainHttpTo"/);
});

test("a host that is no longer named in the configuration is not called any more", async () => {
  const database = await emptyDatabase();
  const before = await startIdp({ database, webhooks: { plainHttpTo: ["store.example"] } });
  await create(before, { url: "http://store.example/", global: true, eventsEnabled });
  await before.idp.close();
  const asked: string[] = [];
  const fetch = async ({ url }: Request) => (asked.push(url), new Response(null, { status: 200 }));
  const after = await startIdp({ database, webhooks: { fetch } });
  await after.call("DELETE", `/api/user/${ALICE}?hardDelete=true`);
  await after.idp.deliverDue();
  expect(asked).toEqual([]);
  const failed = after.events.filter(({ type }) => type === "event-not-delivered");
  expect(failed).toMatchObject([{ failure: "url is not allowed" }]);
});

test("with several tenants one that names none is refused, since it would hear of nobody", async () => {
  const idp = await startIdp();
  await idp.call("POST", "/api/tenant", { json: { tenant: { name: "Other" } } });
  const { status, body } = await create(idp, { url: URL_OF_STORE, eventsEnabled });
  expect([status, body.generalErrors[0].code]).toEqual([400, "[TenantIdRequired]"]);
});

test("no webhook without an API key that may", async () => {
  const idp = await startIdp();
  const { body } = await idp.call("POST", "/api/api-key", {
    key: MANAGER_KEY,
    json: { apiKey: { permissions: { endpoints: { "/api/webhook": ["GET"] } } } },
  });
  const key = secret(String(body.apiKey.key));
  expect((await idp.call("GET", "/api/webhook", { key })).status).toBe(200);
  const webhook = { url: URL_OF_STORE, global: true, eventsEnabled };
  for (const none of [null, key, `${API_KEY}x`])
    expect((await create(idp, webhook, { key: none })).status).toBe(401);
});

test("nothing is enabled unless it is named; without a signature only where that is said", async () => {
  const idp = await startIdp();
  const { body } = await create(idp, { url: URL_OF_STORE, global: true });
  expect(Object.keys(body.webhook.eventsEnabled)).toEqual([...USER_EVENT_TYPES]);
  expect(Object.values(body.webhook.eventsEnabled)).not.toContain(true);
  expect(body.webhook.signatureConfiguration.enabled).toBe(true);

  const receiver = await startReceiver();
  await subscribe(idp, receiver, { signatureConfiguration: { enabled: false } });
  await idp.call("DELETE", `/api/user/${ALICE}`);
  await idp.idp.deliverDue();
  expect(receiver.received).toHaveLength(2);
  expect(receiver.received[0]?.headers).not.toHaveProperty("x-fusionauth-signature-jwt");
});
