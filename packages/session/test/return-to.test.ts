// Open redirects (CWE-601): whatever a link says, signing in leads to a path of this application or nowhere.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { safeReturnTo } from "../src/return-to.ts";

const origin = "https://shop.example.com";

function isOwnPath(path: string): boolean {
  return path.startsWith("/") && !path.startsWith("//") && new URL(path, origin).origin === origin;
}

const tricks = fc.constantFrom(
  "/",
  "//",
  "\\",
  ".",
  "..",
  "@",
  ":",
  "\t",
  "\r\n",
  " ",
  "%2f",
  "%5c",
  "%0a",
  "%00",
  "\0",
  "?",
  "#",
  "evil.example",
  "https:",
  "javascript:",
  "​",
  "／",
  "。",
);

describe("a place to return to", () => {
  test("is a path of this origin or null, for any string (ASVS 3.7.2)", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.webUrl(),
      fc.array(tricks, { maxLength: 10 }).map((parts) => parts.join("")),
      fc.array(tricks, { maxLength: 10 }).map((parts) => `/${parts.join("")}`),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const path = safeReturnTo(value, origin);
        expect(path === null || isOwnPath(path)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test("is safe to return to again, unchanged", () => {
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        const once = safeReturnTo(`${path}?${query}`, origin);
        expect(safeReturnTo(once, origin)).toBe(once);
      }),
    );
  });

  test.each([
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    "https:evil.example",
    "https://evil.example",
    "https://shop.example.com@evil.example",
    "http://shop.example.com/",
    "@evil.example",
    "shop.example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "/a\r\nSet-Cookie: session=planted",
    "/a\0b",
    `/${"a".repeat(2048)}`,
    "",
    "#",
    "?a=b",
  ])("is never %j", (value) => {
    expect(safeReturnTo(value, origin)).toBeNull();
  });

  test.each([undefined, null, 1, true, {}, [], ["/cart"], { toString: () => "/cart" }])(
    "is never %j, which is not a string",
    (value) => {
      expect(safeReturnTo(value, origin)).toBeNull();
    },
  );

  test.each([
    ["/", "/"],
    ["/shopping-cart", "/shopping-cart"],
    ["/posts?page=2&q=a%20b", "/posts?page=2&q=a%20b"],
    ["/a/../b", "/b"],
    ["/a#fragment", "/a"],
    ["/@evil.example", "/@evil.example"],
    ["/?next=https://evil.example", "/?next=https://evil.example"],
    ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
  ])("may be %j, which leads to %j", (value, path) => {
    expect(safeReturnTo(value, origin)).toBe(path);
  });
});
