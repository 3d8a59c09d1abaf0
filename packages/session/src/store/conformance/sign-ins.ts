/** One sign-in: created once, changed from the version before, ended for good, owed until it is paid. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import type { SignInRecord } from "../store.ts";
import { ended, minute, signIn, start, times, wins } from "./records.ts";

/** The cases of a single sign-in. */
export function signInCases(topic: Topic): void {
  written(topic);
  moved(topic);
  owed(topic);
}

const renewed: SignInRecord = signIn({
  version: 7,
  current: "s2",
  previous: "s1",
  attempt: 2,
  renewedAt: start + minute,
  mintedAt: start + minute + 1,
  mintedFor: "2001:db8:0:1::/64",
  presentedAt: start + minute + 2,
});

const forms: readonly (readonly [string, SignInRecord])[] = [
  ["new", signIn()],
  ["remembered, on a device without an address", signIn({ remembered: true, device: { name: "Safari" } })],
  ["renewed", renewed],
  ["ended, and owed to the provider", ended(renewed, "reuse-detected", true)],
  ["ended", ended(signIn())],
];

function written({ test, handles }: Topic): void {
  test("that is absent is null, and is not created by an update", async () => {
    const { one: store } = handles();
    assert.equal(await store.readSignIn("nobody's"), null);
    assert.equal(await store.updateSignIn(signIn({ version: 1 })), false);
    assert.equal(await store.updateSignIn(signIn({ version: 0 })), false);
    assert.equal(await store.readSignIn("sign-in-1"), null);
  });

  for (const [name, record] of forms) {
    test(`that is ${name} is read as it was inserted`, async () => {
      const { one: store } = handles();
      assert.equal(await store.insertSignIn(record), true);
      assert.deepEqual(await store.readSignIn(record.id), record);
    });

    test(`that is ${name} is read as it was updated`, async () => {
      const { one: store } = handles();
      await store.insertSignIn({ ...signIn(), version: record.version });
      const next = { ...record, version: record.version + 1 };
      assert.equal(await store.updateSignIn(next), true);
      assert.deepEqual(await store.readSignIn(record.id), next);
    });
  }

  test("is created by exactly one of 50 at once, and a second one changes nothing", async () => {
    const { one: store } = handles();
    const made = await times(50, (index) => store.insertSignIn(signIn({ current: `s${index}` })));
    assert.equal(wins(made), 1);
    const winner = `s${made.indexOf(true)}`;
    assert.equal((await store.readSignIn("sign-in-1"))?.current, winner);
    assert.equal(await store.insertSignIn(signIn({ current: "late" })), false);
    assert.equal((await store.readSignIn("sign-in-1"))?.current, winner);
  });
}

function moved({ test, handles }: Topic): void {
  test("is changed only from the version before", async () => {
    const { one: store } = handles();
    await store.insertSignIn(signIn({ version: 3 }));
    for (const version of [0, 2, 3, 5])
      assert.equal(await store.updateSignIn(signIn({ version, current: "wrong" })), false);
    assert.equal(await store.updateSignIn(signIn({ version: 4, current: "s1" })), true);
    assert.deepEqual(await store.readSignIn("sign-in-1"), signIn({ version: 4, current: "s1" }));
  });

  test("is moved by exactly one of 50 at once, for each version", async () => {
    const { one: store } = handles();
    await store.insertSignIn(signIn());
    for (let version = 1; version <= 5; version++) {
      const results = await times(50, (index) =>
        store.updateSignIn(signIn({ version, current: `v${version}-${index}` })),
      );
      assert.equal(wins(results), 1);
      const winner = `v${version}-${results.indexOf(true)}`;
      assert.equal((await store.readSignIn("sign-in-1"))?.current, winner);
    }
  });

  test("that ended can't be written back by a slower request that saw it alive", async () => {
    const { one: store } = handles();
    await store.insertSignIn(signIn());
    await store.updateSignIn(ended(signIn()));
    assert.equal(await store.updateSignIn(signIn({ version: 1, current: "s1" })), false);
    assert.deepEqual(await store.readSignIn("sign-in-1"), ended(signIn()));
  });
}

function owed({ test, handles }: Topic): void {
  test("owes its revocation until that is paid, and is listed up to the limit asked for", async () => {
    const { one: store } = handles();
    for (const id of ["a", "b", "c"]) {
      await store.insertSignIn(signIn({ id }));
      await store.updateSignIn(ended(signIn({ id }), "signed-out", true));
    }
    await store.insertSignIn(signIn({ id: "alive" }));
    await store.insertSignIn(ended(signIn({ id: "owes nothing" })));
    assert.equal((await store.signInsOwingRevocation(2)).length, 2);
    const [first] = await store.signInsOwingRevocation(100);
    assert.ok(first);
    assert.deepEqual(first, ended(signIn({ id: first.id }), "signed-out", true));
    await store.updateSignIn({ ...first, version: first.version + 1, revocationOwed: false });
    const owing = (await store.signInsOwingRevocation(100)).map(({ id }) => id).toSorted();
    assert.deepEqual(
      owing,
      ["a", "b", "c"].filter((id) => id !== first.id),
    );
  });

  test("that was ended when it was inserted owes its revocation like any other", async () => {
    const { one: store } = handles();
    const inserted = ended(signIn(), "signed-out", true);
    await store.insertSignIn(inserted);
    assert.deepEqual(await store.signInsOwingRevocation(1), [inserted]);
  });
}
