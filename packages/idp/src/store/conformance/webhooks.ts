// Webhooks: kept whole, and no more of them than 50 global ones and 50 of each tenant.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import { filled, id, tally, tenant, times, USER, webhook } from "./records.ts";

/** The cases of webhooks. */
export const webhookCases: Cases = {
  "a webhook is kept whole, listed oldest first, changed by one at a time": async (place) => {
    const { one, two } = place;
    await filled(one);
    const more = { description: "all", data: { a: [1] }, signed: false, connectTimeout: 5, readTimeout: 6 };
    const whole = webhook(5, { ...more, tenantIds: [id(1), id(99)], events: ["user.delete"] });
    const older = webhook(6, { insertInstant: 500 });
    for (const each of [whole, older]) assert.equal(await one.webhooks.insert(each), "saved");
    assert.deepEqual(await two.webhooks.find(whole.id), whole);
    assert.deepEqual(await two.webhooks.list(), [older, whole]);
    const next = {
      ...whole,
      url: "https://other.example/",
      tenantIds: null,
      sealedSecrets: "anew",
      lastUpdateInstant: 9,
    };
    assert.equal(await two.webhooks.update(next), "saved");
    assert.equal(await one.webhooks.update({ ...whole, url: "https://lost.example/" }), "conflict");
    assert.deepEqual(await one.webhooks.find(whole.id), { ...next, version: 2 });
  },

  "a webhook hears of the events it names in the tenants it names": async (place) => {
    const { one, two } = place;
    await filled(one);
    await one.tenants.insert(tenant(7));
    await one.webhooks.insert(webhook(5, { events: ["user.deactivate"] }));
    await one.webhooks.insert(webhook(6, { tenantIds: [id(7)] }));
    await one.webhooks.insert(
      webhook(8, { tenantIds: [id(1)], events: ["user.reactivate", "user.deactivate"] }),
    );
    await one.webhooks.insert(webhook(9, { tenantIds: [] }));
    await two.users.setActive(USER, false, false);
    assert.deepEqual(
      (await one.outbox.due()).map(({ receiver }) => receiver),
      [id(5), id(8)],
    );
  },

  "of 60 global ones at once 50 find a place, of a tenant's as many again, and none takes another's": async (
    place,
  ) => {
    const { one, two } = place;
    await filled(one);
    const insert = (base: number, tenantIds: string[] | null) =>
      times(60, (index) =>
        (index % 2 === 0 ? one : two).webhooks.insert(webhook(base + index, { tenantIds })),
      );
    assert.deepEqual(tally(await insert(100, null)), { saved: 50, full: 10 });
    assert.deepEqual(tally(await insert(200, [id(1)])), { saved: 50, full: 10 });
    assert.deepEqual(tally(await insert(300, [id(1), id(2)])), { full: 60 });
    assert.deepEqual(tally(await insert(400, [id(2)])), { saved: 50, full: 10 });
    assert.equal((await one.webhooks.list()).length, 150);
  },

  "a full reach lets change what stays in it, and lets in none that moves": async (place) => {
    const { one, two } = place;
    await filled(one);
    await times(50, (index) => one.webhooks.insert(webhook(100 + index, { tenantIds: [id(1)] })));
    await two.webhooks.insert(webhook(5));
    assert.equal(
      await two.webhooks.update(webhook(100, { tenantIds: [id(1)], description: "changed" })),
      "saved",
    );
    assert.equal(await two.webhooks.update(webhook(5, { tenantIds: [id(1)] })), "full");
    assert.equal(await two.webhooks.update(webhook(101, { tenantIds: null })), "saved");
    assert.equal(await one.webhooks.update(webhook(5, { tenantIds: [id(1)] })), "saved");
    assert.equal(await two.webhooks.insert(webhook(300, { tenantIds: [id(1)] })), "full");
    assert.equal(await two.webhooks.find(id(300)), null);
  },

  "what waits for a webhook is forgotten with it": async (place) => {
    const { one, two } = place;
    await filled(one);
    await one.webhooks.insert(webhook(5));
    await one.webhooks.insert(webhook(6));
    await one.users.setActive(USER, false, true);
    assert.equal(await two.webhooks.delete(id(5)), true);
    assert.deepEqual(
      (await one.outbox.due()).map(({ receiver }) => receiver),
      [id(6)],
    );
    assert.deepEqual(await one.outbox.claim(id(5), 10, 1_000), []);
  },
};
