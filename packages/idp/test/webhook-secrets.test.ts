// What a webhook's receiver is shown so that it takes the call: it goes there, and nowhere else.
import { describe, expect, test } from "vitest";
import { secret } from "../../../test/leak-watch.ts";
import { ALICE, emptyDatabase, dump, KEYS, startIdp, type TestIdp } from "./idp.ts";
import { ENDINGS, startReceiver, subscribe } from "./receiver.ts";

const HOOK = "11111111-2222-4333-8444-555555555555";
const URL_OF_STORE = "https://store.example/webhooks";
const eventsEnabled = { "user.delete": true };

const create = (idp: TestIdp, webhook: object) =>
  idp.call("POST", `/api/webhook/${HOOK}`, { json: { webhook } });

describe("secrets of a receiver", () => {
  const header = secret("a header that only the receiver may see");
  const password = secret("the receiver's password: it has colons");
  const secrets = {
    headers: { "X-Api-Key": header },
    httpAuthenticationUsername: "idp",
    httpAuthenticationPassword: password,
  };

  test("are shown to the receiver", async () => {
    const idp = await startIdp();
    const receiver = await startReceiver();
    await subscribe(idp, receiver, secrets);
    await idp.call("DELETE", `/api/user/${ALICE}`);
    await idp.idp.deliverDue();
    const basic = Buffer.from(`idp:${password}`).toString("base64");
    for (const { headers } of receiver.received) {
      expect(headers).toMatchObject({ "x-api-key": header, authorization: `Basic ${basic}` });
    }
    expect(receiver.received).toHaveLength(2);
  });

  test("are answered by no call, and sealed in the database (ASVS 13.3.1)", async () => {
    const database = await emptyDatabase();
    const idp = await startIdp({ database });
    const answers = [
      await create(idp, { url: URL_OF_STORE, global: true, eventsEnabled, ...secrets }),
      await idp.call("GET", `/api/webhook/${HOOK}`),
      await idp.call("GET", "/api/webhook"),
      await idp.call("PATCH", `/api/webhook/${HOOK}`, { json: { webhook: { description: "x" } } }),
    ];
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      for (const value of [header, password]) expect(text).not.toContain(value);
    }
    expect(answers[1]?.body.webhook.httpAuthenticationUsername).toBe("idp");
    for (const value of [header, password, "X-Api-Key"]) expect(await dump(database)).not.toContain(value);
  });

  test("are kept by PUT and PATCH that leave them out, and taken away by empty ones", async () => {
    const idp = await startIdp();
    const receiver = await startReceiver();
    const id = await subscribe(idp, receiver, secrets);
    const sent = async () => {
      await idp.call("PUT", `/api/user/${ALICE}?reactivate=true`);
      await idp.idp.deliverDue();
      const headers = receiver.received.at(-1)?.headers;
      return [headers?.["x-api-key"], typeof headers?.authorization];
    };
    const change = (method: string, webhook: object) =>
      idp.call(method, `/api/webhook/${id}`, { json: { webhook } });
    await change("PATCH", { description: "x" });
    expect(await sent()).toEqual([header, "string"]);
    await change("PUT", { url: receiver.url, global: true, eventsEnabled: ENDINGS });
    expect(await sent()).toEqual([header, "string"]);
    await change("PATCH", { headers: {} });
    expect(await sent()).toEqual([undefined, "string"]);
    const none = { httpAuthenticationUsername: "", httpAuthenticationPassword: "" };
    await change("PUT", { url: receiver.url, global: true, eventsEnabled: ENDINGS, ...none });
    expect(await sent()).toEqual([undefined, "undefined"]);
  });

  test("do not follow the webhook to another origin (CWE-522)", async () => {
    const idp = await startIdp();
    const first = await startReceiver();
    const second = await startReceiver();
    const id = await subscribe(idp, first, secrets);
    const move = (more: object) =>
      idp.call("PATCH", `/api/webhook/${id}`, { json: { webhook: { url: second.url, ...more } } });
    for (const more of [{}, { headers: {} }, { httpAuthenticationPassword: "" }]) {
      expect((await move(more)).status).toBe(400);
    }
    expect((await move({ headers: {}, httpAuthenticationPassword: "" })).status).toBe(200);
    await idp.call("DELETE", `/api/user/${ALICE}`);
    await idp.idp.deliverDue();
    expect([first.received.length, second.received.length]).toEqual([0, 2]);
    expect(JSON.stringify(second.received.map(({ headers }) => headers))).not.toContain(header);
  });

  test("are sealed anew under a new key, so that the old one can go", async () => {
    const database = await emptyDatabase();
    const added = { id: "k2", secret: "another-secret-of-32-bytes-or-more-for-tests" };
    const before = await startIdp({ database });
    await create(before, { url: URL_OF_STORE, global: true, eventsEnabled, ...secrets });
    await before.idp.close();
    await (await startIdp({ database, keys: [added, ...KEYS] })).idp.close();
    const after = await startIdp({ database, keys: [added] });
    expect((await after.call("GET", `/api/webhook/${HOOK}`)).status).toBe(200);
  });
});
