import { describe, expect, test } from "vitest";
import { assertSetCookie, parseSetCookie } from "./set-cookie-rule.ts";

const lawful = "__Host-session=abc; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=34560000";
const lawfulOnLoopback = "session=abc; Path=/; HttpOnly; SameSite=Lax";

interface Circumstances {
  https?: boolean;
  cacheControl?: string | null;
}

function assertOne(setCookie: string, { https = true, cacheControl = "no-store" }: Circumstances = {}): void {
  assertSetCookie({ status: 200, setCookies: [setCookie], cacheControl }, { https });
}

describe("the Set-Cookie rule", () => {
  test("accepts a lawful cookie on https and on loopback http", () => {
    assertOne(lawful);
    assertOne(lawfulOnLoopback, { https: false });
    assertOne(`${lawful}; Max-Age=0`, { cacheControl: "private, no-store, max-age=0" });
    assertOne("access_token=abc; Path=/; HttpOnly; Secure; SameSite=Lax");
  });

  test("asks nothing of a response without Set-Cookie", () => {
    assertSetCookie(new Response("", { headers: { "cache-control": "public" } }), { https: true });
  });

  test.each([
    ["must be HttpOnly", lawful.replace("; HttpOnly", "")],
    ["must say SameSite=Lax", lawful.replace("; SameSite=Lax", "")],
    ["must say SameSite=Lax", lawful.replace("Lax", "None")],
    ["must say Path=/", lawful.replace("; Path=/", "")],
    ["must say Path=/", lawful.replace("Path=/", "Path=/account")],
    ["must not have a Domain", `${lawful}; Domain=example.com`],
    ["at most 4096 bytes", lawful.replace("abc", "a".repeat(4096))],
    ["Max-Age", lawful.replace("34560000", "34560001")],
    ["Max-Age", lawful.replace("34560000", "soon")],
    ["must be Secure on https", lawful.replace("; Secure", "")],
    ["__Host- prefix on https", lawful.replace("__Host-", "")],
    ["must be Secure on https", "refresh_token=abc; Path=/; HttpOnly; SameSite=Lax"],
  ])("%s: %s", (what, setCookie) => {
    expect(() => assertOne(setCookie)).toThrow(what);
  });

  test.each([
    ["must not be Secure on http", `${lawfulOnLoopback}; Secure`],
    ["must not have the __Host- prefix on http", `__Host-${lawfulOnLoopback}`],
    ["must be HttpOnly", lawfulOnLoopback.replace("; HttpOnly", "")],
  ])("on loopback http, %s: %s", (what, setCookie) => {
    expect(() => assertOne(setCookie, { https: false })).toThrow(what);
  });

  test.each([null, "no-cache", "max-age=0", "not-no-storeable"])(
    "Cache-Control %s is refused",
    (cacheControl) => {
      expect(() => assertOne(lawful, { cacheControl })).toThrow("no-store");
    },
  );

  test("holds every cookie of a response to the rule, not only the first", () => {
    const headers = new Headers({ "cache-control": "no-store" });
    headers.append("set-cookie", lawful);
    headers.append("set-cookie", lawful.replace("; HttpOnly", ""));
    expect(() => assertSetCookie({ headers }, { https: true })).toThrow("HttpOnly");
  });

  test("never says a cookie's value", () => {
    const setCookie = "session=the-value-of-it";
    expect(() => assertOne(setCookie)).toThrow(/^(?!.*the-value-of-it)/s);
  });

  test("takes a header apart at the first = and at every ;", () => {
    expect(parseSetCookie("a=b=c; PATH=/ ;Secure")).toEqual({
      name: "a",
      value: "b=c",
      attributes: new Map([
        ["path", "/"],
        ["secure", ""],
      ]),
    });
  });
});
