// What every session store must do (src/store/store.ts), as one suite that each store has to pass whole.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ended, paid, renewed } from "../src/judgement.ts";
import type { SessionStore, SignInRecord } from "../src/store/store.ts";
import { hour, minute, sessionRecord, signInRecord, start } from "./records.ts";

/** A store that is new for each test; `close` is the test's own business only where it says so. */
export interface StoreUnderTest {
  readonly store: SessionStore;
  dispose(): Promise<void>;
}

const idle = 30 * minute;
const times = <Result>(count: number, each: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => each(index)));
const wins = (results: readonly boolean[]) => results.filter(Boolean).length;

/** Runs the contract against stores that `open` makes. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  let opened: StoreUnderTest;
  let store: SessionStore;
  beforeEach(async () => {
    opened = await open();
    store = opened.store;
  });
  afterEach(() => opened.dispose());

  describe(`${name}: a session`, () => {
    test("that is absent is null, and deleting it is no error", async () => {
      expect(await store.useSession("nobody's", start, idle)).toBeNull();
      await store.deleteSession("nobody's");
    });

    test("is found as it was made, with its next idle limit", async () => {
      const session = sessionRecord({ user: { id: "u", fullName: "Ünïcode 🗝", roles: ["a", "b"] } });
      expect(await store.insertSession(session)).toBe(true);
      expect(await store.useSession(session.hash, start + minute, idle)).toEqual({
        ...session,
        expiresAt: start + minute + idle,
      });
    });

    test("is there until the instant it expires, swept or not", async () => {
      await store.insertSession(sessionRecord({ expiresAt: start + idle }));
      await store.insertSession(sessionRecord({ hash: "other", expiresAt: start + idle }));
      expect(await store.useSession("other", start + idle, idle)).toBeNull();
      expect(await store.useSession("hash-1", start + idle - 1, idle)).not.toBeNull();
    });

    test("is not used by being looked at: looking shows the limit as it stands, and extends nothing", async () => {
      await store.insertSession(sessionRecord());
      await store.useSession("hash-1", start + minute, idle);
      const looked = await store.readSession("hash-1", start + 20 * minute);
      expect(looked).toEqual(sessionRecord({ expiresAt: start + minute + idle }));
      expect(await store.readSession("hash-1", start + minute + idle - 1)).not.toBeNull();
      expect(await store.readSession("hash-1", start + minute + idle)).toBeNull();
      expect(await store.useSession("hash-1", start + minute + idle, idle)).toBeNull();
      expect(await store.readSession("nobody's", start)).toBeNull();
    });

    test("is extended by each use, and by nothing else", async () => {
      await store.insertSession(sessionRecord());
      for (let used = 1; used <= 5; used++) {
        const now = start + used * (idle - 1);
        expect((await store.useSession("hash-1", now, idle))?.expiresAt).toBe(now + idle);
      }
      const last = start + 5 * (idle - 1);
      expect(await store.useSession("hash-1", last + idle, idle)).toBeNull();
    });

    test("is never extended past its absolute limit", async () => {
      const limit = start + hour;
      await store.insertSession(sessionRecord({ absoluteExpiresAt: limit }));
      expect((await store.useSession("hash-1", start + 29 * minute, idle))?.expiresAt).toBe(
        start + 59 * minute,
      );
      expect((await store.useSession("hash-1", start + 58 * minute, idle))?.expiresAt).toBe(limit);
      expect(await store.useSession("hash-1", limit - 1, idle)).not.toBeNull();
      expect(await store.useSession("hash-1", limit, idle)).toBeNull();
    });

    test("is created once: a second one of its hash changes nothing", async () => {
      await store.insertSession(sessionRecord());
      const second = sessionRecord({ signInId: "another", user: { id: "another", roles: [] } });
      expect(await store.insertSession(second)).toBe(false);
      expect(await store.useSession("hash-1", start, idle)).toMatchObject({
        signInId: "sign-in-1",
        user: { id: "user-1" },
      });
    });

    test("that was used late still stands against a second one of its hash", async () => {
      await store.insertSession(sessionRecord());
      await store.useSession("hash-1", start + 29 * minute, idle);
      expect(await store.insertSession(sessionRecord({ vouchedAt: start + 58 * minute }))).toBe(false);
    });

    test("that has expired makes way for a new one of its hash, and leaves nothing behind", async () => {
      await store.insertSession(sessionRecord());
      const later = start + idle;
      const second = sessionRecord({
        signInId: "sign-in-2",
        user: { id: "user-2", roles: [] },
        authenticatedAt: later,
        vouchedAt: later,
        expiresAt: later + idle,
        absoluteExpiresAt: later + hour,
        presented: true,
      });
      expect(await store.insertSession(second)).toBe(true);
      expect(await store.useSession("hash-1", later, idle)).toEqual(second);
    });

    test("is created by exactly one of 50 at once", async () => {
      const created = await times(50, (index) =>
        store.insertSession(sessionRecord({ signInId: `sign-in-${index}` })),
      );
      expect(wins(created)).toBe(1);
      const winner = created.indexOf(true);
      expect((await store.useSession("hash-1", start, idle))?.signInId).toBe(`sign-in-${winner}`);
    });

    test("is replaced by an update whole, where it is there", async () => {
      await store.insertSession(sessionRecord());
      const changed = sessionRecord({
        user: { id: "user-1", roles: ["admin"] },
        vouchedAt: start + 1,
        presented: true,
      });
      expect(await store.updateSession(changed)).toBe(true);
      expect(await store.useSession("hash-1", start, idle)).toEqual(changed);
    });

    test("that was called in question stays so through an update, and is questioned later, never earlier", async () => {
      await store.insertSession(sessionRecord());
      const seenBefore = await store.useSession("hash-1", start, idle);
      await store.questionSession("hash-1", start + 5);
      await store.questionSession("hash-1", start + 3);
      await store.updateSession({ ...(seenBefore ?? sessionRecord()), presented: true });
      expect(await store.useSession("hash-1", start, idle)).toEqual(
        sessionRecord({ presented: true, questionedAt: start + 5 }),
      );
    });

    test("that is absent is not created by a question", async () => {
      await store.questionSession("nobody's", start);
      expect(await store.useSession("nobody's", start, idle)).toBeNull();
    });

    test("is never created by an update (D8)", async () => {
      expect(await store.updateSession(sessionRecord())).toBe(false);
      expect(await store.useSession("hash-1", start, idle)).toBeNull();
    });

    test("that was deleted is gone for good: neither use nor update nor a waiting extension revives it", async () => {
      await store.insertSession(sessionRecord());
      const session = await store.useSession("hash-1", start + minute, idle);
      await store.deleteSession("hash-1");
      expect(await store.useSession("hash-1", start + minute, idle)).toBeNull();
      expect(await store.updateSession(session ?? sessionRecord())).toBe(false);
      await store.sweep(start);
      expect(await store.useSession("hash-1", start + minute, idle)).toBeNull();
    });

    test("that is deleted among 50 uses at once is gone afterwards", async () => {
      await store.insertSession(sessionRecord());
      await times(50, async (index) => {
        if (index === 25) await store.deleteSession("hash-1");
        else await store.useSession("hash-1", start + index, idle);
      });
      expect(await store.useSession("hash-1", start + minute, idle)).toBeNull();
    });
  });

  describe(`${name}: a sign-in`, () => {
    test("that is absent is null, and is not created by an update", async () => {
      expect(await store.readSignIn("nobody's")).toBeNull();
      expect(await store.updateSignIn(signInRecord({ version: 1 }))).toBe(false);
      expect(await store.readSignIn("sign-in-1")).toBeNull();
    });

    test.each([
      ["new", signInRecord()],
      [
        "remembered, on a device without an address",
        signInRecord({ remembered: true, device: { name: "Safari" } }),
      ],
      ["renewed", renewed(signInRecord({ presentedAt: start }), "s1", start + minute, "2001:db8:0:1::/64")],
      ["ended", ended(signInRecord(), "reuse-detected", true, start + minute)],
    ])("that is %s is read as it was written", async (_, signIn) => {
      expect(await store.insertSignIn(signIn)).toBe(true);
      expect(await store.readSignIn(signIn.id)).toEqual(signIn);
    });

    test("is created by exactly one of 50 at once, and a second one changes nothing", async () => {
      const created = await times(50, (index) => store.insertSignIn(signInRecord({ current: `s${index}` })));
      expect(wins(created)).toBe(1);
      expect((await store.readSignIn("sign-in-1"))?.current).toBe(`s${created.indexOf(true)}`);
    });

    test("is changed only from the version before", async () => {
      await store.insertSignIn(signInRecord({ version: 3 }));
      for (const version of [0, 2, 3, 5]) {
        expect(await store.updateSignIn(signInRecord({ version, current: "wrong" }))).toBe(false);
      }
      expect(await store.updateSignIn(signInRecord({ version: 4, current: "s1" }))).toBe(true);
      expect(await store.readSignIn("sign-in-1")).toMatchObject({ version: 4, current: "s1" });
    });

    test("is moved by exactly one of 50 at once, for each version", async () => {
      await store.insertSignIn(signInRecord());
      for (let version = 1; version <= 5; version++) {
        const moved = await times(50, (index) =>
          store.updateSignIn(signInRecord({ version, current: `v${version}-${index}` })),
        );
        expect(wins(moved)).toBe(1);
        expect((await store.readSignIn("sign-in-1"))?.current).toBe(`v${version}-${moved.indexOf(true)}`);
      }
    });

    test("that ended can't be written back by a slower request that saw it alive", async () => {
      const signIn = signInRecord();
      await store.insertSignIn(signIn);
      await store.updateSignIn(ended(signIn, "signed-out", true, start));
      expect(await store.updateSignIn(renewed(signIn, "s1", start, null))).toBe(false);
      expect((await store.readSignIn("sign-in-1"))?.ended).not.toBeNull();
    });

    test("is listed for its user alone, newest first, ended ones included", async () => {
      for (const [id, at] of [
        ["b", 2],
        ["c", 3],
        ["a", 1],
      ] as const) {
        await store.insertSignIn(signInRecord({ id, authenticatedAt: start + at }));
      }
      await store.insertSignIn(signInRecord({ id: "other", user: { id: "user-2", roles: [] } }));
      await store.updateSignIn(
        ended(signInRecord({ id: "c", authenticatedAt: start + 3 }), "signed-out", false, start),
      );
      const listed = await store.signInsOfUser("user-1");
      expect(listed.map(({ id }) => id)).toEqual(["c", "b", "a"]);
      expect(listed[0]?.ended?.reason).toBe("signed-out");
      expect(await store.signInsOfUser("nobody")).toEqual([]);
    });

    test("is listed in portions while it lives, oldest first, for its application and for its user there", async () => {
      const places = [
        ["d", 2],
        ["b", 1],
        ["a", 2],
        ["c", 2],
        ["ended", 1],
      ] as const;
      for (const [id, at] of places)
        await store.insertSignIn(signInRecord({ id, authenticatedAt: start + at }));
      await store.insertSignIn(signInRecord({ id: "theirs", user: { id: "user-2", roles: [] } }));
      await store.insertSignIn(signInRecord({ id: "forum's", application: "forum" }));
      const last = signInRecord({ id: "ended", authenticatedAt: start + 1 });
      await store.updateSignIn(ended(last, "signed-out", false, start));

      const ids = async (userId: string | null, after: SignInRecord | null, limit: number) =>
        (await store.liveSignIns({ application: "store", userId, after, limit })).map(({ id }) => id);
      expect(await ids("user-1", null, 100)).toEqual(["b", "a", "c", "d"]);
      expect(await ids(null, null, 100)).toEqual(["theirs", "b", "a", "c", "d"]);
      expect(await ids(null, null, 2)).toEqual(["theirs", "b"]);
      const a = signInRecord({ id: "a", authenticatedAt: start + 2 });
      expect(await ids("user-1", a, 1)).toEqual(["c"]);
      expect(await ids(null, a, 100)).toEqual(["c", "d"]);
      expect(await ids("nobody", null, 100)).toEqual([]);
    });

    test("owes its revocation until that is paid, and is listed up to the limit asked for", async () => {
      for (const id of ["a", "b", "c"]) {
        await store.insertSignIn(signInRecord({ id }));
        await store.updateSignIn(ended(signInRecord({ id }), "signed-out", true, start));
      }
      await store.insertSignIn(signInRecord({ id: "alive" }));
      expect(await store.signInsOwingRevocation(2)).toHaveLength(2);
      const [first] = await store.signInsOwingRevocation(100);
      if (first !== undefined) await store.updateSignIn(paid(first));
      const owing = await store.signInsOwingRevocation(100);
      expect(owing.map(({ id }) => id).toSorted()).toEqual(["a", "b", "c"].filter((id) => id !== first?.id));
    });
  });

  describe(`${name}: sweeping`, () => {
    test("forgets what is over at that instant, and nothing else", async () => {
      await store.insertSession(sessionRecord({ hash: "over", expiresAt: start + 1 }));
      await store.insertSession(sessionRecord({ hash: "live", expiresAt: start + 2 }));
      await store.insertSignIn(signInRecord({ id: "over", absoluteExpiresAt: start + 1 }));
      await store.insertSignIn(signInRecord({ id: "live", absoluteExpiresAt: start + 2 }));
      await store.sweep(start + 1);
      expect(await store.useSession("over", start, idle)).toBeNull();
      expect(await store.useSession("live", start + 1, idle)).not.toBeNull();
      expect(await store.readSignIn("over")).toBeNull();
      expect(await store.readSignIn("live")).not.toBeNull();
    });

    test("keeps the tombstone of an ended sign-in until its absolute limit (D2)", async () => {
      const signIn = signInRecord();
      await store.insertSignIn(ended(signIn, "signed-out", false, start));
      await store.sweep(signIn.absoluteExpiresAt - 1);
      expect((await store.readSignIn("sign-in-1"))?.ended).not.toBeNull();
    });

    test("keeps a session that was used since", async () => {
      await store.insertSession(sessionRecord());
      await store.useSession("hash-1", start + 29 * minute, idle);
      await store.sweep(start + 40 * minute);
      expect(await store.useSession("hash-1", start + 40 * minute, idle)).not.toBeNull();
    });

    test("gets through any number of them in the end", async () => {
      await times(2_500, (index) =>
        store.insertSession(sessionRecord({ hash: `over-${index}`, expiresAt: start + 1 })),
      );
      await store.insertSession(sessionRecord({ hash: "live" }));
      for (let round = 0; round < 5; round++) await store.sweep(start + 1);
      for (const index of [0, 1_249, 2_499]) {
        expect(await store.useSession(`over-${index}`, start, idle)).toBeNull();
      }
      expect(await store.useSession("live", start, idle)).not.toBeNull();
    });
  });
}
