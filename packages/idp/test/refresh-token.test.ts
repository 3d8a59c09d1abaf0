import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createRefreshTokenCodec,
  decodeRefreshToken,
  LAST_GENERATION,
  layOut,
  type TokenRow,
} from "../src/refresh-token.ts";

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const keyId = fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/);
const generation = fc.integer({ min: 0, max: LAST_GENERATION });
const row: fc.Arbitrary<TokenRow> = fc.record({
  id: fc.uuid(),
  secret: bytes32,
  tenantId: fc.uuid(),
  applicationId: fc.uuid(),
});
const ring = fc.record({ id: keyId, secret: bytes32 });

test("any text is a claimed token or null, never an error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[A-Za-z0-9_-]*$/)), (text) => {
      const claimed = decodeRefreshToken(text);
      // What is read must be the one spelling of what it says.
      expect(claimed === null || layOut(claimed) === text).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("what was laid out is read back, in at most 191 characters", () => {
  fc.assert(
    fc.property(keyId, fc.uuid(), generation, bytes32, (keyId, id, generation, mac) => {
      const text = layOut({ keyId, id, generation, mac });
      expect(text.length).toBeLessThanOrEqual(191);
      expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(decodeRefreshToken(text)).toEqual({ keyId, id, generation, mac });
    }),
  );
});

test("an issued token is genuine for its row, and always the same text", () => {
  fc.assert(
    fc.property(ring, row, generation, (key, row, generation) => {
      const codec = createRefreshTokenCodec({ keys: [key] });
      const text = codec.encode(row, generation, key.id);
      expect(codec.encode(row, generation, key.id)).toBe(text);
      const claimed = decodeRefreshToken(text);
      expect(claimed !== null && codec.isGenuine(claimed, row)).toBe(true);
    }),
  );
});

test("a changed character, another row, tenant, application, secret or key is not genuine", () => {
  const key = { id: "k1", secret: Buffer.alloc(32, 1) };
  const codec = createRefreshTokenCodec({ keys: [key] });
  const others = createRefreshTokenCodec({ keys: [{ id: "k1", secret: Buffer.alloc(32, 2) }] });
  fc.assert(
    fc.property(row, row, generation, fc.nat(), fc.nat(63), (mine, other, generation, at, letter) => {
      const text = codec.encode(mine, generation, "k1");
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const place = at % text.length;
      const changed = text.slice(0, place) + (alphabet[letter] ?? "") + text.slice(place + 1);
      fc.pre(changed !== text);
      const claimed = decodeRefreshToken(changed);
      expect(claimed !== null && codec.isGenuine(claimed, mine)).toBe(false);

      const genuine = decodeRefreshToken(text);
      if (genuine === null) throw new Error("unreadable");
      expect(others.isGenuine(genuine, mine)).toBe(false);
      // fast-check gives each row ids and a secret of its own.
      for (const member of ["id", "tenantId", "applicationId", "secret"] as const) {
        fc.pre(String(other[member]) !== String(mine[member]));
        expect(codec.isGenuine(genuine, { ...mine, [member]: other[member] })).toBe(false);
      }
    }),
  );
});

test("a key that left the ring makes nothing genuine any more", () => {
  const keys = [
    { id: "old", secret: Buffer.alloc(32, 1) },
    { id: "new", secret: Buffer.alloc(32, 2) },
  ];
  const row = {
    id: crypto.randomUUID(),
    secret: Buffer.alloc(32, 3),
    tenantId: crypto.randomUUID(),
    applicationId: crypto.randomUUID(),
  };
  const claimed = decodeRefreshToken(createRefreshTokenCodec({ keys }).encode(row, 7, "old"));
  if (claimed === null) throw new Error("unreadable");
  expect(createRefreshTokenCodec({ keys: keys.toReversed() }).isGenuine(claimed, row)).toBe(true);
  expect(createRefreshTokenCodec({ keys: keys.slice(1) }).isGenuine(claimed, row)).toBe(false);
});

test("a generation that does not fit is an error, never the token of another one", () => {
  const codec = createRefreshTokenCodec({ keys: [{ id: "k1", secret: Buffer.alloc(32, 1) }] });
  const [id, tenantId, applicationId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const row = { id, tenantId, applicationId, secret: Buffer.alloc(32, 3) };
  expect(() => codec.encode(row, LAST_GENERATION + 1, "k1")).toThrow(RangeError);
  expect(decodeRefreshToken(codec.encode(row, LAST_GENERATION, "k1"))?.generation).toBe(LAST_GENERATION);
});

test("tokens are what they were in earlier releases", () => {
  const codec = createRefreshTokenCodec({ keys: [{ id: "2026-1", secret: Buffer.alloc(32, 1) }] });
  const row = {
    id: "0f1e2d3c-4b5a-4697-8877-665544332211",
    tenantId: "11111111-2222-4333-8444-555555555555",
    applicationId: "5d562fea-9ba9-4d5c-b4a3-e57bb254d6db",
    secret: Buffer.alloc(32, 3),
  };
  expect(codec.encode(row, 7, "2026-1")).toBe(
    "BjIwMjYtMQ8eLTxLWkaXiHdmVUQzIhEAAAAH7RRkNTY71gGDAygYBSIgYHU9YUBcxfHUSqV4HAYjiFo",
  );
});
