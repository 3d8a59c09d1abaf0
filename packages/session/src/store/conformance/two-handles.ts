/** Two nodes on the same data: what one has written the other sees, at once or, for extensions, within the stated bound. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import type { SessionStore } from "../store.ts";
import { ended, idle, minute, session, signIn, start, times, until, wins } from "./records.ts";

/** Waits until the other handle sees that limit: the bound on extensions that are written late, generously. */
async function sees(store: SessionStore, hash: string, expiresAt: number): Promise<void> {
  await until(async () => (await store.readSession(hash, start))?.expiresAt === expiresAt, 2_000);
}

/** Waits until what this handle has extended so far is written: a later extension has reached the other. */
async function extensionsAreWritten({ one, two }: { one: SessionStore; two: SessionStore }): Promise<void> {
  await one.insertSession(session({ hash: "later" }));
  await one.useSession("later", start + minute, idle);
  await sees(two, "later", start + minute + idle);
}

/** The cases of two nodes. */
export function twoHandleCases(topic: Topic): void {
  seen(topic);
  once(topic);
  extending(topic);
  closing(topic);
}

function seen({ test, handles }: Topic): void {
  test("see each other's sessions, changes, questions and endings at once", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.insertSignIn(signIn());
    assert.deepEqual(await two.useSession("hash-1", start, idle), session());
    await two.questionSession("hash-1", start + 1);
    assert.equal((await one.readSession("hash-1", start))?.questionedAt, start + 1);
    assert.equal(await two.updateSession(session({ presented: true })), true);
    assert.equal((await one.useSession("hash-1", start, idle))?.presented, true);
    assert.equal(await two.updateSignIn(signIn({ version: 1, current: "s1" })), true);
    assert.equal((await one.readSignIn("sign-in-1"))?.current, "s1");
    await two.deleteSession("hash-1");
    assert.equal(await one.useSession("hash-1", start, idle), null);
    await one.updateSignIn(ended(signIn({ version: 1 })));
    assert.notEqual((await two.readSignIn("sign-in-1"))?.ended, null);
  });
}

function once({ test, handles }: Topic): void {
  const both = (each: (store: SessionStore, index: number) => Promise<boolean>) => {
    const { one, two } = handles();
    return times(50, (index) => each(index % 2 === 0 ? one : two, index));
  };

  test("let exactly one of 50 create a session, a sign-in, and each next version of it", async () => {
    assert.equal(wins(await both((store) => store.insertSession(session()))), 1);
    assert.equal(wins(await both((store) => store.insertSignIn(signIn()))), 1);
    for (let version = 1; version <= 3; version++) {
      const moved = await both((store, index) =>
        store.updateSignIn(signIn({ version, current: `s${index}` })),
      );
      assert.equal(wins(moved), 1);
      const winner = `s${moved.indexOf(true)}`;
      assert.equal((await handles().two.readSignIn("sign-in-1"))?.current, winner);
    }
  });

  test("agree on the highest of 50 questions", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await both(async (store, index) => {
      await store.questionSession("hash-1", start + ((index * 7) % 50));
      return true;
    });
    assert.equal((await two.readSession("hash-1", start))?.questionedAt, start + 49);
  });

  test("end a session among 50 uses and updates for good", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await both(async (store, index) => {
      if (index === 25) await store.deleteSession("hash-1");
      else if (index % 3 === 0) await store.updateSession(session({ vouchedAt: start + index }));
      else await store.useSession("hash-1", start + index, idle);
      return true;
    });
    await extensionsAreWritten({ one, two });
    await extensionsAreWritten({ one: two, two: one });
    for (const store of [one, two])
      assert.equal(await store.useSession("hash-1", start + minute, idle), null);
  });
}

function extending({ test, handles }: Topic): void {
  test("see each other's extensions within the bound on late ones", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.useSession("hash-1", start + 20 * minute, idle);
    await sees(two, "hash-1", start + 20 * minute + idle);
    assert.notEqual(await two.useSession("hash-1", start + 49 * minute, idle), null);
  });

  test("never write one's waiting extension over the other's deletion", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.useSession("hash-1", start + minute, idle);
    await two.deleteSession("hash-1");
    assert.equal(await one.useSession("hash-1", start + minute, idle), null);
    await extensionsAreWritten({ one, two });
    assert.equal(await one.useSession("hash-1", start + minute, idle), null);
    assert.equal(await two.readSession("hash-1", start + minute), null);
    assert.equal(await two.updateSession(session()), false);
  });

  test("never write an earlier idle limit over a later one", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await two.useSession("hash-1", start + 20 * minute, idle);
    await sees(one, "hash-1", start + 20 * minute + idle);
    await one.useSession("hash-1", start + minute, idle);
    await extensionsAreWritten({ one, two });
    for (const store of [one, two])
      assert.equal((await store.readSession("hash-1", start))?.expiresAt, start + 20 * minute + idle);
  });

  test("never carry an extension past the absolute limit of a session that took the place of the one it was for", async () => {
    const { one, two } = handles();
    const limit = start + 10 * minute;
    await one.insertSession(session());
    await one.useSession("hash-1", start + minute, idle);
    await two.deleteSession("hash-1");
    assert.equal(await two.insertSession(session({ expiresAt: limit, absoluteExpiresAt: limit })), true);
    await extensionsAreWritten({ one, two });
    for (const store of [one, two]) {
      assert.equal((await store.useSession("hash-1", start + 2 * minute, idle))?.expiresAt, limit);
      assert.equal(await store.useSession("hash-1", limit, idle), null);
    }
  });

  test("sweep nothing that the other has extended", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.useSession("hash-1", start + 29 * minute, idle);
    await sees(two, "hash-1", start + 29 * minute + idle);
    await two.sweep(start + 40 * minute);
    assert.notEqual(await one.useSession("hash-1", start + 40 * minute, idle), null);
  });
}

function closing({ test, handles, harness }: Topic): void {
  test("lose no extension when one of them closes", async () => {
    const { one, two } = handles();
    await one.insertSession(session());
    await one.useSession("hash-1", start + 20 * minute, idle);
    // A store that knows no second handle has nobody left to tell.
    if (one !== two) await one.close();
    const expected = session({ expiresAt: start + 20 * minute + idle });
    assert.deepEqual(await two.readSession("hash-1", start), expected);
  });

  test("answer nothing once they are closed: every call rejects, and closing again is no error", async () => {
    const store = await harness.open();
    await store.insertSession(session());
    await store.close();
    const calls = [
      store.insertSession(session({ hash: "hash-2" })),
      store.useSession("hash-1", start, idle),
      store.readSession("hash-1", start),
      store.updateSession(session()),
      store.questionSession("hash-1", start),
      store.deleteSession("hash-1"),
      store.insertSignIn(signIn()),
      store.readSignIn("sign-in-1"),
      store.updateSignIn(signIn({ version: 1 })),
      store.liveSignIns({ application: "store", userId: null, after: null, limit: 1 }),
      store.signInsOwingRevocation(1),
      store.sweep(start),
    ];
    const outcomes = await Promise.allSettled(calls);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      calls.map(() => "rejected"),
    );
    await store.close();
  });
}
