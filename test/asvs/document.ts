/** docs/asvs.md as text: for each row the tests that verify it, or why none does. */
import type { Remark, Row } from "./row.ts";
import type { Tagged } from "./tags.ts";

/** A chapter of the standard. */
export interface Chapter {
  readonly title: string;
  readonly rows: readonly Row[];
}

const mostShown = 3;

const preface = `# ASVS 5.0, row by row

Written by \`npm run asvs\` from the names of the tests, which end in the rows they verify; \`test/asvs.test.ts\` fails when
it is stale. What rows ask for is said in a few words of our own; the standard's text is at
https://github.com/OWASP/ASVS. A test named here verifies the row for the parts it names in its file: the library
(\`packages/session\`), the provider (\`packages/idp\`), the two applications (\`apps\`, \`test/matrix\`), or all of them in
Chromium (\`test/browser\`). Chapters that are not here are not claimed.

- **does not apply**: there is nothing here that the row could be about.
- **the operator's**: only whoever runs it can do this.
- **in writing**: the row asks for a text; this is where it stands.
- **not there**: the row applies, and is not met.
`;

/** The whole document. */
export function asvsDocument(chapters: readonly Chapter[], tagged: readonly Tagged[]): string {
  return [
    preface,
    summary(chapters, tagged),
    ...chapters.map((chapter) => chapterText(chapter, tagged)),
  ].join("\n");
}

function summary(chapters: readonly Chapter[], tagged: readonly Tagged[]): string {
  const lines = chapters.map(({ title, rows }) => {
    const tested = rows.filter((row) => testsOf(row, tagged).length > 0).length;
    const remarked = (kind: Remark["kind"]) => rows.filter(({ remark }) => remark?.kind === kind).length;
    const counts = [
      tested,
      remarked("in writing"),
      remarked("the operator's"),
      remarked("does not apply"),
      remarked("not there"),
    ];
    return `| ${title} | ${rows.length} | ${counts.join(" | ")} |`;
  });
  const head = "| chapter | rows | tested | in writing | the operator's | does not apply | not there |";
  return `${head}\n| --- | --: | --: | --: | --: | --: | --: |\n${lines.join("\n")}\n`;
}

function chapterText({ title, rows }: Chapter, tagged: readonly Tagged[]): string {
  const lines = rows.map((each) => {
    const answers = [...shown(testsOf(each, tagged)), ...(each.remark === null ? [] : [said(each.remark)])];
    return `| ${each.id} | ${each.level} | ${inCell(each.about)} | ${answers.join("<br>")} |`;
  });
  return `## ${title}\n\n| row | level | asks for | verified by, or why not |\n| --- | --- | --- | --- |\n${lines.join("\n")}\n`;
}

/** The tests that are tagged with a row. */
export function testsOf({ id }: Row, tagged: readonly Tagged[]): Tagged[] {
  return tagged.filter(({ rows }) => rows.includes(id));
}

function shown(tests: readonly Tagged[]): string[] {
  const lines = tests
    .slice(0, mostShown)
    .map(({ file, name }) => `[${inCell(name)}](../${file}) <sub>${file}</sub>`);
  const more = tests.length - mostShown;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function said({ kind, text }: Remark): string {
  return kind === "note" ? inCell(text) : `**${kind}**: ${inCell(text)}`;
}

/** Text that neither ends a table's cell nor becomes markup in it. */
function inCell(text: string): string {
  return text.replace(/[|<>[\]*_`\\]/g, (character) =>
    character === "<" ? "&lt;" : character === ">" ? "&gt;" : `\\${character}`,
  );
}
