/**
 * Which tests verify which rows: read from the names in the test files themselves, which end in "(ASVS 7.4.1)" or
 * "(ASVS 7.4.1, 7.4.2)". It reads text and runs nothing.
 */
import { globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

/** A test, or a group of tests, that says which rows it verifies. */
export interface Tagged {
  /** From the project's root, with "/". */
  readonly file: string;
  /** Without the tag. */
  readonly name: string;
  readonly rows: readonly string[];
}

const root = join(import.meta.dirname, "../..");
// Suites that several test files run stand in files of other names.
const testFolders = ["packages/*/test/**/*.ts", "apps/*/test/**/*.ts", "test/**/*.ts"];

// The first argument of a call: a name in one piece, on one line. What stands before it ends the call's head.
const names = /[(,]\s*(?:"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\\n]|\\.)*)`)\s*,/g;
const tag = /\s*\((?:([^()]*), )?ASVS (\d+\.\d+\.\d+(?:, \d+\.\d+\.\d+)*)\)$/;

/** Every tagged test of the project, by file and in order. */
export function taggedTests(): Tagged[] {
  return filesOfTests().flatMap(({ file, text }) => tagsIn(text).map((found) => ({ file, ...found })));
}

/** The tagged names in a test file's text. */
export function tagsIn(text: string): Omit<Tagged, "file">[] {
  return namesIn(text).flatMap((name) => {
    const [whole, beside, rows] = tag.exec(name) ?? [];
    if (whole === undefined || rows === undefined) return [];
    const rest = name.slice(0, -whole.length);
    return [{ name: beside === undefined ? rest : `${rest} (${beside})`, rows: rows.split(", ") }];
  });
}

/** Names with "ASVS" in them that are not tags: they would be overlooked. */
export function misspelt(): string[] {
  return filesOfTests().flatMap(({ file, text }) =>
    namesIn(text)
      .filter((name) => /\bASVS\b/.test(name) && !tag.test(name))
      .map((name) => `${file}: ${name}`),
  );
}

function filesOfTests(): { file: string; text: string }[] {
  const files = testFolders.flatMap((pattern) => globSync(pattern, { cwd: root }));
  return files
    .filter((file) => !file.includes("node_modules"))
    .map((file) => ({ file: file.split(sep).join("/"), text: readFileSync(join(root, file), "utf8") }))
    .sort((one, other) => (one.file < other.file ? -1 : 1));
}

function namesIn(text: string): string[] {
  return [...text.matchAll(names)].map(([, quoted, template]) =>
    (quoted ?? template ?? "").replace(/\\(["'`\\])/g, "$1"),
  );
}
