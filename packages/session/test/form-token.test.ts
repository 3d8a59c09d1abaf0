// The form token: good for the sign-in or the visitor it was made for, under any key of the ring, and for nobody else.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formToken, isFormTokenFor } from "../src/form-token.ts";
import { keyRing } from "../src/key-ring.ts";
import { cookieKey, newRing } from "./records.ts";

const ring = newRing("a");
const ofSignIn = { signInId: "one" };
const ofVisitor = { formCookie: "one" };
const newToken = (binding: { signInId: string } | { formCookie: string }, keys = ring) =>
  formToken(keys, binding, randomBytes(16));

describe("a form token", () => {
  test("is good for what it is bound to, as often as it is made, and never looks the same (BREACH)", () => {
    const tokens = [newToken(ofSignIn), newToken(ofSignIn), newToken(ofSignIn)];
    expect(new Set(tokens).size).toBe(3);
    for (const token of tokens) expect(isFormTokenFor(ring, ofSignIn, token)).toBe(true);
    expect(isFormTokenFor(ring, ofVisitor, newToken(ofVisitor))).toBe(true);
  });

  test("of one sign-in is nothing to another, and of one visitor nothing to another (CWE-352)", () => {
    const different = fc.tuple(fc.string(), fc.string()).filter(([one, two]) => one !== two);
    fc.assert(
      fc.property(different, ([one, two]) => {
        expect(isFormTokenFor(ring, { signInId: two }, newToken({ signInId: one }))).toBe(false);
        expect(isFormTokenFor(ring, { formCookie: two }, newToken({ formCookie: one }))).toBe(false);
      }),
    );
  });

  test("of a visitor is nothing to a sign-in of the same name, and the other way round (CORF)", () => {
    expect(isFormTokenFor(ring, ofSignIn, newToken(ofVisitor))).toBe(false);
    expect(isFormTokenFor(ring, ofVisitor, newToken(ofSignIn))).toBe(false);
    expect(isFormTokenFor(ring, { signInId: "visitor\nx" }, newToken({ formCookie: "x" }))).toBe(false);
  });

  test("survives a key roll until its key is retired", () => {
    const [old, next] = [cookieKey("old"), cookieKey("new")];
    const token = newToken(ofSignIn, keyRing([old], "store"));
    expect(isFormTokenFor(keyRing([next, old], "store"), ofSignIn, token)).toBe(true);
    expect(isFormTokenFor(keyRing([next], "store"), ofSignIn, token)).toBe(false);
  });

  test("of another application is nothing", () => {
    const key = cookieKey("k");
    expect(
      isFormTokenFor(keyRing([key], "forum"), ofSignIn, newToken(ofSignIn, keyRing([key], "store"))),
    ).toBe(false);
  });

  test("with one character changed is nothing", () => {
    const token = newToken(ofSignIn);
    // The last character of the salt holds four bits that no byte has; changed there, the salt is the same.
    for (const at of Array.from(token, (_, at) => at).filter((at) => at !== 21 && at !== token.length - 1)) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(isFormTokenFor(ring, ofSignIn, changed)).toBe(false);
    }
  });

  test("is no other string, and none is an exception", () => {
    const shaped = fc
      .tuple(fc.stringMatching(/^[A-Za-z0-9_-]{22}$/), fc.stringMatching(/^[A-Za-z0-9_-]{43}$/))
      .map(([salt, tag]) => `${salt}.${tag}`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), shaped), (token) => {
        expect(isFormTokenFor(ring, ofSignIn, token)).toBe(false);
      }),
    );
    expect(isFormTokenFor(ring, ofSignIn, undefined)).toBe(false);
    expect(isFormTokenFor(ring, ofSignIn, "")).toBe(false);
  });
});
