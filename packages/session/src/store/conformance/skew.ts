/** Nodes whose clocks differ: every judgement is by the clock of whoever asks, and none undoes another's. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import type { SessionStore } from "../store.ts";
import { hour, idle, minute, session, start, until } from "./records.ts";

const skews = [5_000, idle] as const;

/** The cases of clocks that differ. */
export function skewCases({ test, handles }: Topic): void {
  const limitSeen = (store: SessionStore, expiresAt: number) =>
    until(async () => (await store.readSession("hash-1", start - hour))?.expiresAt === expiresAt, 2_000);

  for (const skew of skews) {
    const apart = `${skew / 1_000} s apart`;

    test(`never let a session past its absolute limit by the clock that asks (${apart})`, async () => {
      const { one: ahead, two: behind } = handles();
      const limit = start + 2 * hour;
      await behind.insertSession(session({ absoluteExpiresAt: limit, expiresAt: limit }));
      assert.equal(await ahead.useSession("hash-1", limit, idle), null);
      assert.equal((await behind.useSession("hash-1", limit - skew, idle))?.expiresAt, limit);
      assert.equal((await ahead.useSession("hash-1", limit - 1, idle))?.expiresAt, limit);
      for (const store of [ahead, behind]) {
        assert.equal(await store.useSession("hash-1", limit, idle), null);
        assert.equal(await store.readSession("hash-1", limit), null);
        assert.equal(await store.useSession("hash-1", limit + skew, idle), null);
      }
    });

    test(`never revive what is expired for the clock that asks (${apart})`, async () => {
      const { one: ahead, two: behind } = handles();
      await behind.insertSession(session());
      const end = start + idle;
      assert.equal(await ahead.useSession("hash-1", end + skew - 1, idle), null);
      assert.equal((await behind.readSession("hash-1", end - 1))?.expiresAt, end);
      await behind.useSession("hash-1", end - skew, idle);
      await limitSeen(ahead, Math.max(end, end - skew + idle));
      assert.equal(await ahead.useSession("hash-1", end - skew + idle, idle), null);
      assert.equal(await ahead.useSession("hash-1", end + idle, idle), null);
    });

    test(`leave a limit where the clock ahead has put it (${apart})`, async () => {
      const { one: ahead, two: behind } = handles();
      await behind.insertSession(session());
      const now = start + minute;
      const limit = Math.min(now + skew, start + idle - 1) + idle;
      await ahead.useSession("hash-1", limit - idle, idle);
      await limitSeen(behind, limit);
      assert.equal((await behind.useSession("hash-1", now, idle))?.expiresAt, limit);
      assert.notEqual(await ahead.useSession("hash-1", limit - 1, idle), null);
    });
  }

  test("let only what is expired by the new session's own time make way for it", async () => {
    const { one: ahead, two: behind } = handles();
    await behind.insertSession(session());
    const end = start + idle;
    assert.equal(await behind.insertSession(session({ signInId: "second", vouchedAt: end - 5_000 })), false);
    const later = session({ signInId: "second", vouchedAt: end, expiresAt: end + idle });
    assert.equal(await ahead.insertSession(later), true);
    assert.equal((await behind.readSession("hash-1", end - 5_000))?.signInId, "second");
  });
}
