// What guesses at an id meet (WSTG-SESS-01, ASVS 7.2.3): the form of ids, that none repeats, that every bit is as often 1 as
// 0 and independent of its neighbour, and that nothing of the user or of the time is in them. Counted over the ids a
// browser really gets: 100,000 of renewals, 2,000 of sign-ins, each of another person or round.
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSessions, memoryStore } from "../src/index.ts";
import { latchkey, visitor } from "../src/hono.ts";
import { formToken, isFormTokenFor } from "../src/form-token.ts";
import { sealPair } from "../src/sealed-pair.ts";
import { successorSessionId } from "../src/session-id.ts";
import { checkedSettings } from "../src/settings.ts";
import { parseSetCookie } from "../../../test/set-cookie-rule.ts";
import { cookieKey, start } from "./records.ts";

const origin = "https://shop.example.com";
const options = {
  application: "store",
  origin,
  workflow: "sessions" as const,
  cookieKeys: [cookieKey("2026a")],
  publicPaths: ["/"],
  now: () => start,
};

/** A provider that signs in anybody, as the user whose id they give. */
const identityProvider = {
  url: "https://id.example.com",
  applicationId: "10000000-0000-4000-8000-000000000001",
  apiKey: "the key of the API",
  async fetch(request: Request): Promise<Response> {
    const { loginId } = (await request.json()) as { loginId: string };
    const registrations = [{ applicationId: identityProvider.applicationId }];
    return Response.json({
      user: { id: loginId, email: `${loginId}@example.com`, active: true, registrations },
    });
  },
};

const idsOfSignIns: string[] = [];
const idsOfRenewals: string[] = [];
const memory = memoryStore();
const sessions = createSessions({ ...options, identityProvider, store: memory });
const settings = checkedSettings({ ...options, identityProvider, store: memory });

beforeAll(async () => {
  const app = new Hono();
  app.use(latchkey(sessions, { address: () => undefined }));
  app.get("/login", (c) => c.text(visitor(c).formToken()));
  app.post("/login", async (c) => {
    const { outcome } = await visitor(c).signIn(
      (await c.req.parseBody()) as { loginId: unknown; password: unknown },
    );
    return c.text(outcome);
  });
  const form = await app.request(`${origin}/login`);
  const [pair = ""] = form.headers.getSetCookie().map((header) => header.split(";")[0] ?? "");
  const token = await form.text();
  for (let person = 0; person < 2_000; person++) {
    const body = new URLSearchParams({
      loginId: `user-${person}`,
      password: "p",
      "form-token": token,
    }).toString();
    const headers = {
      cookie: pair,
      origin,
      "content-type": "application/x-www-form-urlencoded",
      "content-length": String(body.length),
    };
    const response = await app.request(`${origin}/login`, { method: "POST", headers, body });
    const cookies = response.headers.getSetCookie().map(parseSetCookie);
    idsOfSignIns.push(cookies.find(({ name }) => name === "__Host-session")?.value ?? "");
  }
  // Renewals that differ in one decimal digit only: what a weak function would show.
  for (let round = 0; round < 100_000; round++) {
    const renewal = { previous: String(round), refreshToken: "the same token", attempt: 0 };
    idsOfRenewals.push(successorSessionId(settings.keys.primary, renewal));
  }
}, 120_000);
afterAll(() => sessions.close());

describe.each([
  ["of sign-ins", idsOfSignIns, 2_000],
  ["of renewals", idsOfRenewals, 100_000],
])("session ids %s", (_, ids, count) => {
  test("are 256 bits in 43 characters of base64url, and none repeats (ASVS 7.2.2, 7.2.3, 11.5.1)", () => {
    expect(ids.length).toBe(count);
    expect(ids.filter((id) => !/^[A-Za-z0-9_-]{43}$/.test(id))).toEqual([]);
    expect(ids.filter((id) => Buffer.from(id, "base64url").length !== 32)).toEqual([]);
    expect(new Set(ids).size).toBe(count);
    // Nor do halves of them: what is left after a prefix leaked is still 128 bits.
    for (const half of [(id: string) => id.slice(0, 21), (id: string) => id.slice(22)]) {
      expect(new Set(ids.map(half)).size).toBe(count);
    }
  });

  test("have every bit as often set as not, and no bit that tells of the next (six standard deviations)", () => {
    const ones = new Uint32Array(256);
    const changes = new Uint32Array(256);
    let previous = Buffer.alloc(32);
    for (const id of ids) {
      const bytes = Buffer.from(id, "base64url");
      for (let bit = 0; bit < 256; bit++) {
        const value = bitOf(bytes, bit);
        ones[bit] = (ones[bit] ?? 0) + value;
        changes[bit] = (changes[bit] ?? 0) + (value ^ bitOf(previous, bit));
      }
      previous = bytes;
    }
    const tolerance = 6 * Math.sqrt(count / 4);
    for (const counted of [ones, changes]) {
      expect([...counted].filter((each) => Math.abs(each - count / 2) > tolerance)).toEqual([]);
    }
  });

  test("use all 64 characters evenly at every place (chi-square)", () => {
    // The last character holds 4 bits of the id and 2 that are always 0: 16 characters.
    for (let place = 0; place < 43; place++) {
      const counts = new Map<string, number>();
      for (const id of ids) counts.set(id[place] ?? "", (counts.get(id[place] ?? "") ?? 0) + 1);
      const kinds = place === 42 ? 16 : 64;
      const expected = count / kinds;
      const chiSquare = [...counts.values()].reduce(
        (sum, seen) => sum + (seen - expected) ** 2 / expected,
        0,
      );
      expect(counts.size).toBe(kinds);
      // 63 degrees of freedom have a standard deviation of 11.2: this is beyond seven of them.
      expect(chiSquare).toBeLessThan(63 + 7 * Math.sqrt(2 * 63));
    }
  });
});

function bitOf(bytes: Buffer, bit: number): number {
  return ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
}

describe("what the browser holds", () => {
  test("shows neither user nor time: ids of one user at one instant have nothing in common", () => {
    const one = idsOfSignIns[0] ?? "";
    for (const text of ["user-0", String(start), start.toString(16), "example"]) {
      expect(Buffer.from(one, "base64url").toString("latin1")).not.toContain(text);
    }
  });

  test("no nonce of 20,000 sealed cookies repeats (ASVS 11.3.4)", () => {
    const pair = {
      refreshToken: "the same token",
      session: "the same session",
      signInId: "one",
      userId: "one",
      authenticatedAt: start,
      renewedAt: start,
      remembered: false,
    };
    const seals = new Set<string>();
    for (let round = 0; round < 20_000; round++) {
      const sealed = sealPair(settings.keys, "store", pair, settings.randomBytes(12));
      seals.add(
        Buffer.from(sealed.split(".")[1] ?? "", "base64url")
          .subarray(0, 12)
          .toString("base64url"),
      );
    }
    expect(seals.size).toBe(20_000);
  });

  test("form tokens of one sign-in never look the same, and all count", () => {
    const binding = { signInId: "one" };
    const tokens = Array.from({ length: 10_000 }, () =>
      formToken(settings.keys, binding, settings.randomBytes(16)),
    );
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens.every((token) => isFormTokenFor(settings.keys, binding, token))).toBe(true);
  });
});
