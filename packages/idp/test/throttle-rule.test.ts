// The rule by which guessers wait, and which addresses count as one, over random histories.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressRange } from "../src/address-range.ts";
import {
  forgottenAt,
  nextAttempt,
  PER_ACCOUNT,
  PER_ADDRESS,
  type Rule,
  type Tally,
  withFailure,
} from "../src/throttle.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("the rule", () => {
  const rules: Rule[] = [
    PER_ACCOUNT,
    PER_ADDRESS,
    { free: 3, firstWaitMs: HOUR, longestWaitMs: HOUR, forgets: { allAfterMs: 60_000 } },
  ];
  const rule = fc.constantFrom(...rules);
  const instant = fc.integer({ min: 0, max: 100 * DAY });
  // Failures at these gaps, whether they were allowed or not.
  const tally = fc
    .tuple(rule, fc.array(fc.integer({ min: 0, max: DAY }), { minLength: 1, maxLength: 60 }))
    .map(([rule, gaps]) => {
      let now = 1_000_000;
      let tally: Tally | null = null;
      for (const gap of gaps) tally = withFailure(rule, tally, (now += gap));
      return { rule, tally: tally ?? { failures: 1, last: now } };
    });

  test("nobody who did not fail waits", () => {
    fc.assert(fc.property(rule, instant, (rule, now) => nextAttempt(rule, null, now) === now));
  });

  test("a wait is never longer than the longest, never negative, and over when it is over", () => {
    fc.assert(
      fc.property(tally, ({ rule, tally }) => {
        const wait = nextAttempt(rule, tally, tally.last) - tally.last;
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(rule.longestWaitMs);
        expect(nextAttempt(rule, tally, tally.last + wait)).toBe(tally.last + wait);
      }),
    );
  });

  test("one more failure never shortens the wait, and fewer than the free ones bring none", () => {
    fc.assert(
      fc.property(tally, ({ rule, tally }) => {
        const more = withFailure(rule, tally, tally.last);
        if (nextAttempt(rule, tally, tally.last) > tally.last && !("oneEveryMs" in rule.forgets)) return;
        expect(nextAttempt(rule, more, tally.last)).toBeGreaterThanOrEqual(
          nextAttempt(rule, tally, tally.last),
        );
        // A failure that is half forgotten is a failure still.
        const isFree = Math.ceil(tally.failures) < rule.free;
        expect(isFree).toBe(nextAttempt(rule, tally, tally.last) === tally.last);
      }),
    );
  });

  test("what is forgotten is as good as nothing, and nothing is forgotten that is still waited for", () => {
    fc.assert(
      fc.property(tally, ({ rule, tally }) => {
        const end = forgottenAt(rule, tally);
        expect(end).toBeGreaterThanOrEqual(nextAttempt(rule, tally, tally.last));
        expect(withFailure(rule, tally, end)).toEqual(withFailure(rule, null, end));
      }),
    );
  });

  test("an attack of any length is forgotten within 16 hours, an address's within two", () => {
    const longest = new Map([
      [PER_ACCOUNT, 16 * HOUR],
      [PER_ADDRESS, 2 * HOUR],
    ]);
    fc.assert(
      fc.property(
        tally,
        ({ rule, tally }) => forgottenAt(rule, tally) - tally.last <= (longest.get(rule) ?? Infinity),
      ),
    );
  });

  test("a clock that went back keeps nobody out", () => {
    fc.assert(
      fc.property(tally, fc.integer({ min: 1, max: 1_000_000 }), ({ rule, tally }, back) => {
        const now = tally.last - back;
        expect(nextAttempt(rule, tally, now)).toBe(now);
        expect(withFailure(rule, tally, now).failures).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  test("however a guesser paces, a day has at most 115 guesses at an account and 520 from an address (ASVS 6.1.1)", () => {
    const most = new Map([
      [PER_ACCOUNT, 115],
      [PER_ADDRESS, 520],
    ]);
    fc.assert(
      fc.property(
        fc.constantFrom(PER_ACCOUNT, PER_ADDRESS),
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * HOUR })), { maxLength: 40 }),
        (rule, pauses) => {
          let tally: Tally | null = null;
          let now = 0;
          let guesses = 0;
          for (let index = 0; now < DAY; index += 1) {
            tally = withFailure(rule, tally, now);
            guesses += 1;
            now = nextAttempt(rule, tally, now) + (pauses[index] ?? 0);
          }
          expect(guesses).toBeLessThanOrEqual(most.get(rule) ?? 0);
        },
      ),
    );
  });
});

describe("what README says of the rule is the rule (ASVS 6.1.1)", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const row = (start: string): string[] =>
    (readme.split("\n").find((line) => line.startsWith(`| ${start}`)) ?? "")
      .split("|")
      .map((cell) => cell.trim());
  const span = (ms: number): string => (ms < 60_000 ? `${ms / 1_000} s` : `${ms / 60_000} min`);

  test.each<[string, Rule, string]>([
    ["one login id", PER_ACCOUNT, "one an hour"],
    ["one address", PER_ADDRESS, "one in 3 min"],
    ["one known device", PER_ACCOUNT, "one an hour"],
  ])("%s", (start, { free, firstWaitMs, longestWaitMs, forgets }, forgotten) => {
    const [, , costNothing, wait, longest, forgottenBy] = row(start);
    expect([costNothing, wait, longest]).toEqual([String(free), span(firstWaitMs), span(longestWaitMs)]);
    expect(forgottenBy).toContain(forgotten);
    expect(forgets).toEqual({ oneEveryMs: forgotten === "one an hour" ? HOUR : 180_000 });
  });
});

describe("which addresses are one", () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));

  test("every address of a /64 in every spelling has one range, and another /64 another", () => {
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 8, maxLength: 8 }),
        fc.array(group, { minLength: 4, maxLength: 4 }),
        (groups, last) => {
          fc.pre(!groups.slice(0, 4).every((part) => part === "0"));
          const written = groups.join(":");
          const short = new URL(`http://[${written}]`).hostname.slice(1, -1);
          const range = addressRange(written);
          expect(addressRange(short)).toBe(range);
          expect(addressRange(written.toUpperCase())).toBe(range);
          expect(addressRange(`${written}%eth0`)).toBe(range);
          expect(addressRange([...groups.slice(0, 4), ...last].join(":"))).toBe(range);
          const other = (Number.parseInt(groups[3] ?? "0", 16) ^ 1).toString(16);
          expect(addressRange([...groups.slice(0, 3), other, ...last].join(":"))).not.toBe(range);
        },
      ),
    );
  });

  test("an IPv4 address is itself, in both of its IPv6 forms too", () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        const mapped = new URL(`http://[::ffff:${ip}]`).hostname.slice(1, -1);
        expect([addressRange(ip), addressRange(`::ffff:${ip}`), addressRange(mapped)]).toEqual([ip, ip, ip]);
      }),
    );
  });
});
