// Session ids: unguessable, the same on every node for the same renewal, and known to the store by their hash alone.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isReplacedAttempt, isSessionId, sessionHash, successorSessionId } from "../src/session-id.ts";
import { cookieKey, newRing } from "./records.ts";
import { keyRing } from "../src/key-ring.ts";

const ring = newRing("new", "old");
const hashOfStore = (id: string) => sessionHash("store", id);
const renewal = { previous: "hash-0", refreshToken: "the-next-refresh-token", attempt: 0 };

describe("a session id", () => {
  test("is 43 characters of base64url, and nothing else is one", () => {
    expect(isSessionId(randomBytes(32).toString("base64url"))).toBe(true);
    expect(isSessionId(successorSessionId(ring.primary, renewal))).toBe(true);
    const wrong = fc.string({ unit: "binary" }).filter((text) => !/^[A-Za-z0-9_-]{43}$/.test(text));
    fc.assert(fc.property(wrong, (text) => !isSessionId(text)));
    for (const text of ["", "a".repeat(42), "a".repeat(44), `${"a".repeat(43)}\n`, `${"a".repeat(42)}+`]) {
      expect(isSessionId(text)).toBe(false);
    }
  });

  test("is stored under another hash at another application, so that a shared store opens nothing", () => {
    const id = randomBytes(32).toString("base64url");
    expect(sessionHash("forum", id)).not.toBe(sessionHash("store", id));
  });

  test("is stored as a hash that differs from it", () => {
    const id = randomBytes(32).toString("base64url");
    expect(hashOfStore(id)).not.toBe(id);
    expect(hashOfStore(id)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});

describe("the session id after a renewal", () => {
  test("is the same on every node that holds the key", () => {
    const key = cookieKey("k");
    const [one, two] = [keyRing([key], "store"), keyRing([key, cookieKey("other")], "store")];
    expect(successorSessionId(one.primary, renewal)).toBe(successorSessionId(two.primary, renewal));
  });

  test("differs for another previous session, refresh token, attempt, key or application", () => {
    const key = cookieKey("k");
    const store = keyRing([key], "store").primary;
    const others = [
      successorSessionId(store, renewal),
      successorSessionId(store, { ...renewal, previous: "hash-1" }),
      successorSessionId(store, { ...renewal, refreshToken: "another" }),
      successorSessionId(store, { ...renewal, attempt: 1 }),
      successorSessionId(keyRing([key], "forum").primary, renewal),
      successorSessionId(newRing("k").primary, renewal),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  test("does not repeat over many renewals (WSTG-SESS-01)", () => {
    const ids = new Set<string>();
    for (let round = 0; round < 10_000; round++) {
      ids.add(successorSessionId(ring.primary, { ...renewal, previous: `hash-${round}` }));
    }
    expect(ids.size).toBe(10_000);
  });
});

describe("a replaced attempt", () => {
  const signIn = { previous: "hash-0", attempt: 2 };
  const presented = (attempt: number, key = ring.primary) => ({
    session: hashOfStore(successorSessionId(key, { ...renewal, attempt })),
    refreshToken: renewal.refreshToken,
  });
  const isReplaced = (pair: ReturnType<typeof presented>, of: Parameters<typeof isReplacedAttempt>[3]) =>
    isReplacedAttempt(ring, hashOfStore, pair, of);

  test("is recognised under every key of the ring", () => {
    for (const key of ring.all) {
      expect(isReplaced(presented(0, key), signIn)).toBe(true);
      expect(isReplaced(presented(1, key), signIn)).toBe(true);
    }
  });

  test("is neither the attempt that counts, nor a later one, nor one of another renewal", () => {
    expect(isReplaced(presented(2), signIn)).toBe(false);
    expect(isReplaced(presented(3), signIn)).toBe(false);
    expect(isReplaced(presented(0), { ...signIn, previous: "hash-9" })).toBe(false);
    expect(isReplaced(presented(0), { ...signIn, previous: null })).toBe(false);
    expect(isReplaced({ ...presented(0), refreshToken: "another refresh token" }, signIn)).toBe(false);
    expect(isReplaced(presented(0), { ...signIn, attempt: 0 })).toBe(false);
  });
});
