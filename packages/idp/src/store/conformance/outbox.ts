// The outbox: written with the change or not at all, each event to each receiver once while all goes well, those of one user in order,
// whatever number of nodes write and deliver at once.

import assert from "node:assert/strict";
import type { Cases, Place } from "../conformance.ts";
import type { Store } from "../store.ts";
import { MAIL, type UserEvent } from "../user-event.ts";
import {
  application,
  APPLICATION,
  drained,
  filled,
  found,
  id,
  password,
  signedIn,
  tenant,
  TENANT,
  times,
  typesOf,
  user,
  USER,
  webhook,
} from "./records.ts";

const HOOK = id(9);
const LEASE = 60_000;

async function listening({ one, two, clock }: Place): Promise<Omit<Place, "open">> {
  await filled(one);
  await one.webhooks.insert(webhook(9));
  return { one, two, clock };
}

/** The cases of the outbox. */
export const outboxCases: Cases = {
  "nothing is written where nobody hears of it": async (place) => {
    const { one, two, clock } = place;
    await filled(one);
    await signedIn(one, 10, clock.now);
    await one.users.setActive(USER, false, true);
    await one.applications.setActive(APPLICATION, false);
    assert.deepEqual(await two.outbox.due(), []);
    await one.users.update(found(await one.users.find(USER)), { password: password(), revoke: true });
    assert.deepEqual(
      (await two.outbox.due()).map(({ receiver }) => receiver),
      [MAIL],
    );
  },

  "an event is complete, and holds neither password nor secret": async (place) => {
    const { one, two, clock } = await listening(place);
    const { secret: _, ...token } = await signedIn(one, 10, clock.now);
    await drained(one, HOOK);
    await one.refreshTokens.revoke({ id: id(10) }, "api", null, {
      ipAddress: "192.0.2.7",
      deviceName: undefined,
    });
    const [delivery] = await two.outbox.claim(HOOK, 10, LEASE);
    const { password: __, ...person } = found(await two.users.find(USER));
    const { id: eventId, ...event } = found(delivery).event;
    assert.match(eventId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(clean(event), {
      type: "jwt.refresh-token.revoke",
      createInstant: clock.now,
      tenantId: TENANT,
      applicationId: APPLICATION,
      user: person,
      refreshToken: { ...token, revokedInstant: clock.now, revokedReason: "api" },
      reason: "api",
      info: { ipAddress: "192.0.2.7", deviceName: "a phone", deviceType: "BROWSER" },
    });
    assert.deepEqual(
      [found(delivery).attempts, found(delivery).writtenInstant, found(delivery).receiver],
      [1, clock.now, HOOK],
    );
  },

  "every change tells what it makes true, in the order of the changes": async (place) => {
    const { one, two, clock } = await listening(place);
    await signedIn(one, 10, clock.now);
    await two.users.setActive(USER, false, true);
    await one.users.setActive(USER, true, true);
    const before = found(await two.users.find(USER));
    const renamed = { ...before, email: "new@example.com", username: "Renamed" };
    await one.users.update(renamed, { password: password(), revoke: true });
    await two.registrations.delete(USER, APPLICATION);
    await one.users.delete(USER);
    const events = await drained(two, HOOK);
    assert.deepEqual(typesOf(events), [
      "user.deactivate",
      "jwt.refresh-token.revoke",
      "user.reactivate",
      "user.email.update",
      "user.identity.update",
      "user.password.update",
      "jwt.refresh-token.revoke",
      "jwt.refresh-token.revoke",
      "user.delete",
      "jwt.refresh-token.revoke",
    ]);
    assert.deepEqual(events.find(({ type }) => type === "user.email.update")?.previous, {
      email: "user3@example.com",
      username: "User3",
    });
    await one.applications.setActive(APPLICATION, false);
    await one.applications.insert(application(11));
    await two.tenants.delete(TENANT);
    const ofApplications = await drained(two, HOOK);
    assert.deepEqual(
      ofApplications.map(({ applicationId, reason }) => `${applicationId} ${reason}`).toSorted(),
      [
        `${APPLICATION} application-deactivated`,
        `${APPLICATION} application-deleted`,
        `${id(11)} application-deleted`,
      ],
    );
  },

  "a change that fails tells nothing": async (place) => {
    const { one, two } = await listening(place);
    await one.users.insert(user(5));
    const taken = { ...user(3), email: "user5@example.com" };
    assert.equal(await one.users.update(taken, { password: password(), revoke: true }), "duplicate email");
    assert.equal(
      await one.users.update(user(3, { version: 7 }), { password: password(), revoke: true }),
      "conflict",
    );
    assert.equal(await one.users.setActive(id(99), false, true), false);
    assert.equal(await one.users.delete(id(99)), false);
    assert.deepEqual(await two.outbox.due(), []);
  },

  "who listens is called once the event can be claimed, and for nothing else": async (place) => {
    const { one } = await listening(place);
    const claims: Promise<number>[] = [];
    one.outbox.listen(() => {
      claims.push(one.outbox.claim(HOOK, 10, LEASE).then(({ length }) => length));
    });
    await one.users.setActive(USER, true, true);
    assert.deepEqual(await Promise.all(claims), [1]);
    await one.tenants.insert(tenant(7));
    await one.users.setActive(id(99), true, true);
    assert.equal(claims.length, 1);
  },

  "what is told later is told, with what is due and by itself": async (place) => {
    const { one, two } = await listening(place);
    one.outbox.tellLater({ type: "user.login.failed", userId: USER, reason: "wrong-password" });
    one.outbox.tellLater({ type: "user.login.failed", userId: id(99) });
    assert.deepEqual(
      (await one.outbox.due()).map(({ receiver }) => receiver),
      [HOOK],
    );
    assert.equal((await drained(two, HOOK)).length, 1);
    one.outbox.tellLater({ type: "user.login.failed", userId: USER });
    const began = performance.now();
    while ((await two.outbox.due()).length === 0) {
      assert.ok(performance.now() - began < 8_000, "it is told");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  },

  "of each user only the oldest is claimed, and the next when that is finished": async (place) => {
    const { one, two } = await listening(place);
    await one.users.insert(user(5));
    for (const userId of [USER, id(5), USER, USER]) await one.users.setActive(userId, true, true);
    const first = await one.outbox.claim(HOOK, 10, LEASE);
    assert.deepEqual(
      first.map(({ event }) => event.user?.id),
      [USER, id(5)],
    );
    assert.deepEqual(await two.outbox.claim(HOOK, 10, LEASE), []);
    await two.outbox.finish(found(first[0]));
    const second = await two.outbox.claim(HOOK, 10, LEASE);
    assert.deepEqual(
      second.map(({ event }) => event.user?.id),
      [USER],
    );
    assert.ok(found(second[0]).number > found(first[0]).number);
    await one.outbox.finish(found(first[1]));
    await one.outbox.finish(found(second[0]));
    assert.equal((await drained(one, HOOK)).length, 1);
    assert.deepEqual(await two.outbox.due(), []);
  },

  "a claim is nobody else's until its lease is over, and then the next attempt": async (place) => {
    const { one, two, clock } = await listening(place);
    await one.users.setActive(USER, true, true);
    const [lost] = await one.outbox.claim(HOOK, 10, LEASE);
    assert.deepEqual(await two.outbox.due(), [{ receiver: HOOK, due: clock.now + LEASE }]);
    clock.now += LEASE - 1;
    assert.deepEqual(await two.outbox.claim(HOOK, 10, LEASE), []);
    clock.now += 1;
    const [taken] = await two.outbox.claim(HOOK, 10, LEASE);
    assert.deepEqual([taken?.attempts, taken?.event], [2, lost?.event]);
    // Whose lease is over has nothing to say any more.
    await one.outbox.postpone(found(lost), 0);
    assert.deepEqual(await one.outbox.claim(HOOK, 10, LEASE), []);
    await two.outbox.postpone(found(taken), 500);
    assert.deepEqual(await one.outbox.due(), [{ receiver: HOOK, due: clock.now + 500 }]);
    clock.now += 500;
    assert.equal((await one.outbox.claim(HOOK, 10, LEASE))[0]?.attempts, 3);
  },

  "a claim takes no more than asked for, those due longest first": async (place) => {
    const { one, two, clock } = await listening(place);
    await times(10, (index) => one.users.insert(user(50 + index)));
    for (let index = 0; index < 10; index += 1) {
      clock.now += 1;
      await one.users.setActive(id(50 + index), true, true);
    }
    const claimed = await two.outbox.claim(HOOK, 4, LEASE);
    assert.deepEqual(
      claimed.map(({ event }) => event.user?.id),
      [50, 51, 52, 53].map(id),
    );
    assert.equal((await one.outbox.claim(HOOK, 100, LEASE)).length, 6);
  },

  "of 50 claims at once each delivery is one's": async (place) => {
    const { one, two } = await listening(place);
    await times(40, (index) => one.users.insert(user(50 + index)));
    await times(40, (index) => one.users.setActive(id(50 + index), true, true));
    const claims = await times(50, (index) => (index % 2 === 0 ? one : two).outbox.claim(HOOK, 3, LEASE));
    const numbers = claims.flat().map(({ number }) => number);
    assert.equal(new Set(numbers).size, numbers.length);
    const rest = await one.outbox.claim(HOOK, 100, LEASE);
    assert.equal(numbers.length + rest.length, 40);
  },

  "while four nodes' workers write and deliver at once, nothing is lost, doubled, stuck or overtaken": async (
    place,
  ) => {
    const { one, two } = await listening(place);
    await one.users.insert(user(5));
    const heard: UserEvent[] = [];
    let writing = true;
    const deliver = async (store: Store): Promise<void> => {
      for (;;) {
        const last = !writing;
        const claimed = await store.outbox.claim(HOOK, 2, LEASE);
        for (const delivery of claimed) {
          heard.push(delivery.event);
          await store.outbox.finish(delivery);
        }
        if (last && claimed.length === 0) return;
        if (claimed.length === 0) await new Promise(setImmediate);
      }
    };
    const write = async (store: Store, userId: string, count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1)
        await store.users.setActive(userId, index % 2 === 1, false);
    };
    const delivering = Promise.all([deliver(one), deliver(two), deliver(one), deliver(two)]);
    await Promise.all([
      write(one, USER, 40),
      write(two, USER, 40),
      write(one, id(5), 30),
      write(two, id(5), 30),
    ]);
    writing = false;
    await delivering;
    assert.deepEqual(await one.outbox.due(), []);
    assert.equal(new Set(heard.map((event) => event.id)).size, heard.length);
    for (const [userId, count] of [
      [USER, 80],
      [id(5), 60],
    ] as const) {
      const versions = heard.filter((event) => event.user?.id === userId).map((event) => event.user?.version);
      // The version goes up with every change: as many as changes, and in their order.
      assert.deepEqual(
        versions,
        Array.from({ length: count }, (_, index) => index + 2),
      );
    }
  },

  "50 events of an application at once, which nothing holds, are each told once": async (place) => {
    const { one, two } = await listening(place);
    const heard: UserEvent[] = [];
    await times(50, async (index) => {
      const store = index % 2 === 0 ? one : two;
      await store.refreshTokens.revoke({ applicationId: APPLICATION }, "api", null);
      for (const delivery of await store.outbox.claim(HOOK, 1, LEASE)) {
        heard.push(delivery.event);
        await store.outbox.finish(delivery);
      }
    });
    heard.push(...(await drained(one, HOOK)));
    assert.equal(heard.length, 50);
    assert.equal(new Set(heard.map((event) => event.id)).size, 50);
    assert.deepEqual(await two.outbox.due(), []);
  },

  "two events of a lane that end at once leave none behind that waits for them": async (place) => {
    const { one, two } = await listening(place);
    const revoke = (store: Store): Promise<number> =>
      store.refreshTokens.revoke({ applicationId: APPLICATION }, "api", null);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([revoke(one), revoke(two)]);
      await revoke(one);
      for (let told = 0; told < 3; ) {
        const claimed = await two.outbox.claim(HOOK, 10, LEASE);
        assert.notEqual(claimed.length, 0, "none is stuck");
        told += claimed.length;
        await Promise.all(claimed.map((each, index) => (index % 2 === 0 ? one : two).outbox.finish(each)));
      }
      assert.deepEqual(await one.outbox.due(), []);
    }
  },

  "a mailbox is not flooded, by however many nodes": async (place) => {
    const { one, two, clock } = await listening(place);
    const change = async (store: Store): Promise<void> => {
      const saved = await store.users.update(found(await store.users.find(USER)), {
        password: password(),
        revoke: false,
      });
      if (saved === "conflict") await change(store);
    };
    await times(10, (index) => change(index % 2 === 0 ? one : two));
    assert.equal((await drained(one, MAIL)).length, 3);
    assert.equal(typesOf(await drained(one, HOOK)).length, 10);
    clock.now += 3_600_000;
    await change(two);
    assert.equal((await drained(one, MAIL)).length, 1);
  },
};

// As it comes out of JSON: without members that are undefined.
function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
