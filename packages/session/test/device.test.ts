// Device names: what a person recognises, never more of what the browser sent than that.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceName } from "../src/device.ts";

const known =
  /^(Unknown device|(Edge|Opera|Samsung Internet|Firefox|Chrome|Safari|iPhone|iPad|Android|Windows|macOS|ChromeOS|Linux)( on (iPhone|iPad|Android|Windows|macOS|ChromeOS|Linux))?)$/;

describe("a device's name", () => {
  test.each([
    [
      "Firefox on Windows",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ],
    [
      "Safari on iPhone",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    ],
    [
      "Chrome on Android",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
    ],
    [
      "Edge on Windows",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    ],
    [
      "Safari on macOS",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    ],
    [
      "Chrome on ChromeOS",
      "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    ],
    ["Linux", "curl/8 (Linux)"],
    ["Unknown device", "curl/8.5.0"],
    ["Unknown device", ""],
    ["Unknown device", undefined],
  ])("is %s", (name, userAgent) => {
    expect(deviceName(userAgent)).toBe(name);
  });

  test("is one of a few words for any string: nothing of it reaches a page", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" })), (text) =>
        known.test(deviceName(text)),
      ),
    );
    expect(deviceName("<script>alert(1)</script> Firefox/1")).toBe("Firefox");
  });

  test("is found in no time in an endless header", () => {
    expect(deviceName(`${"(".repeat(1_000_000)}Firefox/`)).toBe("Unknown device");
  });
});
