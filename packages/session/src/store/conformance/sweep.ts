/** Sweeping: what is over goes, a portion a call; what is live, or still needed as a tombstone, stays. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import { ended, idle, minute, session, signIn, start, times } from "./records.ts";

/** The cases of sweeping. */
export function sweepCases({ test, handles }: Topic): void {
  test("forgets what is over at that instant, and nothing else", async () => {
    const { one: store } = handles();
    await store.insertSession(session({ hash: "over", expiresAt: start + 1 }));
    await store.insertSession(session({ hash: "live", expiresAt: start + 2 }));
    await store.insertSignIn(signIn({ id: "over", absoluteExpiresAt: start + 1 }));
    await store.insertSignIn(signIn({ id: "live", absoluteExpiresAt: start + 2 }));
    await store.sweep(start + 1);
    assert.equal(await store.useSession("over", start + 1, idle), null);
    assert.notEqual(await store.useSession("live", start + 1, idle), null);
    assert.equal(await store.readSignIn("over"), null);
    assert.notEqual(await store.readSignIn("live"), null);
    const live = await store.liveSignIns({ application: "store", userId: "user-1", after: null, limit: 10 });
    assert.deepEqual(
      live.map(({ id }) => id),
      ["live"],
    );
  });

  test("forgets what a sign-in that is over owed", async () => {
    const { one: store } = handles();
    await store.insertSignIn(ended(signIn({ absoluteExpiresAt: start + 1 }), "signed-out", true));
    await store.sweep(start + 1);
    assert.deepEqual(await store.signInsOwingRevocation(10), []);
  });

  test("keeps the tombstone of an ended sign-in until its absolute limit (D2)", async () => {
    const { one: store } = handles();
    const tombstone = ended(signIn());
    await store.insertSignIn(tombstone);
    await store.sweep(tombstone.absoluteExpiresAt - 1);
    assert.deepEqual(await store.readSignIn("sign-in-1"), tombstone);
  });

  test("keeps a session that was used since", async () => {
    const { one: store } = handles();
    await store.insertSession(session());
    await store.useSession("hash-1", start + 29 * minute, idle);
    await store.sweep(start + 40 * minute);
    assert.notEqual(await store.useSession("hash-1", start + 40 * minute, idle), null);
  });

  test("gets through any number of them in the end, on two nodes side by side", async () => {
    const { one, two } = handles();
    for (let from = 0; from < 2_500; from += 100) {
      await times(100, (index) =>
        one.insertSession(session({ hash: `over-${from + index}`, expiresAt: start + 1 })),
      );
    }
    await one.insertSession(session({ hash: "live" }));
    for (let round = 0; round < 3; round++) await Promise.all([one.sweep(start + 1), two.sweep(start + 1)]);
    for (const index of [0, 1_249, 2_499]) {
      assert.equal(await one.useSession(`over-${index}`, start + 1, idle), null);
      assert.equal(await one.insertSession(session({ hash: `over-${index}`, vouchedAt: start + 1 })), true);
    }
    assert.notEqual(await two.useSession("live", start + 1, idle), null);
  });
}
