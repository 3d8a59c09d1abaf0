// Results on paper: what a scenario has found as Markdown, and RESULTS.md of all that were run, each with when and where. The sections are kept in
// results.json, so that one can be measured again by itself.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { barChart } from "./chart.ts";
import type { Section, Table } from "./section.ts";

interface Kept {
  readonly section: Section;
  /** When, at which commit, on what, how busy. */
  readonly run: string;
}

const file = (name: string) => join(import.meta.dirname, name);

/** A section as Markdown, one heading deep. */
export function printed({ title, text, tables, targets }: Section): string {
  const reached = {
    columns: ["to reach", "target", "measured", "the limit", ""],
    rows: targets.map(({ what, wanted, measured, limit = "", isReached, isBeyond = false }) => [
      what,
      wanted,
      measured,
      limit,
      isReached ? "reached" : isBeyond ? "**missed**, beyond the limit" : "**missed**",
    ]),
  };
  return [
    `## ${title}`,
    text,
    ...(targets.length === 0 ? [] : [markdown(reached)]),
    ...tables.map(markdown),
  ].join("\n\n");
}

function markdown({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const heading = title === undefined ? [] : [`${title}:`, ""];
  return [...heading, line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Keeps a section in the place of the one there was, and writes RESULTS.md and the charts anew. */
export function keep(name: string, order: readonly string[], section: Section): void {
  const results = file("results.json");
  const before = existsSync(results)
    ? (JSON.parse(readFileSync(results, "utf8")) as Record<string, Kept>)
    : {};
  const all: Record<string, Kept> = { ...before, [name]: { section, run: aboutThisRun() } };
  const kept = Object.fromEntries(
    order.flatMap((each) => (all[each] === undefined ? [] : [[each, all[each]]])),
  );
  writeFileSync(results, `${JSON.stringify(kept, null, 2)}\n`);
  const missing = order.filter((each) => !(each in kept));
  writeFileSync(file("RESULTS.md"), document(Object.values(kept), missing));
  mkdirSync(file("charts"), { recursive: true });
  for (const chart of section.charts) writeFileSync(file(`charts/${chart.file}.svg`), barChart(chart));
}

function aboutThisRun(): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  const processor = cpus()[0]?.model.trim() ?? "an unknown processor";
  const load = loadavg()[0]?.toFixed(1);
  return `${new Date().toISOString().slice(0, 16)}Z, commit ${commit.trim()}, Node ${process.versions.node}, ${cpus().length} cores of ${processor}; load at the end ${load}`;
}

function document(kept: readonly Kept[], missing: readonly string[]): string {
  const versions = JSON.parse(readFileSync(file("package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const peers = Object.entries(versions.devDependencies).map(([name, version]) => `${name} ${version}`);
  const targets = kept.flatMap(({ section }) => section.targets);
  const reached = targets.filter(({ isReached }) => isReached).length;
  const limited = targets.filter(({ isReached, limit }) => !isReached && limit !== undefined);
  const beyond = limited.filter(({ isBeyond }) => isBeyond).length;
  const head = `# What was measured

Written by \`npm run bench\`; [docs/performance.md](../docs/performance.md) says what the numbers mean, and what was tried where a target is missed.
${reached} of ${targets.length} targets are reached. Of the others ${limited.length} were measured beside the limit, and it misses ${beyond} of them as well: it is **the same work with everything of ours taken away**
(\`bench/servers/limit-*.ts\`: same framework, client and database, and what makes Latchkey quick; no product, since it has no forgery guard, no limits, no renewal, and finds no theft).${missing.length === 0 ? "" : ` Not run in full yet, and so not in here: ${missing.join(", ")}.`}

**How to read it.** The server that is measured has core 0 for itself; the load, and Redis or Postgres where there is one, share core 1, so their CPU is in no
number unless it is named. Candidates take turns, round by round, in an order that moves on by one. **A ratio is the median of the ratios within the
rounds, and beside each number stand the least and the most of all rounds.** CPU is what the server's process has used, by its own count, a request.
Latencies are at saturation, which is mostly waiting in line: compare them within a table. Absolute numbers are this machine's on that day;
ratios and CPU are what carries over. Before anything is measured each candidate has to show that it does the work, and the run ends if one does not.

Peers: ${peers.join(", ")}.
`;
  const body = kept.map(({ section, run }) => {
    const charts = section.charts.map(({ file, title }) => `![${title}](charts/${file}.svg)`);
    return [printed(section), ...charts, `*${run}.*`].join("\n\n");
  });
  return `${[head, ...body].join("\n")}\n`;
}
