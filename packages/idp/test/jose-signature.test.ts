// ECDSA signatures from DER to what JWS wants: whatever r and s are, also such as hardly ever come up.
import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { flattenedVerify } from "jose";
import { expect, test } from "vitest";
import { joseSignature } from "../src/jose-signature.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

// DER by the book (X.690 §8.3): as few bytes as can be, the first bit is the sign.
function derInteger(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const least = bytes.subarray(start);
  const content = (least[0] ?? 0) < 0x80 ? least : Buffer.concat([Buffer.of(0), least]);
  return Buffer.concat([Buffer.of(2, content.length), content]);
}

function derOf(r: Buffer, s: Buffer): Buffer {
  const content = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

// Also with zeros in front, of which one in 65,000 signatures has two.
const number = fc
  .tuple(fc.nat(32), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([zeros, bytes]) => Buffer.concat([Buffer.alloc(zeros), bytes]).subarray(0, 32));

test("r and s come out as they are, whatever zeros DER leaves out or puts in", () => {
  fc.assert(
    fc.property(number, number, (r, s) => {
      expect(joseSignature(derOf(r, s), 32)).toEqual(Buffer.concat([r, s]));
    }),
    { numRuns: 2_000, examples: [[Buffer.alloc(32), Buffer.alloc(32, 0xff)]] },
  );
});

test("a signature verifies as node:crypto verifies r and s, and as jose does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      const payload = Buffer.from(text).toString("base64url");
      const head = Buffer.from('{"alg":"ES256"}').toString("base64url");
      const content = Buffer.from(`${head}.${payload}`);
      const signature = joseSignature(sign("sha256", content, privateKey), 32);
      expect(verify("sha256", content, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
      const jws = { protected: head, payload, signature: signature.toString("base64url") };
      await expect(flattenedVerify(jws, publicKey)).resolves.toMatchObject({
        protectedHeader: { alg: "ES256" },
      });
    }),
    { numRuns: 300 },
  );
});

function outcome(der: Buffer): number | string {
  try {
    return joseSignature(der, 32).length;
  } catch (error) {
    return error instanceof RangeError ? "RangeError" : String(error);
  }
}

test("what is no signature in DER is an error, never a signature", () => {
  const [r, s] = [Buffer.alloc(32, 0x81), Buffer.alloc(32, 1)];
  const der = derOf(r, s);
  const bad = [
    Buffer.alloc(0),
    Buffer.of(0x30, 0),
    der.subarray(0, -1),
    Buffer.concat([der, Buffer.of(0)]),
    derOf(Buffer.alloc(33, 1), s),
    Buffer.concat([Buffer.of(0x31), der.subarray(1)]),
    Buffer.of(0x30, 4, 2, 0, 2, 0),
    Buffer.of(0x30, 4, 2, 9, 1, 1),
    Buffer.of(0x30, 6, 3, 1, 1, 2, 1, 1),
  ];
  for (const each of bad) expect(() => joseSignature(each, 32)).toThrow(RangeError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect([64, "RangeError"]).toContain(outcome(Buffer.from(bytes)));
    }),
  );
});
