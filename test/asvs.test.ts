// docs/asvs.md says what the tests say: no row without a test or a reason, no tag for a row that is not there, nothing stale.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { chapters, elsewhere } from "./asvs/chapters.ts";
import { asvsDocument, testsOf } from "./asvs/document.ts";
import { row } from "./asvs/row.ts";
import { misspelt, type Tagged, taggedTests, tagsIn } from "./asvs/tags.ts";

const tagged = taggedTests();
const rows = chapters.flatMap(({ rows }) => rows);

describe("docs/asvs.md", () => {
  test("is what `npm run asvs` writes", () => {
    const written = readFileSync(join(import.meta.dirname, "../docs/asvs.md"), "utf8");
    expect(written === asvsDocument(chapters, tagged), "stale: run `npm run asvs`").toBe(true);
  });

  test("has a test or a reason for every row", () => {
    const bare = rows.filter((each) => each.remark === null || each.remark.kind === "note");
    expect(bare.filter((each) => testsOf(each, tagged).length === 0).map(({ id }) => id)).toEqual([]);
  });

  test("gives no reason against a row that a test verifies", () => {
    const excused = rows.filter(
      ({ remark }) => remark !== null && /does not apply|not there/.test(remark.kind),
    );
    expect(excused.filter((each) => testsOf(each, tagged).length > 0).map(({ id }) => id)).toEqual([]);
  });

  test("has every row once, in order", () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { rows: ofChapter } of chapters) {
      const numbers = ofChapter.map(({ id }) => id.split(".").map(Number));
      const places = numbers.map(([, section = 0, place = 0]) => section * 100 + place);
      expect(places).toEqual(places.toSorted((one, other) => one - other));
    }
  });
});

describe("tags", () => {
  test("name rows that there are", () => {
    const known = new Set([...rows.map(({ id }) => id), ...elsewhere]);
    const unknown = tagged.flatMap(({ file, name, rows: named }) =>
      named.filter((id) => !known.has(id)).map((id) => `${id} in ${file}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test("stand at the end of a name, where they are found", () => {
    expect(misspelt()).toEqual([]);
  });

  test("are read from names of one kind or the other, and from nothing else", () => {
    // Put together here, so that these are no tags themselves.
    const asvs = ["AS", "VS"].join("");
    const text = [
      `test("one (${asvs} 7.4.1)", () => {});`,
      `test.each(list)(\`two \\\`x\\\` (${asvs} 7.4.1, 10.4.5)\`, () => {});`,
      `describe("three (CWE-203, ${asvs} 6.3.8)", () => {});`,
      `test.each(list)(\n  "four (CWE-352) (${asvs} 3.5.1)",\n  () => {},\n);`,
      `test.each(list)("five (%s, ${asvs} 3.5.1)", () => {});`,
      `// six (${asvs} 7.4.1)`,
      `test("seven (${asvs} 7.4.1), and more", () => {});`,
      `expect(x).toBe("eight (${asvs} 7.4.1)");`,
    ].join("\n");
    const found: Omit<Tagged, "file">[] = [
      { name: "one", rows: ["7.4.1"] },
      { name: "two `x`", rows: ["7.4.1", "10.4.5"] },
      { name: "three (CWE-203)", rows: ["6.3.8"] },
      { name: "four (CWE-352)", rows: ["3.5.1"] },
      { name: "five (%s)", rows: ["3.5.1"] },
    ];
    expect(tagsIn(text)).toEqual(found);
  });

  test("in a table show as text, whatever stands in a name", () => {
    const chapter = { title: "V0", rows: [row("0.0.1", 1, "a | b")] };
    const text = asvsDocument([chapter], [{ file: "x.test.ts", name: "<b> | [x] `y`", rows: ["0.0.1"] }]);
    expect(text).toContain("| 0.0.1 | 1 | a \\| b | [&lt;b&gt; \\| \\[x\\] \\`y\\`](../x.test.ts)");
  });
});
