/** Records nobody expects: broken ones, ones of an earlier release, ids made of what stores use to build keys and queries. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import { ended, idle, minute, session, signIn, start } from "./records.ts";

const oddities = [
  "'; DROP TABLE sessions; --",
  '"quoted"',
  "back\\slash",
  "colon:colon::",
  "{braces}{}",
  "pipe|pipe",
  "star*?[a-z]",
  "line\nbreak\r\n\ttab",
  "%percent_underscore",
  "ünïcode 🗝 漢字 e\u0301",
  " ",
  "__proto__",
  "constructor",
  "$1 ${x} :name @p",
];

/** The cases of odd records. */
export function oddCases(topic: Topic): void {
  malformed(topic);
  earlier(topic);
  named(topic);
}

function malformed({ test, handles, harness }: Topic): void {
  test("that are malformed count as absent, and spoil nothing for the others", async () => {
    const { one: store } = handles();
    await harness.plantMalformed("broken");
    await store.insertSession(session());
    await store.insertSignIn(signIn());
    await store.insertSignIn(ended(signIn({ id: "owing" }), "signed-out", true));
    assert.equal(await store.useSession("broken", start, idle), null);
    assert.equal(await store.readSession("broken", start), null);
    assert.equal(await store.readSignIn("broken"), null);
    // A portion that is short means that it was the last.
    const of = { application: "store", after: null, limit: 1 };
    assert.deepEqual(await store.liveSignIns({ ...of, userId: "user-1" }), [signIn()]);
    assert.deepEqual(await store.liveSignIns({ ...of, userId: null }), [signIn()]);
    const owing = await store.signInsOwingRevocation(1);
    assert.deepEqual(
      owing.map(({ id }) => id),
      ["owing"],
    );
    await store.sweep(start);
    assert.deepEqual(await store.useSession("hash-1", start, idle), session());
  });

  test("that are malformed can be deleted, and then made anew", async () => {
    const { one: store } = handles();
    await harness.plantMalformed("broken");
    await store.deleteSession("broken");
    const made = session({ hash: "broken" });
    assert.equal(await store.insertSession(made), true);
    assert.deepEqual(await store.readSession("broken", start), made);
  });
}

function earlier({ test, harness }: Topic): void {
  const { plantEarlier } = harness;
  if (plantEarlier === null) return;
  test("of an earlier release go on: never questioned, of no application, minted for nobody", async () => {
    const { questionedAt: _, ...earlierSession } = session();
    const { application: __, mintedFor: ___, ...earlierSignIn } = signIn();
    await plantEarlier(earlierSession, earlierSignIn);
    const store = await harness.open();
    try {
      assert.deepEqual(await store.useSession("hash-1", start, idle), session());
      await store.questionSession("hash-1", start);
      assert.equal((await store.readSession("hash-1", start))?.questionedAt, start);
      const known = signIn({ application: "", mintedFor: null });
      assert.deepEqual(await store.readSignIn("sign-in-1"), known);
      const next = { ...known, version: 1, mintedFor: "192.0.2.1" };
      assert.equal(await store.updateSignIn(next), true);
      assert.deepEqual(await store.readSignIn("sign-in-1"), next);
    } finally {
      await store.close();
    }
  });
}

function named({ test, handles }: Topic): void {
  test("that are named by odd characters are kept apart and found again", async () => {
    const { one: store, two: other } = handles();
    for (const odd of oddities) {
      const user = { id: odd, fullName: `${odd}\u0000\ud800`, roles: [odd, ""] };
      assert.equal(await store.insertSession(session({ hash: odd, signInId: odd, user })), true, odd);
      const device = { name: odd, address: odd };
      const record = signIn({ id: odd, application: odd, user, device, current: odd, previous: odd });
      assert.equal(await store.insertSignIn(record), true, odd);
    }
    for (const odd of oddities) {
      const used = await other.useSession(odd, start + minute, idle);
      assert.equal(used?.signInId, odd);
      assert.deepEqual(used.user, { id: odd, fullName: `${odd}\u0000\ud800`, roles: [odd, ""] });
      const listed = await other.liveSignIns({ application: odd, userId: odd, after: null, limit: 10 });
      assert.deepEqual(listed, [await other.readSignIn(odd)]);
      assert.equal(listed[0]?.device.name, odd);
    }
    for (const odd of oddities) {
      await store.deleteSession(odd);
      assert.equal(await other.readSession(odd, start), null);
      const record = await store.readSignIn(odd);
      assert.ok(record);
      assert.equal(await store.updateSignIn(ended(record, "signed-out", true)), true);
    }
    assert.equal((await store.signInsOwingRevocation(100)).length, oddities.length);
  });

  // A user may name any device to be ended: an error would count as an outage, for everybody (CWE-158).
  test("that are asked for by characters no record is named with are absent, which is no error", async () => {
    const { one: store } = handles();
    for (const odd of ["\u0000", "sign-in-1\u0000", "\ud800", "", "x".repeat(10_000)]) {
      assert.equal(await store.readSignIn(odd), null);
      assert.equal(await store.readSession(odd, start), null);
      assert.equal(await store.useSession(odd, start, idle), null);
      const of = { application: "store", userId: odd, after: null, limit: 1 };
      assert.deepEqual(await store.liveSignIns(of), []);
    }
  });
}
