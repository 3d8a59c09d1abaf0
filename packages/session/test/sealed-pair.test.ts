// The refresh-token cookie: opens for the application, the cookie name and the keys it was sealed with, and is
// nothing to anybody else. Broken in whatever way, it is the same as absent (D3).
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type KeyRing, keyRing } from "../src/key-ring.ts";
import { openPair, type SealedPair, sealPair } from "../src/sealed-pair.ts";
import { cookieKey, newRing } from "./records.ts";

const context = "store\n__Host-refresh-token";
const ring = newRing("2026a");
const example: SealedPair = {
  refreshToken: "the provider's refresh token",
  session: "hash-of-the-session-id",
  signInId: "sign-in-1",
  userId: "user-1",
  authenticatedAt: 1_770_000_000_000,
  renewedAt: 1_770_000_600_000,
  remembered: true,
};

function seal(keys: KeyRing = ring, pair: SealedPair = example): string {
  return sealPair(keys, context, pair, randomBytes(12));
}

const anyPair = fc.record({
  refreshToken: fc.string(),
  session: fc.string(),
  signInId: fc.string(),
  userId: fc.string(),
  authenticatedAt: fc.nat(),
  renewedAt: fc.nat(),
  remembered: fc.boolean(),
});

describe("a sealed pair", () => {
  test("opens to what was sealed", () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        expect(openPair(ring, context, seal(ring, pair))).toEqual({ ...pair, keyId: "2026a" });
      }),
    );
  });

  test("shows nothing of its contents, and never looks the same twice (ASVS 10.1.1)", () => {
    const [one, two] = [seal(), seal()];
    const clear = Buffer.from(one.slice(one.indexOf(".") + 1), "base64url").toString("latin1");
    expect(one).not.toBe(two);
    for (const content of [example.refreshToken, example.signInId, example.userId]) {
      expect(clear).not.toContain(content);
    }
  });

  test("fits a cookie with the longest refresh token of the provider (191 characters) (ASVS 3.3.5)", () => {
    const longest = {
      ...example,
      refreshToken: "r".repeat(191),
      signInId: "i".repeat(36),
      userId: "u".repeat(36),
    };
    expect(seal(ring, longest).length).toBeLessThan(1_024);
  });

  test("with any bit flipped is nothing (ASVS 11.2.5, 11.3.3)", () => {
    const sealed = Buffer.from(seal().slice("2026a.".length), "base64url");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(openPair(ring, context, `2026a.${flipped.toString("base64url")}`)).toBeNull();
    }
  });

  test("cut off anywhere is nothing", () => {
    const cookie = seal();
    // The last character of base64url holds bits that are not part of the last byte: cut two.
    for (let length = 0; length <= cookie.length - 2; length++) {
      expect(openPair(ring, context, cookie.slice(0, length))).toBeNull();
    }
  });

  test("with anything added in front or behind is nothing", () => {
    const cookie = seal();
    const bytes = Buffer.from(cookie.slice("2026a.".length), "base64url");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (added) => {
        for (const longer of [Buffer.concat([bytes, added]), Buffer.concat([added, bytes])]) {
          expect(openPair(ring, context, `2026a.${longer.toString("base64url")}`)).toBeNull();
        }
      }),
    );
  });

  test("of another application is nothing, even under the same key", () => {
    const key = cookieKey("k");
    const cookie = seal(keyRing([key], "store"));
    expect(openPair(keyRing([key], "forum"), context, cookie)).toBeNull();
    expect(openPair(keyRing([key], "store"), "forum\n__Host-refresh-token", cookie)).toBeNull();
  });

  test("under another cookie's name is nothing", () => {
    expect(openPair(ring, "store\n__Host-session", seal())).toBeNull();
  });

  test("under a key id this node does not know is nothing", () => {
    expect(openPair(newRing("2026b"), context, seal())).toBeNull();
  });

  test("under the right key id but another secret is nothing", () => {
    expect(openPair(newRing("2026a"), context, seal())).toBeNull();
  });

  test("with the key id swapped for another of the ring is nothing", () => {
    const secret = cookieKey("a").secret;
    const both = keyRing(
      [
        { id: "a", secret },
        { id: "b", secret },
      ],
      "store",
    );
    const cookie = seal(both);
    expect(openPair(both, context, cookie)).not.toBeNull();
    expect(openPair(both, context, cookie.replace(/^a\./, "b."))).toBeNull();
  });

  test("still opens while its key is in the ring, and says which key that was (key roll) (ASVS 11.2.2)", () => {
    const [old, next] = [cookieKey("old"), cookieKey("new")];
    const cookie = seal(keyRing([old], "store"));
    const distributed = keyRing([old, next], "store");
    const promoted = keyRing([next, old], "store");
    expect(openPair(distributed, context, cookie)?.keyId).toBe("old");
    expect(openPair(promoted, context, cookie)?.keyId).toBe("old");
    expect(openPair(promoted, context, seal(promoted))?.keyId).toBe("new");
    expect(openPair(keyRing([next], "store"), context, cookie)).toBeNull();
  });
});

describe("any other string", () => {
  test("is nothing, and never an exception", () => {
    const shaped = fc
      .tuple(fc.constantFrom("2026a", "", "x", "__proto__"), fc.base64String())
      .map(([id, text]) => `${id}.${text}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), shaped), (cookie) => {
        expect(openPair(ring, context, cookie)).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test("that is sealed rightly but holds other contents is nothing", () => {
    for (const wrong of [Number.NaN, "1"]) {
      const pair = { ...example, authenticatedAt: wrong };
      expect(
        openPair(
          ring,
          context,
          sealPair(ring, context, Object.assign({ ...example }, pair), randomBytes(12)),
        ),
      ).toBeNull();
    }
  });
});
