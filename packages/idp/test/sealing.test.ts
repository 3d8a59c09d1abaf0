import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSealing } from "../src/sealing.ts";

const k1 = { id: "k1", secret: Buffer.alloc(32, 1) };
const k2 = { id: "k2", secret: Buffer.alloc(32, 2) };
const sealing = createSealing({ keys: [k1], randomBytes });

test("what was sealed is opened by what it is about, and by nothing else", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.string(), (plain, about, other) => {
      fc.pre(about !== other);
      const sealed = sealing.seal(plain, about);
      expect(sealing.open(sealed, about)).toBe(plain);
      expect(() => sealing.open(sealed, other)).toThrow(expect.objectContaining({ code: "cannot-unseal" }));
    }),
  );
});

test("any text that was not sealed here is refused with the one error", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String().map((text) => `k1.${text}`),
      ),
      (text) => {
        expect(() => sealing.open(text, "x")).toThrow(expect.objectContaining({ code: "cannot-unseal" }));
      },
    ),
  );
});

test("two seals of one text differ, and every changed byte is noticed", () => {
  const sealed = sealing.seal("secret text", "x");
  expect(sealing.seal("secret text", "x")).not.toBe(sealed);
  const bytes = Buffer.from(sealed.slice(3), "base64url");
  for (const at of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    expect(() => sealing.open(`k1.${changed.toString("base64url")}`, "x")).toThrow(/opens x/);
  }
});

test("the first key writes, all open, and what an older key sealed says so", () => {
  const rolled = createSealing({ keys: [k2, k1], randomBytes });
  const old = sealing.seal("text", "x");
  expect([rolled.open(old, "x"), rolled.isCurrent(old), rolled.isCurrent(rolled.seal("text", "x"))]).toEqual([
    "text",
    false,
    true,
  ]);
});

test("what was sealed is told from anything else, and again, without a look at whom it was compared with before", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (plain, other, about) => {
      fc.pre(plain !== other);
      const sealed = sealing.seal(plain, about);
      const [anew, elsewhere] = [sealing.seal(other, about), `not ${about}`];
      const answers = [plain, other, plain].map((text) => sealing.holds(sealed, about, text));
      expect(answers).toEqual([true, false, true]);
      expect([sealing.holds(anew, about, other), sealing.holds(anew, about, plain)]).toEqual([true, false]);
      // Also where it was opened before: the row is part of what is remembered.
      expect(() => sealing.holds(sealed, elsewhere, plain)).toThrow(
        expect.objectContaining({ code: "cannot-unseal" }),
      );
    }),
  );
});
