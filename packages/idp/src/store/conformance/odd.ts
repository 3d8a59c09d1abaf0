// Odd data: rows that somebody damaged, texts that are hard to keep, values at the edge.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import { StoreUnavailableError } from "../../errors.ts";
import {
  application,
  APPLICATION,
  filled,
  found,
  id,
  signedIn,
  TENANT,
  token,
  signInOf,
  user,
  USER,
  webhook,
} from "./records.ts";

const ODD = ["é🗝 ß İ ı", "' OR 1=1 --", "%_\\", '"}{', "\u0001\u007f\uffff", "x".repeat(200)];

/** The cases of odd data. */
export const oddCases: Cases = {
  "a damaged row is an error, never a guess; it neither spoils others nor stays for ever": async (
    place,
    harness,
  ) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    await harness.damage("users");
    await harness.damage("refresh_tokens");
    await harness.damage("applications");
    await one.users.insert(user(5));
    await one.applications.insert(application(6));
    const damaged = await Promise.allSettled([
      two.users.find(USER),
      two.refreshTokens.find(id(10)),
      two.refreshTokens.list(USER),
      two.applications.find(APPLICATION),
    ]);
    for (const read of damaged)
      assert.ok(read.status === "rejected" && !(read.reason instanceof StoreUnavailableError));
    assert.notEqual(await two.users.find(id(5)), null);
    assert.notEqual(await two.applications.find(id(6)), null);
    assert.equal(await two.refreshTokens.revoke({ userId: USER }, "api", null), 1);
    assert.equal(await two.users.delete(USER), true);
    assert.equal(await two.applications.delete(APPLICATION), true);
    assert.equal(await one.users.find(USER), null);
  },

  "a damaged delivery goes with its webhook": async (place, harness) => {
    const { one, two } = place;
    await filled(one);
    await one.webhooks.insert(webhook(9));
    await one.users.setActive(USER, true, true);
    await harness.damage("outbox");
    await assert.rejects(two.outbox.claim(id(9), 10, 1_000));
    assert.equal(await two.webhooks.delete(id(9)), true);
    assert.deepEqual(await one.outbox.due(), []);
  },

  "texts come back as they were": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    for (const [index, text] of ODD.entries()) {
      const settings = { data: { [text]: text, nul: `\u0000${text}` } };
      const whole = application(50 + index, { name: text, settings, sealedSecret: text });
      assert.equal(await one.applications.insert(whole), "saved");
      assert.deepEqual(await two.applications.find(whole.id), whole);
      const person = user(70 + index, {
        username: text,
        email: `${text.toLowerCase()}@x`,
        profile: { fullName: `\u0000${text}` },
      });
      assert.equal(await one.users.insert(person), "saved");
      assert.deepEqual(await two.users.findByUsername(TENANT, text), person);
      const refreshToken = token(90 + index, clock.now, { metaData: { device: { name: `\u0000${text}` } } });
      await one.refreshTokens.signIn(signInOf(refreshToken, { device: text }));
      assert.deepEqual(found(await two.refreshTokens.find(refreshToken.id)).token, refreshToken);
      assert.equal(await two.knownDevices.isKnown(USER, text), true);
      await one.setNote(text, text);
      assert.equal(await two.note(text), text);
    }
  },

  "what can't be the name of anything is absent": async (place) => {
    const { one: store } = place;
    await filled(store);
    for (const odd of ["", "\u0000", "a\u0000b", "\ud800", "x".repeat(100_000)]) {
      const reads = await Promise.all([
        store.tenants.find(odd),
        store.applications.find(odd),
        store.users.find(odd),
        store.users.findByEmail(TENANT, odd),
        store.users.findByEmail(odd, "user3@example.com"),
        store.users.findByUsername(TENANT, odd),
        store.registrations.find(USER, odd),
        store.refreshTokens.find(odd),
        store.refreshTokens.findRefreshable(odd),
        store.apiKeys.find(odd),
        store.apiKeys.findByHash(odd),
        store.webhooks.find(odd),
        store.note(odd),
      ]);
      for (const read of reads) assert.equal(read, null);
      assert.equal(await store.knownDevices.isKnown(USER, odd), false);
      assert.deepEqual(await store.refreshTokens.list(odd), []);
      assert.equal(await store.users.delete(odd), false);
    }
  },

  "numbers are kept exactly, up to the largest": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    const largest = Number.MAX_SAFE_INTEGER;
    const far = {
      expiresInstant: largest,
      endsInstant: largest,
      generation: 2 ** 40,
      lastAccessedInstant: 0,
      startInstant: 0,
    };
    await signedIn(one, 10, clock.now, far);
    const kept = found(await two.refreshTokens.find(id(10))).token;
    assert.deepEqual(kept, token(10, clock.now, far));
    const person = user(5, { expiry: largest, version: 2 ** 50 });
    await one.users.insert(person);
    assert.deepEqual(await two.users.find(id(5)), person);
  },
};
