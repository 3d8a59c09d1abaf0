// Tenants, applications with their roles, and registrations: kept whole, unique where they have to be, and gone with what they are part of.

import assert from "node:assert/strict";
import type { Cases } from "../conformance.ts";
import {
  application,
  APPLICATION,
  filled,
  found,
  id,
  registration,
  REGISTRATION,
  role,
  signedIn,
  tenant,
  TENANT,
  user,
  USER,
} from "./records.ts";

/** The cases of tenants, applications, roles and registrations. */
export const recordCases: Cases = {
  "a tenant is kept whole, and listed behind the default one by its age": async (place) => {
    const { one, two } = place;
    const late = tenant(1, {
      isDefault: true,
      insertInstant: 9_000,
      settings: { data: { deep: { list: [1, null, "é🗝"] } } },
    });
    const middle = tenant(6, { insertInstant: 1_500 });
    const early = tenant(5);
    for (const each of [middle, early, late]) assert.equal(await one.tenants.insert(each), "saved");
    assert.deepEqual(await two.tenants.find(late.id), late);
    assert.deepEqual(await two.tenants.list(), [late, early, middle]);
  },

  "names are unique whatever their case, of tenants everywhere, of applications in a tenant, of roles in an application":
    async (place) => {
      const { one: store } = place;
      await filled(store);
      assert.equal(await store.tenants.insert(tenant(7, { name: "TENANT 1" })), "duplicate name");
      assert.equal(await store.tenants.insert(tenant(1, { name: "Another" })), "duplicate id");
      assert.equal(await store.tenants.insert(tenant(7)), "saved");
      assert.equal(await store.tenants.update(tenant(7, { name: "tenant 1" })), "duplicate name");
      assert.equal(
        await store.applications.insert(application(8, { name: "APPLICATION 2" })),
        "duplicate name",
      );
      assert.equal(await store.applications.insert(application(2, { name: "Another" })), "duplicate id");
      const elsewhere = application(8, { name: "Application 2", tenantId: id(7) });
      assert.equal(await store.applications.insert(elsewhere), "saved");
      assert.equal(
        await store.applications.insertRole(APPLICATION, role(21, { name: "role 20" })),
        "duplicate name",
      );
      assert.equal(
        await store.applications.insertRole(APPLICATION, role(20, { name: "other" })),
        "duplicate id",
      );
      assert.equal(await store.applications.insertRole(id(8), role(21, { name: "role 20" })), "saved");
      assert.deepEqual(found(await store.tenants.find(id(7))), tenant(7));
    },

  "an application is kept whole with its roles, or not at all": async (place) => {
    const { one, two } = place;
    await filled(one);
    const roles = [
      role(31, { name: "admin", description: "all", isSuperRole: true }),
      role(30, { name: "customer" }),
    ];
    const whole = application(9, {
      roles,
      settings: { oauthConfiguration: { enabledGrants: ["refresh_token"] } },
    });
    assert.equal(await one.applications.insert(whole), "saved");
    assert.deepEqual(await two.applications.find(whole.id), whole);
    const half = application(10, { roles: [role(32), role(32, { name: "twice" })] });
    assert.equal(await one.applications.insert(half), "duplicate id");
    assert.equal(await two.applications.find(half.id), null);
    await one.applications.insertRole(whole.id, role(33, { name: "buyer" }));
    const names = found(await two.applications.find(whole.id)).roles.map(({ name }) => name);
    assert.deepEqual(names, ["admin", "buyer", "customer"]);
  },

  "applications are listed by tenant and by whether they are active, oldest first": async (place) => {
    const { one: store, clock } = place;
    await filled(store);
    await store.tenants.insert(tenant(7));
    const second = application(11, { insertInstant: 500 });
    const elsewhere = application(12, { tenantId: id(7) });
    for (const each of [second, elsewhere]) await store.applications.insert(each);
    const ids = async (tenantId: string | null, active: boolean) =>
      (await store.applications.list({ tenantId, active })).map((each) => each.id);
    assert.deepEqual(await ids(null, true), [id(11), APPLICATION, id(12)]);
    assert.deepEqual(await ids(TENANT, true), [id(11), APPLICATION]);
    assert.equal(await store.applications.setActive(APPLICATION, false), true);
    assert.deepEqual([await ids(TENANT, true), await ids(TENANT, false)], [[id(11)], [APPLICATION]]);
    const changed = found(await store.applications.find(APPLICATION));
    assert.deepEqual([changed.version, changed.lastUpdateInstant], [2, clock.now]);
  },

  "an update on an old version is a conflict, and leaves `active` and the roles alone": async (place) => {
    const { one, two } = place;
    await filled(one);
    const before = found(await one.applications.find(APPLICATION));
    const next = { ...before, name: "Renamed", active: false, roles: [], lastUpdateInstant: 3_000 };
    assert.equal(await one.applications.update(next), "saved");
    assert.equal(await two.applications.update({ ...before, name: "Lost" }), "conflict");
    const expected = { ...before, name: "Renamed", lastUpdateInstant: 3_000, version: 2 };
    assert.deepEqual(await two.applications.find(APPLICATION), expected);
    assert.equal(await two.tenants.update(tenant(1, { name: "Renamed" })), "saved");
    assert.equal(await one.tenants.update(tenant(1, { name: "Lost" })), "conflict");
    assert.equal(found(await one.tenants.find(TENANT)).name, "Renamed");
  },

  "a registration is kept whole, one for a user and an application": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    assert.equal(await one.registrations.insert(registration(41)), "duplicate key");
    await one.applications.insert(application(13));
    const all = {
      roles: ["b", "a"],
      username: "nick",
      timezone: "Europe/Rome",
      preferredLanguages: ["it"],
      data: { n: 1 },
    };
    const whole = registration(42, { applicationId: id(13), ...all, insertInstant: 5_000 });
    assert.equal(await one.registrations.insert({ ...whole, id: REGISTRATION }), "duplicate id");
    assert.equal(await one.registrations.insert(whole), "saved");
    assert.deepEqual(await two.registrations.find(USER, id(13)), whole);
    assert.deepEqual(await two.registrations.list(USER), [registration(4), whole]);
    assert.equal(
      await two.registrations.update({ ...whole, roles: [], lastUpdateInstant: clock.now }),
      "saved",
    );
    assert.equal(await one.registrations.update({ ...whole, roles: ["lost"] }), "conflict");
    const expected = { ...whole, roles: [], lastUpdateInstant: clock.now, version: 2 };
    assert.deepEqual(await one.registrations.find(USER, id(13)), expected);
  },

  "what is part of something goes with it": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    assert.equal(await two.applications.delete(APPLICATION), true);
    assert.equal(await one.registrations.find(USER, APPLICATION), null);
    assert.equal(await one.refreshTokens.find(id(10)), null);
    assert.notEqual(await one.users.find(USER), null);
    await one.applications.insert(application(2));
    await one.registrations.insert(registration(4));
    await signedIn(one, 11, clock.now);
    assert.equal(await two.tenants.delete(TENANT), true);
    const gone = [
      one.users.find(USER),
      one.users.findByEmail(TENANT, "user3@example.com"),
      one.applications.find(APPLICATION),
      one.registrations.find(USER, APPLICATION),
      one.refreshTokens.find(id(11)),
    ];
    for (const each of gone) assert.equal(await each, null);
    assert.equal(await two.users.insert(user(3)), "gone");
  },
};
