/** One session, one handle: found, extended, replaced, questioned, deleted. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import { hour, idle, minute, session, start, times, wins } from "./records.ts";

/** The cases of a single session. */
export function sessionCases(topic: Topic): void {
  found(topic);
  extended(topic);
  created(topic);
  replaced(topic);
  questioned(topic);
  deleted(topic);
}

function found({ test, handles }: Topic): void {
  test("that is absent is null, and deleting it is no error", async () => {
    const { one: store } = handles();
    assert.equal(await store.useSession("nobody's", start, idle), null);
    assert.equal(await store.readSession("nobody's", start), null);
    await store.deleteSession("nobody's");
  });

  test("is found as it was made, with its next idle limit", async () => {
    const { one: store } = handles();
    const user = {
      id: "u",
      email: "u@example.com",
      fullName: "Ünïcode 🗝",
      imageUrl: "/u.png",
      roles: ["a", "b"],
    };
    const made = session({ user, questionedAt: start - 1, presented: true });
    assert.equal(await store.insertSession(made), true);
    const now = start + minute;
    assert.deepEqual(await store.useSession(made.hash, now, idle), { ...made, expiresAt: now + idle });
  });

  test("is there until the instant it expires, swept or not", async () => {
    const { one: store } = handles();
    for (const hash of ["used", "looked-at", "used-late", "looked-at-late"])
      await store.insertSession(session({ hash }));
    const end = start + idle;
    assert.equal(await store.useSession("used-late", end, idle), null);
    assert.equal(await store.readSession("looked-at-late", end), null);
    assert.notEqual(await store.useSession("used", end - 1, idle), null);
    assert.notEqual(await store.readSession("looked-at", end - 1), null);
  });

  test("is not used by being looked at: looking shows the limit as it stands, and extends nothing", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const limit = start + minute + idle;
    await store.useSession("hash-1", start + minute, idle);
    assert.deepEqual(await store.readSession("hash-1", start + 20 * minute), session({ expiresAt: limit }));
    assert.notEqual(await store.readSession("hash-1", limit - 1), null);
    assert.equal(await store.readSession("hash-1", limit), null);
    assert.equal(await store.useSession("hash-1", limit, idle), null);
  });
}

function extended({ test, handles }: Topic): void {
  test("is extended by each use, and by nothing else", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    for (let used = 1; used <= 5; used++) {
      const now = start + used * (idle - 1);
      assert.equal((await store.useSession("hash-1", now, idle))?.expiresAt, now + idle);
    }
    assert.equal(await store.useSession("hash-1", start + 5 * (idle - 1) + idle, idle), null);
  });

  test("is never extended past its absolute limit", async () => {
    const { one: store } = handles();
    const limit = start + hour;
    await store.insertSession(session({ absoluteExpiresAt: limit }));
    const use = (now: number) => store.useSession("hash-1", now, idle);
    assert.equal((await use(start + 29 * minute))?.expiresAt, start + 59 * minute);
    assert.equal((await use(start + 58 * minute))?.expiresAt, limit);
    assert.equal((await use(limit - 1))?.expiresAt, limit);
    assert.equal(await use(limit), null);
  });

  test("is never shortened by a use", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await store.useSession("hash-1", start + 5 * minute, idle);
    const limit = start + 5 * minute + idle;
    assert.equal((await store.useSession("hash-1", start, idle))?.expiresAt, limit);
    assert.equal((await store.useSession("hash-1", start + 6 * minute, minute))?.expiresAt, limit);
    assert.equal((await store.readSession("hash-1", limit - 1))?.expiresAt, limit);
  });

  test("is extended to the latest of 50 uses at once", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await times(50, (index) => store.useSession("hash-1", start + ((index * 7) % 50), idle));
    assert.equal((await store.readSession("hash-1", start + 50))?.expiresAt, start + 49 + idle);
  });
}

function created({ test, handles }: Topic): void {
  test("is created once: a second one of its hash changes nothing", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const second = session({ signInId: "another", user: { id: "another", roles: [] } });
    assert.equal(await store.insertSession(second), false);
    assert.deepEqual(await store.readSession("hash-1", start), session());
  });

  test("that was used late still stands against a second one of its hash", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await store.useSession("hash-1", start + 29 * minute, idle);
    assert.equal(await store.insertSession(session({ vouchedAt: start + 58 * minute })), false);
  });

  test("that has expired makes way for a new one of its hash, and leaves nothing behind", async () => {
    const { one: store } = handles();
    await store.insertSession(session({ questionedAt: start }));
    const later = start + idle;
    const second = session({
      signInId: "sign-in-2",
      user: { id: "user-2", roles: [] },
      authenticatedAt: later,
      vouchedAt: later,
      expiresAt: later + idle,
      absoluteExpiresAt: later + hour,
      presented: true,
    });
    assert.equal(await store.insertSession(second), true);
    assert.deepEqual(await store.useSession("hash-1", later, idle), second);
  });

  test("is created by exactly one of 50 at once", async () => {
    const { one: store } = handles();
    const made = await times(50, (index) => store.insertSession(session({ signInId: `sign-in-${index}` })));
    assert.equal(wins(made), 1);
    const found = await store.readSession("hash-1", start);
    assert.equal(found?.signInId, `sign-in-${made.indexOf(true)}`);
  });
}

function replaced({ test, handles }: Topic): void {
  test("is replaced by an update whole, where it is there", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const changed = session({
      signInId: "sign-in-2",
      user: { id: "user-1", roles: ["admin"] },
      authenticatedAt: start + 1,
      vouchedAt: start + 2,
      expiresAt: start + 20 * minute,
      absoluteExpiresAt: start + hour,
      presented: true,
    });
    assert.equal(await store.updateSession(changed), true);
    assert.deepEqual(await store.readSession("hash-1", start), changed);
  });

  test("is never created by an update (D8)", async () => {
    const { one: store } = handles();
    assert.equal(await store.updateSession(session()), false);
    assert.equal(await store.useSession("hash-1", start, idle), null);
  });

  test("goes on being extended after an update", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const used = await store.useSession("hash-1", start + minute, idle);
    assert.ok(used);
    await store.updateSession({ ...used, presented: true });
    await store.useSession("hash-1", start + 2 * minute, idle);
    const expected = session({ presented: true, expiresAt: start + 2 * minute + idle });
    assert.deepEqual(await store.readSession("hash-1", start + 3 * minute), expected);
  });
}

function questioned({ test, handles }: Topic): void {
  test("that was called in question stays so through an update, and is questioned later, never earlier", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const seenBefore = await store.useSession("hash-1", start, idle);
    assert.ok(seenBefore);
    await store.questionSession("hash-1", start + 5);
    await store.questionSession("hash-1", start + 3);
    await store.updateSession({ ...seenBefore, presented: true });
    const expected = session({ presented: true, questionedAt: start + 5 });
    assert.deepEqual(await store.useSession("hash-1", start, idle), expected);
  });

  test("is questioned as late as the latest of 50 questions at once, whatever is written beside them", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await times(100, async (index) => {
      if (index % 2 === 0) await store.questionSession("hash-1", start + ((index * 7) % 100));
      else await store.updateSession(session({ vouchedAt: start + index }));
    });
    assert.equal((await store.readSession("hash-1", start))?.questionedAt, start + 98);
  });

  test("that is absent is not created by a question", async () => {
    const { one: store } = handles();
    await store.questionSession("nobody's", start);
    assert.equal(await store.useSession("nobody's", start, idle), null);
    assert.equal(await store.insertSession(session({ hash: "nobody's" })), true);
    assert.equal((await store.readSession("nobody's", start))?.questionedAt, 0);
  });
}

function deleted({ test, handles }: Topic): void {
  test("that was deleted is gone for good: neither use nor update nor question nor a waiting extension revives it", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    const used = await store.useSession("hash-1", start + minute, idle);
    await store.deleteSession("hash-1");
    assert.equal(await store.useSession("hash-1", start + minute, idle), null);
    assert.equal(await store.updateSession(used ?? session()), false);
    await store.questionSession("hash-1", start + minute);
    await store.sweep(start);
    assert.equal(await store.readSession("hash-1", start + minute), null);
  });

  test("that is deleted among 50 uses at once is gone afterwards", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await times(50, async (index) => {
      if (index === 25) await store.deleteSession("hash-1");
      else await store.useSession("hash-1", start + index, idle);
    });
    await store.sweep(start);
    assert.equal(await store.useSession("hash-1", start + minute, idle), null);
  });

  test("that is deleted among 50 updates at once is gone afterwards (D8)", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await times(50, async (index) => {
      if (index === 25) await store.deleteSession("hash-1");
      else await store.updateSession(session({ vouchedAt: start + index }));
    });
    assert.equal(await store.readSession("hash-1", start), null);
    assert.equal(await store.updateSession(session()), false);
  });
}
