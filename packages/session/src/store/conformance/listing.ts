/** Live sign-ins in portions: whose, in which order, and that none is lost or comes twice while others come and go. */
import assert from "node:assert/strict";
import type { Topic } from "../conformance.ts";
import type { SessionStore, SignInRecord } from "../store.ts";
import { ended, signIn, start, times } from "./records.ts";

/** The live sign-ins of `user-1` in the application `store`, portion by portion; `between` runs after each portion. */
export async function listed(
  store: SessionStore,
  limit: number,
  between: (portion: readonly SignInRecord[]) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const ids: string[] = [];
  let after: SignInRecord | null = null;
  for (;;) {
    const portion: readonly SignInRecord[] = await store.liveSignIns({
      application: "store",
      userId: "user-1",
      after,
      limit,
    });
    ids.push(...portion.map(({ id }) => id));
    if (portion.length < limit) return ids;
    after = portion.at(-1) ?? null;
    await between(portion);
  }
}

/** The cases of listing. */
export function listingCases(topic: Topic): void {
  ordered(topic);
  steady(topic);
}

function ordered({ test, handles }: Topic): void {
  test("gives what lives, oldest first, for an application and for its user there", async () => {
    const { one: store } = handles();
    await fillThePlace(store);
    const ids = async (userId: string | null, after: SignInRecord | null, limit: number) =>
      (await store.liveSignIns({ application: "store", userId, after, limit })).map(({ id }) => id);
    const a = signIn({ id: "a", authenticatedAt: start + 2 });
    assert.deepEqual(await ids("user-1", null, 100), ["b", "a", "c", "d"]);
    assert.deepEqual(await ids(null, null, 100), ["theirs", "b", "a", "c", "d"]);
    assert.deepEqual(await ids(null, null, 2), ["theirs", "b"]);
    assert.deepEqual(await ids("user-1", a, 1), ["c"]);
    assert.deepEqual(await ids(null, a, 100), ["c", "d"]);
    assert.deepEqual(await ids("user-1", { ...a, id: "" }, 100), ["a", "c", "d"]);
    assert.deepEqual(await ids("user-1", { ...a, id: "bb" }, 100), ["c", "d"]);
    assert.deepEqual(await ids("nobody", null, 100), []);
  });

  test("gives whole records, as they are now", async () => {
    const { one: store } = handles();
    await store.insertSignIn(signIn());
    const next = signIn({ version: 1, current: "s1", previous: "s0", mintedFor: "192.0.2.1" });
    await store.updateSignIn(next);
    assert.deepEqual(
      await store.liveSignIns({ application: "store", userId: "user-1", after: null, limit: 1 }),
      [next],
    );
  });
}

function steady({ test, handles }: Topic): void {
  test("loses none and gives none twice while others come and end, here and on another node", async () => {
    const { one, two } = handles();
    const all = await times(200, async (index) => {
      const record = signIn({ id: `stays-${index}`, authenticatedAt: start + (index % 40) });
      await one.insertSignIn(record);
      return record;
    });
    let round = 0;
    const ending = new Set<string>();
    const ids = await listed(one, 20, async (portion) => {
      round++;
      const last = portion.at(-1);
      const doomed = [last, all[round], all[199 - round]].filter((each) => each !== undefined);
      for (const record of doomed) ending.add(record.id);
      await Promise.all([
        ...doomed.map((record) => two.updateSignIn(ended(record))),
        two.insertSignIn(signIn({ id: `early-${round}`, authenticatedAt: start - round })),
        one.insertSignIn(signIn({ id: `late-${round}`, authenticatedAt: start + 1_000 + round })),
      ]);
    });
    assert.equal(new Set(ids).size, ids.length);
    const lost = all.filter(({ id }) => !ending.has(id) && !ids.includes(id));
    assert.deepEqual(lost, []);
    for (let late = 1; late <= round; late++) assert.ok(ids.includes(`late-${late}`));
  });

  test("forgets no entry of its index while 50 sign-ins of a user come and end at once", async () => {
    const { one, two } = handles();
    await times(50, async (index) => {
      const record = signIn({ id: `n-${index}`, authenticatedAt: start + index });
      await (index % 2 === 0 ? one : two).insertSignIn(record);
      if (index % 5 === 0) await (index % 2 === 0 ? two : one).updateSignIn(ended(record));
      else await two.updateSignIn({ ...record, version: 1, current: "s1" });
    });
    const expected = Array.from({ length: 50 }, (_, index) => index).filter((index) => index % 5 !== 0);
    for (const store of [one, two]) {
      assert.deepEqual(
        await listed(store, 7),
        expected.map((index) => `n-${index}`),
      );
    }
  });
}

async function fillThePlace(store: SessionStore): Promise<void> {
  const places = [
    ["d", 2],
    ["b", 1],
    ["a", 2],
    ["c", 2],
    ["ended", 1],
  ] as const;
  for (const [id, at] of places) await store.insertSignIn(signIn({ id, authenticatedAt: start + at }));
  await store.insertSignIn(signIn({ id: "theirs", user: { id: "user-2", roles: [] } }));
  await store.insertSignIn(signIn({ id: "forum's", application: "forum" }));
  await store.insertSignIn(ended(signIn({ id: "over", authenticatedAt: start + 1 })));
  await store.updateSignIn(ended(signIn({ id: "ended", authenticatedAt: start + 1 })));
}
