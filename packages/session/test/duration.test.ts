// Durations: what is written is read back; what is not one is null, never a number somebody did not mean.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../src/duration.ts";

describe("a duration", () => {
  test("of whole seconds survives being written and read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400 }), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });

  test.each([
    ["1s", 1_000],
    ["30m", 1_800_000],
    ["12h", 43_200_000],
    ["400d", 34_560_000_000],
  ])("%s is %i milliseconds", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each([
    "",
    "0s",
    "00s",
    "-1m",
    "1.5h",
    "1",
    "s",
    "1 h",
    " 1h",
    "1h ",
    "1H",
    "1w",
    "1h30m",
    "1e3s",
    "401d",
    "９s",
    "1s\n",
    "99999999999s",
  ])("is never %j", (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  test("is null or positive and at most 400 days, for any string", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{0,12}[smhd]?$/)), (text) => {
        const milliseconds = parseDuration(text);
        expect(milliseconds === null || (milliseconds > 0 && milliseconds <= 34_560_000_000)).toBe(true);
      }),
    );
  });

  test("that has no whole unit is shown in milliseconds", () => {
    expect(formatDuration(1_500)).toBe("1500ms");
    expect(formatDuration(0)).toBe("0ms");
  });
});
