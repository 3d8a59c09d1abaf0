// Which addresses count as one place when a session that nobody has presented is handed over (D7).
import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressRange } from "../src/address-range.ts";

describe("addresses that count as one", () => {
  test.each([
    ["an IPv4 address, alone", ["192.0.2.1"], "192.0.2.1"],
    ["an IPv4 address written as IPv6", ["::ffff:192.0.2.1", "::FFFF:c000:201"], "192.0.2.1"],
    ["a /64", ["2001:db8:0:1::1", "2001:DB8::1:ffff:ffff:ffff:ffff"], "2001:db8:0:1::/64"],
    ["a /64 of zeros", ["::1", "::"], "0:0:0:0::/64"],
    ["a link, whatever its name", ["fe80::1%eth0", "fe80::2%lo"], "fe80:0:0:0::/64"],
    ["what is no address, as itself", ["unknown"], "unknown"],
    ["none", [undefined, ""], null],
  ])("are %s", (_, addresses, range) => {
    for (const address of addresses) expect(addressRange(address)).toBe(range);
  });

  test("are no two IPv4 addresses, and no two /64", () => {
    expect(addressRange("192.0.2.1")).not.toBe(addressRange("192.0.2.2"));
    expect(addressRange("2001:db8:0:1::1")).not.toBe(addressRange("2001:db8:0:2::1"));
  });

  test("are found for every address and whatever a header may hold", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV4(), fc.string(), (six, four, text) => {
        expect(addressRange(six)).toMatch(/^([0-9a-f]{1,4}:){4}:\/64$|^\d+\.\d+\.\d+\.\d+$/);
        expect(addressRange(four)).toBe(four);
        expect(isIP(addressRange(`::ffff:${four}`) ?? "")).toBe(4);
        expect(addressRange(text)).toBe(text === "" ? null : addressRange(text));
      }),
    );
  });
});
