/**
 * Every patch of lab/sabotage/ still applies to today's tree and leaves TypeScript that parses. Whether the tests it
 * names notice it takes minutes: `npm run mutants`.
 */
import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyPatch, patchedFiles, patches, type WeakenedCopy, weakenedCopy } from "../lab/sabotage.ts";

let copy: WeakenedCopy;
beforeAll(() => {
  copy = weakenedCopy([]);
});
afterAll(() => copy.dispose());

describe("a patch", () => {
  test.each(patches())("applies, and changes code that parses: $name", ({ name, tests }) => {
    const files = patchedFiles(name).map((file) => join(copy.folder, file));
    expect(files).not.toEqual([]);
    const before = files.map((file) => readFileSync(file, "utf8"));
    applyPatch(copy.folder, name);
    const patched = files.map((file) => readFileSync(file, "utf8"));
    applyPatch(copy.folder, name, "reverse");

    for (const code of patched) expect(() => stripTypeScriptTypes(code)).not.toThrow();
    expect(patched).not.toEqual(before);
    expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(before);
    expect(tests.filter((path) => !existsSync(join(copy.folder, path)))).toEqual([]);
  });

  test("that does not apply, or is not there, is an error", () => {
    expect(() => weakenedCopy(["no-such-patch"])).toThrow(/no-such-patch/);
    expect(() => weakenedCopy(["pair-not-bound", "pair-not-bound"])).toThrow(/does not apply|patch failed/);
  });
});
