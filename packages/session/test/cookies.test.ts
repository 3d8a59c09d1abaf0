// The wire format of cookies: what is written is read back, and no byte of a Cookie header is anything but a value,
// nothing, or a contradiction that is refused.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertSetCookie, parseSetCookie } from "../../../test/set-cookie-rule.ts";
import { cookieWriter, readCookies } from "../src/cookies.ts";

const https = cookieWriter(true);
const http = cookieWriter(false);
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const value = fc.stringMatching(/^[A-Za-z0-9_.-]{1,200}$/);
const absent = { session: null, refreshToken: null, form: null, device: null };

function keepsTheRule(header: string, { secure }: { secure: boolean }): void {
  assertSetCookie({ status: 200, setCookies: [header], cacheControl: "no-store" }, { https: secure });
}

describe("Set-Cookie", () => {
  test("keeps the cookie rule on https and on loopback, set and cleared, for every name (ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4)", () => {
    fc.assert(
      fc.property(value, fc.option(fc.integer({ min: 0, max: 34_560_000_000 })), (content, maxAge) => {
        for (const [writer, secure] of [[https, true] as const, [http, false] as const]) {
          for (const name of Object.values(writer.names)) {
            keepsTheRule(writer.set(name, content, maxAge ?? undefined), { secure });
            keepsTheRule(writer.clear(name), { secure });
          }
        }
      }),
    );
  });

  test("carries the __Host- prefix and Secure on https, neither on loopback (CWE-614)", () => {
    expect(https.set(https.names.session, "v")).toBe(
      "__Host-session=v; Path=/; HttpOnly; SameSite=Lax; Secure",
    );
    expect(http.set(http.names.session, "v")).toBe("session=v; Path=/; HttpOnly; SameSite=Lax");
  });

  test("rounds Max-Age down to whole seconds, so that no cookie outlives its limit", () => {
    const { attributes } = parseSetCookie(https.set(https.names.session, "v", 1_999));
    expect(attributes.get("max-age")).toBe("1");
  });

  test("clears a cookie with the attributes it was set with (CVE-2025-55162)", () => {
    const set = parseSetCookie(https.set(https.names.session, "v", 1_000)).attributes;
    const cleared = parseSetCookie(https.clear(https.names.session)).attributes;
    expect([...cleared.keys()].toSorted()).toEqual([...set.keys()].toSorted());
    expect(cleared.get("max-age")).toBe("0");
  });

  test("is refused where a browser would drop it for its size (ASVS 3.3.5)", () => {
    expect(() => https.set("a", "x".repeat(4095))).not.toThrow();
    expect(() => https.set("a", "x".repeat(4096))).toThrow(RangeError);
  });
});

describe("a Cookie header", () => {
  test("gives back what was set, among any other cookies", () => {
    const other = fc
      .tuple(fc.stringMatching(/^[a-z]{1,8}$/), value)
      .filter(([name]) => !Object.values(http.names).includes(name));
    fc.assert(
      fc.property(value, value, fc.array(other), (session, refreshToken, others) => {
        const ours = [
          `${http.names.session}=${session}`,
          `${http.names.refreshToken}=${refreshToken}`,
          ...others.map(([name, content]) => `${name}=${content}`),
        ];
        expect(readCookies(ours.toReversed().join("; "), http.names)).toEqual({
          session,
          refreshToken,
          form: null,
          device: null,
        });
      }),
    );
  });

  test("of any bytes never throws, and gives strings or nothing", () => {
    const pieces = fc.oneof(
      anyBytes,
      fc.constantFrom("session=", "session", "=session", ";", " ", "=", "\0"),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const read = readCookies(parts.join(""), http.names);
        if (read === "duplicate") return;
        for (const found of Object.values(read)) {
          if (found === null) continue;
          expect(typeof found).toBe("string");
          expect(found).not.toBe("");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["no header", undefined],
    ["an empty header", ""],
    ["an empty value", "session="],
    ["a name without a value", "session"],
    ["a nameless cookie that spells ours (Cookie Crumbles, __Host- bypass)", "=session=v"],
    ["another case", "SESSION=v"],
    ["a longer name", "xsession=v; session2=v"],
    ["our name inside a value", "a=session=v"],
  ])("with %s is the same as no cookie", (_, header) => {
    expect(readCookies(header, http.names)).toEqual(absent);
  });

  test.each(["session", "refreshToken", "form"] as const)(
    "with two cookies named like our %s is a contradiction, whatever they hold (cookie tossing)",
    (key) => {
      const name = http.names[key];
      fc.assert(
        fc.property(value, fc.option(value), (one, two) => {
          expect(readCookies(`${name}=${one}; a=b;${name}=${two ?? ""}`, http.names)).toBe("duplicate");
        }),
      );
    },
  );

  test("with two device cookies has none, and is otherwise read as ever: tossing one locks nobody out", () => {
    fc.assert(
      fc.property(value, fc.option(value), (one, two) => {
        const header = `device=${one}; session=own; device=${two ?? ""}`;
        expect(readCookies(header, http.names)).toEqual({ ...absent, session: "own" });
      }),
    );
  });

  test("without the prefix is not read on https, where a sibling host could have planted it", () => {
    expect(
      readCookies("session=planted; refresh-token=planted; form=planted; device=planted", https.names),
    ).toEqual(absent);
  });

  test("whose name only looks like ours is another cookie: browsers let a sibling host plant it (CWE-384)", () => {
    for (const letter of ["\u00a0", "\u000b", "\u000c", "\ufeff", "\u2003"]) {
      const names = cookieWriter(true).names;
      expect(readCookies(`${letter}__Host-session=planted`, names)).toEqual(absent);
      expect(readCookies(`__Host-session=own; ${letter}__Host-session=planted`, names)).toMatchObject({
        session: "own",
      });
    }
    expect(readCookies(" \t__Host-session\t= own ", https.names)).toEqual({ ...absent, session: "own" });
  });

  test("of nothing but blanks, before, within and after a name, holds up nobody (CWE-1333)", () => {
    const blanks = " \t".repeat(32_768);
    const started = performance.now();
    for (const header of [`a${blanks}b=1`, `${blanks}b=1`, `session=a${blanks}b`, `a=1;${blanks}`, blanks])
      readCookies(header, http.names);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(readCookies(`${blanks}session${blanks}=${blanks}own${blanks}`, http.names)).toEqual({
      ...absent,
      session: "own",
    });
  });

  test("may hold '=' in a value", () => {
    expect(readCookies("session=b=c==", http.names)).toEqual({ ...absent, session: "b=c==" });
  });
});
