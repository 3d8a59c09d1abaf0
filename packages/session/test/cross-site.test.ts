// Forged requests (CWE-352, ASVS 3.5.1): the whole matrix of method × Sec-Fetch-Site × Origin × cookies.
import { describe, expect, test } from "vitest";
import { crossSiteReason, isSafeMethod } from "../src/cross-site.ts";

const own = "https://shop.example.com";
const safeMethods = ["GET", "HEAD", "OPTIONS"];
const unsafeMethods = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "post", "get", ""];
const sites = [
  "same-origin",
  "none",
  "same-site",
  "cross-site",
  "",
  "Same-Origin",
  "same-origin, cross-site",
  undefined,
];
const foreignOrigins = {
  "a foreign host": "https://evil.example",
  "the opaque origin": "null",
  "a sibling host": "https://forum.example.com",
  "another port": "https://shop.example.com:8443",
  "another scheme": "http://shop.example.com",
  "a host that starts like ours": "https://shop.example.com.evil.example",
  "a host that ends like ours": "https://evilshop.example.com",
  "a trailing slash": "https://shop.example.com/",
  "another case": "https://SHOP.example.com",
  "an empty value": "",
  "two values": `${own}, https://evil.example`,
};
const origins = [own, undefined, ...Object.values(foreignOrigins)];

function reason(method: string, secFetchSite?: string, origin?: string, hasCookies = true) {
  return crossSiteReason({ method, secFetchSite, origin, hasCookies }, own);
}

describe("a method that promises to change nothing", () => {
  test.each(safeMethods)("%s passes with whatever headers", (method) => {
    for (const site of sites) {
      for (const origin of origins) {
        for (const hasCookies of [true, false]) {
          expect(reason(method, site, origin, hasCookies)).toBeNull();
        }
      }
    }
  });

  test.each(unsafeMethods)("is not %j", (method) => {
    expect(isSafeMethod(method)).toBe(false);
  });
});

describe.each(unsafeMethods)("%j", (method) => {
  test("from our own page, or from no page at all, passes whatever Origin says", () => {
    for (const origin of origins) {
      expect(reason(method, "same-origin", origin)).toBeNull();
      expect(reason(method, "none", origin)).toBeNull();
    }
  });

  test("from a sibling host is refused, though it is same-site", () => {
    for (const origin of origins) expect(reason(method, "same-site", origin)).toBe("same-site-other-host");
  });

  test("from another site, or from a site nobody has heard of, is refused with and without cookies", () => {
    for (const site of ["cross-site", "", "Same-Origin", "same-origin, cross-site"]) {
      for (const origin of origins) {
        for (const hasCookies of [true, false]) {
          expect(reason(method, site, origin, hasCookies)).toBe("cross-site");
        }
      }
    }
  });

  test("without Sec-Fetch-Site passes with our Origin alone", () => {
    expect(reason(method, undefined, own, true)).toBeNull();
    expect(reason(method, undefined, own, false)).toBeNull();
  });

  test.each(Object.entries(foreignOrigins))(
    "without Sec-Fetch-Site is refused with %s as Origin",
    (_, origin) => {
      expect(reason(method, undefined, origin, true)).toBe("foreign-origin");
      expect(reason(method, undefined, origin, false)).toBe("foreign-origin");
    },
  );

  test("with neither header is refused if it carries cookies, and passes to the form token if not", () => {
    expect(reason(method, undefined, undefined, true)).toBe("no-origin");
    expect(reason(method, undefined, undefined, false)).toBeNull();
  });
});
