/** Large data: a profile of 64 KiB, ten thousand sign-ins of one user. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import { listed } from "./listing.ts";
import { idle, session, signIn, start, times } from "./records.ts";

/** The cases of large data. */
export function largeCases({ test, handles }: Topic): void {
  test("of a user's profile, 64 KiB of it, are kept whole", async () => {
    const { one: store, two: other } = handles();
    const fullName = "é🗝x".repeat(64 * 128).slice(0, 32 * 1_024);
    const roles = Array.from({ length: 1_024 }, (_, index) => `role-${index}-${"r".repeat(26)}`);
    const user = { id: "user-1", fullName, roles };
    assert.ok(JSON.stringify(user).length >= 64 * 1_024);
    await store.insertSession(session({ user }));
    await store.insertSignIn(signIn({ user }));
    assert.deepEqual(await other.useSession("hash-1", start, idle), session({ user }));
    assert.equal(await other.updateSession(session({ user, presented: true })), true);
    assert.equal(await other.updateSignIn(signIn({ user, version: 1 })), true);
    assert.deepEqual(await store.readSignIn("sign-in-1"), signIn({ user, version: 1 }));
    assert.deepEqual(await store.readSession("hash-1", start), session({ user, presented: true }));
  });

  test("of numbers, versions beyond 2^31 and instants, are exact", async () => {
    const { one: store, two: other } = handles();
    const record = signIn({ version: 2 ** 53 - 3, attempt: 2 ** 31 });
    assert.equal(await store.insertSignIn(record), true);
    const next = { ...record, version: record.version + 1 };
    assert.equal(await other.updateSignIn(next), true);
    assert.equal(await store.updateSignIn(next), false);
    assert.deepEqual(await store.readSignIn(record.id), next);
  });

  test("of one user, ten thousand sign-ins, are listed in portions, each once and in order", async () => {
    const { one: store } = handles();
    const count = 10_000;
    const idOf = (index: number) => `n-${String(index).padStart(5, "0")}`;
    for (let from = 0; from < count; from += 100) {
      await times(100, (index) =>
        store.insertSignIn(
          signIn({ id: idOf(from + index), authenticatedAt: start + Math.floor((from + index) / 3) }),
        ),
      );
    }
    assert.deepEqual(
      await listed(store, 500),
      Array.from({ length: count }, (_, index) => idOf(index)),
    );
  });
}
