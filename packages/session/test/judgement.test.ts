// The state machine of renewal (D7): every row of its table, and what no sequence of events may bring about.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arrivalThatCounts,
  concurrencyWindow,
  ended,
  type Judgement,
  judge,
  longestUpload,
  mostAttempts,
  paid,
  presented,
  renewed,
  replaced,
  restarted,
} from "../src/judgement.ts";
import type { SignInRecord } from "../src/store/store.ts";
import { day, hour, minute, signInRecord, start } from "./records.ts";

interface Question {
  session: string;
  now?: number;
  arrivedAt?: number;
  replacedAttempt?: boolean;
  address?: string | null;
}

const window = concurrencyWindow;
const home = "192.0.2.1";
const elsewhere = "203.0.113.9";

function judged(
  signIn: SignInRecord,
  { session, now = start, arrivedAt = now, replacedAttempt = false, address = home }: Question,
): Judgement {
  const limits = { signInIdle: hour, revalidateAfter: 10 * minute };
  return judge(signIn, { session, replacedAttempt, address, now, arrivedAt, ...limits });
}

/** Renewed at `start` from "s0" to "s1". */
const afterRenewal = renewed(signInRecord({ mintedAt: start - 10 * minute }), "s1", start, home);
const afterPresenting = presented(afterRenewal, start + minute);

describe("a presented pair", () => {
  test("of a sign-in that has ended is ended, whichever session it shows", () => {
    const tombstone = ended(afterRenewal, "signed-out", true, start);
    for (const session of ["s0", "s1", "unknown"]) expect(judged(tombstone, { session })).toBe("ended");
  });

  test("past the absolute limit is expired, to the millisecond", () => {
    const signIn = signInRecord({ renewedAt: start + day - minute });
    expect(judged(signIn, { session: "s0", now: start + day - 1 })).toBe("due");
    expect(judged(signIn, { session: "s0", now: start + day })).toBe("expired");
  });

  test("of a sign-in without a renewal for too long is expired, to the millisecond", () => {
    expect(judged(signInRecord(), { session: "s0", now: start + hour - 1 })).toBe("due");
    expect(judged(signInRecord(), { session: "s0", now: start + hour })).toBe("expired");
  });

  test("that shows the current session is a renewal that is due", () => {
    expect(judged(afterRenewal, { session: "s1" })).toBe("due");
    expect(judged(afterPresenting, { session: "s1", now: start + 10 * minute })).toBe("due");
  });

  test("that shows the previous one, while the current was never presented and is ≤ 30 s old, is another tab", () => {
    expect(judged(afterRenewal, { session: "s0" })).toBe("concurrent");
    expect(judged(afterRenewal, { session: "s0", now: start + window })).toBe("concurrent");
  });

  test("that shows the previous one, while the current was minted ≤ 30 s ago for another address, is handed nothing", () => {
    const question = { session: "s0", address: elsewhere };
    expect(judged(afterRenewal, question)).toBe("overlapping");
    expect(judged(afterRenewal, { ...question, now: start + window })).toBe("overlapping");
    expect(judged(afterRenewal, { ...question, now: start + window + 1 })).toBe("lost-answer");
    const taken = replaced(afterRenewal, "s1b", start + minute, elsewhere);
    expect(judged(taken, { ...question, now: start + minute })).toBe("concurrent");
    expect(judged(taken, { ...question, address: home, now: start + minute })).toBe("overlapping");
  });

  test("is told from none by an address nobody knows, nor by a record without one", () => {
    expect(judged(afterRenewal, { session: "s0", address: null })).toBe("concurrent");
    expect(judged({ ...afterRenewal, mintedFor: null }, { session: "s0" })).toBe("concurrent");
    // As a store of the first version reads it.
    const old: SignInRecord = JSON.parse(JSON.stringify({ ...afterRenewal, mintedFor: undefined }));
    expect(judged(old, { session: "s0" })).toBe("concurrent");
  });

  test("that shows the previous one after the last attempt is handed it, wherever it comes from: nothing else would renew it", () => {
    const signIn = { ...afterRenewal, attempt: mostAttempts };
    const question = { session: "s0", address: elsewhere };
    expect(judged(signIn, { ...question, now: start + window })).toBe("overlapping");
    expect(judged(signIn, { ...question, now: start + window + 1 })).toBe("concurrent");
  });

  test("that shows the previous one, while the current was never presented and is older, is a lost answer", () => {
    expect(judged(afterRenewal, { session: "s0", now: start + window + 1 })).toBe("lost-answer");
    expect(judged(afterRenewal, { session: "s0", now: start + hour - 1 })).toBe("lost-answer");
  });

  test("that shows the previous one, ≤ 30 s after the current was first presented, is served and handed nothing", () => {
    expect(judged(afterPresenting, { session: "s0", now: start + minute })).toBe("overlapping");
    expect(judged(afterPresenting, { session: "s0", now: start + minute + window })).toBe("overlapping");
  });

  test("that shows the previous one, later than that, is reuse", () => {
    expect(judged(afterPresenting, { session: "s0", now: start + minute + window + 1 })).toBe("reuse");
  });

  test("that shows a replaced attempt, while the current was never presented, came out of order", () => {
    const question = { session: "s1", replacedAttempt: true };
    const signIn = replaced(afterRenewal, "s1b", start + minute, home);
    expect(judged(signIn, { ...question, now: start + minute })).toBe("out-of-order");
    expect(judged(signIn, { ...question, now: start + 10 * minute - 1 })).toBe("out-of-order");
    // Longer ago nobody hands over without asking the provider.
    expect(judged(signIn, { ...question, now: start + minute + 10 * minute })).toBe("due");
  });

  test("that shows a replaced attempt, while the current was minted for another address, is served until the provider is due", () => {
    const question = { session: "s1", replacedAttempt: true };
    const signIn = replaced(afterRenewal, "s1b", start + minute, elsewhere);
    expect(judged(signIn, { ...question, now: start + minute })).toBe("overlapping");
    expect(judged(signIn, { ...question, now: start + minute + 10 * minute - 1 })).toBe("overlapping");
    expect(judged(signIn, { ...question, now: start + minute + 10 * minute })).toBe("due");
    expect(judged(signIn, { ...question, address: elsewhere, now: start + minute })).toBe("out-of-order");
  });

  test("that shows a replaced attempt is out of order up to 30 s after the current was first presented, then reuse", () => {
    const question = { session: "s1", replacedAttempt: true };
    const signIn = presented(replaced(afterRenewal, "s1b", start + minute, home), start + 2 * minute);
    expect(judged(signIn, { ...question, now: start + 2 * minute + window })).toBe("out-of-order");
    expect(judged(signIn, { ...question, now: start + 2 * minute + window + 1 })).toBe("reuse");
  });

  test("that shows anything else is reuse: a session of two renewals ago, or one never seen", () => {
    const twice = renewed(afterPresenting, "s2", start + 10 * minute, home);
    for (const session of ["s0", "unknown", ""]) {
      expect(judged(twice, { session, now: start + 10 * minute })).toBe("reuse");
    }
  });
});

describe("the record", () => {
  test("after a renewal points back to the session it came from, and waits to be presented", () => {
    const again = renewed(replaced(afterPresenting, "s1b", start, home), "s2", start + 5, elsewhere);
    expect(again).toMatchObject({
      current: "s2",
      previous: "s1b",
      attempt: 0,
      mintedAt: start + 5,
      mintedFor: elsewhere,
      presentedAt: null,
    });
  });

  test("after a lost answer keeps the previous session and counts the attempt", () => {
    expect(replaced(afterRenewal, "s1b", start + minute, home)).toMatchObject({
      current: "s1b",
      previous: "s0",
      attempt: 1,
      mintedAt: start + minute,
      mintedFor: home,
      presentedAt: null,
    });
  });

  test("of an ended sign-in says when, why, and whether the provider still has to hear of it", () => {
    const tombstone = ended(afterRenewal, "reuse-detected", true, start + 1);
    expect(tombstone).toMatchObject({
      ended: { at: start + 1, reason: "reuse-detected" },
      revocationOwed: true,
    });
    expect(paid(tombstone)).toMatchObject({ ended: tombstone.ended, revocationOwed: false });
  });
});

type Change = (signIn: SignInRecord, now: number) => SignInRecord;

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.nat().map(
    (id): Change =>
      (signIn, now) =>
        renewed(signIn, `s${id}`, now, id % 2 === 0 ? home : null),
  ),
  fc.nat().map(
    (id): Change =>
      (signIn, now) =>
        replaced(signIn, `r${id}`, now, id % 2 === 0 ? home : null),
  ),
  fc.constant<Change>(presented),
  fc.constant<Change>(restarted),
  fc.constant<Change>((signIn) => paid(signIn)),
);
const anyHistory = fc.array(fc.tuple(anyChange, fc.nat({ max: hour })), { maxLength: 30 });

function after(history: readonly (readonly [Change, number])[], from: SignInRecord): [SignInRecord, number] {
  return history.reduce<[SignInRecord, number]>(
    ([signIn, now], [change, passed]) => [change(signIn, now + passed), now + passed],
    [from, start],
  );
}

describe("when a request arrived", () => {
  test("counts for an upload that took longer than the window, and no longer than an upload may", () => {
    for (const [took, counts] of [
      [0, false],
      [window, false],
      [window + 1, true],
      [longestUpload, true],
      [longestUpload + 1, false],
      [-minute, false],
    ] as const)
      expect(arrivalThatCounts(start, start - took)).toBe(counts ? start - took : null);
  });

  test("makes of the previous session an overlap, to the millisecond", () => {
    const presentedAt = start + minute;
    const now = presentedAt + 4 * minute;
    expect(judged(afterPresenting, { session: "s0", now, arrivedAt: presentedAt + window })).toBe(
      "overlapping",
    );
    expect(judged(afterPresenting, { session: "s0", now, arrivedAt: presentedAt + window + 1 })).toBe(
      "reuse",
    );
  });

  test("changes nothing else: no ending is skipped by it, and nothing is handed out", () => {
    const anyArrival = fc.nat({ max: longestUpload });
    fc.assert(
      fc.property(
        anyHistory,
        fc.nat({ max: 2 * day }),
        anyArrival,
        fc.boolean(),
        (history, passed, took, replacedAttempt) => {
          const [signIn, last] = after(history, signInRecord());
          const now = last + passed;
          for (const session of [signIn.current, signIn.previous ?? "unknown", "unknown"]) {
            const question = { session, now, replacedAttempt };
            const [at, without] = [
              judged(signIn, { ...question, arrivedAt: now - took }),
              judged(signIn, question),
            ];
            const isAllowed = session === signIn.previous && without === "reuse" && at === "overlapping";
            expect(at === without || isAllowed).toBe(true);
          }
        },
      ),
    );
  });
});

describe("after any history", () => {
  test("an ended sign-in is never revived", () => {
    fc.assert(
      fc.property(
        anyHistory,
        anyHistory,
        fc.boolean(),
        fc.boolean(),
        (before, later, owed, replacedAttempt) => {
          const [signIn, now] = after(before, signInRecord());
          const [tombstone, then] = after(later, ended(signIn, "signed-out", owed, now));
          for (const session of [tombstone.current, tombstone.previous ?? "", "unknown"]) {
            expect(judged(tombstone, { session, replacedAttempt, now: then })).toBe("ended");
          }
        },
      ),
    );
  });

  test("only the current session or a replaced attempt may be renewed, and nothing at or past a limit is handed out", () => {
    const served = new Set<Judgement>(["due", "concurrent", "lost-answer", "out-of-order"]);
    fc.assert(
      fc.property(anyHistory, fc.nat({ max: 2 * day }), fc.boolean(), (history, passed, replacedAttempt) => {
        const [signIn, last] = after(history, signInRecord());
        const now = last + passed;
        const over = now >= signIn.absoluteExpiresAt || now >= signIn.renewedAt + hour;
        for (const session of [signIn.current, signIn.previous ?? "unknown", "unknown"]) {
          const judgement = judged(signIn, { session, replacedAttempt, now });
          const mayRenew = session === signIn.current || (replacedAttempt && session === "unknown");
          expect(judgement === "due" && !mayRenew).toBe(false);
          expect(over && served.has(judgement)).toBe(false);
        }
      }),
    );
  });

  test("a session that was never this sign-in's is never served", () => {
    fc.assert(
      fc.property(anyHistory, fc.nat({ max: day }), (history, passed) => {
        const [signIn, last] = after(history, signInRecord());
        expect(["reuse", "expired", "ended"]).toContain(
          judged(signIn, { session: "unknown", now: last + passed }),
        );
      }),
    );
  });

  test("every change counts once, and none moves the absolute limit or who signed in", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const first = signInRecord();
        const [last] = after(history, first);
        expect(last.version).toBe(first.version + history.length);
        const { id, user, authenticatedAt, absoluteExpiresAt, remembered } = first;
        expect(last).toMatchObject({ id, user, authenticatedAt, absoluteExpiresAt, remembered });
      }),
    );
  });
});

describe("a whole browser", () => {
  /** One browser that asks for a page after each pause, from one of its addresses; each answer either reaches it or is lost. */
  function visits(
    pauses: readonly (readonly [number, boolean, string | null])[],
    from: SignInRecord,
  ): Judgement[] {
    const seen: Judgement[] = [];
    const attempts = new Set<string>();
    let [signIn, now, jar, made] = [from, start, from.current, 0];
    for (const [pause, lost, address] of pauses) {
      now += pause;
      const isLive = jar === signIn.current && now - signIn.mintedAt < 10 * minute;
      if (isLive) {
        if (signIn.presentedAt === null) signIn = presented(signIn, now);
        continue;
      }
      const judgement = judged(signIn, { session: jar, address, now, replacedAttempt: attempts.has(jar) });
      seen.push(judgement);
      made += 1;
      if (judgement === "due") {
        attempts.clear();
        signIn = renewed(signIn, `s${made}`, now, address, jar);
      } else if (judgement === "lost-answer") {
        attempts.add(signIn.current);
        signIn = replaced(signIn, `s${made}`, now, address);
      }
      if (!lost && judgement !== "overlapping") jar = signIn.current;
    }
    return seen;
  }

  const pause = fc.oneof(fc.nat({ max: 20 * minute }), fc.nat({ max: minute }));
  const address = fc.constantFrom(home, elsewhere, null);
  const pauses = fc.array(fc.tuple(pause, fc.boolean(), address), { maxLength: 40 });

  test("whose answers are lost, and whose address changes, at random is never taken for a thief", () => {
    fc.assert(
      fc.property(pauses, (history) => {
        const signIn = signInRecord({ absoluteExpiresAt: start + 400 * day });
        expect(visits(history, signIn)).not.toContain("reuse");
      }),
      { numRuns: 2_000 },
    );
  });

  test("that comes back with a stolen and renewed pair ends the theft, however long it waited past the window", () => {
    fc.assert(
      fc.property(fc.integer({ min: window + 1, max: hour - minute }), (wait) => {
        const stolen = renewed(signInRecord(), "thief's", start, elsewhere);
        const used = presented(stolen, start + 1);
        expect(judged(used, { session: "s0", now: start + 1 + wait })).toBe("reuse");
      }),
    );
  });
});
