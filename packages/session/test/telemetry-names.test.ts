// docs/telemetry.md is a promise: it lists the very names that the code has, of both packages.
import { readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import * as idpFields from "../../idp/src/telemetry/fields.ts";
import * as idpLines from "../../idp/src/telemetry/lines.ts";
import * as idpPino from "../../idp/src/telemetry/pino.ts";
import * as idpMetrics from "../../idp/src/telemetry/prometheus.ts";
import * as fields from "../src/telemetry/fields.ts";
import * as lines from "../src/telemetry/lines.ts";
import * as pino from "../src/telemetry/pino.ts";
import * as metrics from "../src/telemetry/prometheus.ts";

const document = readFileSync(new URL("../../../docs/telemetry.md", import.meta.url), "utf8");

/** The cells of the table under a heading, without its head. */
function table(heading: string): string[][] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (text: string) => `\`${text}\``;

test.each([
  ["Events of the library", "session", lines.lines],
  ["Events of the provider", "idp", idpLines.lines],
] as const)("%s and their levels", (heading, prefix, all) => {
  const listed = table(heading).map(([name, level]) => [name, level]);
  expect(listed).toEqual(
    Object.entries(all).map(([type, [level]]) => [code(`latchkey.${prefix}.${type}`), level]),
  );
});

test("Fields, and which package has them", () => {
  const of = (names: Readonly<Record<string, string | null>>) =>
    new Set(["event.name", ...Object.values(names).filter((name) => name !== null)]);
  const [library, provider] = [of(fields.fieldNames), of(idpFields.fieldNames)];
  const expected = [...new Set([...library, ...provider])].map((name) => {
    const isOfBoth = library.has(name) && provider.has(name);
    return `${code(name)} ${isOfBoth ? "both" : library.has(name) ? "library" : "provider"}`;
  });
  const listed = table("Fields").map(([name, , packages]) => `${name} ${packages}`);
  expect(listed.toSorted()).toEqual(expected.toSorted());
});

/** What prom-client keeps of a metric besides what its types say. */
interface Described {
  readonly name: string;
  readonly labelNames: readonly string[];
  readonly help: string;
}

function described(count: (register: Registry) => () => void): string[][] {
  const register = new Registry();
  count(register);
  return (register.getMetricsAsArray() as unknown as Described[]).map((metric) => {
    const labels = metric.labelNames.filter((label) => label !== "application").map(code);
    return [code(metric.name), metric.constructor.name.toLowerCase(), labels.join(", ") || "–"];
  });
}

test.each([
  ["Metrics of the library", metrics.countEvents],
  ["Metrics of the provider", idpMetrics.countEvents],
] as const)("%s, their types and labels", (heading, count) => {
  expect(table(heading).map((row) => row.slice(0, 3))).toEqual(described(count));
});

test("metrics keep Prometheus' rules: counters end in _total, times are seconds, every one says what it is", () => {
  for (const count of [metrics.countEvents, idpMetrics.countEvents]) {
    const register = new Registry();
    count(register);
    for (const metric of register.getMetricsAsArray() as unknown as Described[]) {
      const kind = metric.constructor.name;
      const unit = kind === "Histogram" ? /_seconds$/ : /./;
      expect(metric.name).toMatch(/^latchkey_(session|idp)_[a-z_]+$/);
      expect(metric.name.endsWith("_total")).toBe(kind === "Counter");
      expect(metric.name).toMatch(unit);
      expect(metric.name).not.toMatch(/milli|_ms\b|minutes/);
      expect(metric.help.length).toBeGreaterThan(10);
      expect(metric.labelNames).not.toContain("address");
    }
  }
});

test("alerts are made of metrics there are", () => {
  const known = [metrics.countEvents, idpMetrics.countEvents].flatMap(described).map(([name]) => name);
  const used = document.match(/latchkey_(?:session|idp)_[a-z_]+/g) ?? [];
  expect(used.length).toBeGreaterThan(50);
  for (const name of new Set(used)) expect(known).toContain(code(name));
});

test("Both packages redact the same paths", () => {
  expect(pino.redactedPaths.length).toBeGreaterThan(50);
  expect(pino.redactedPaths).toEqual(idpPino.redactedPaths);
});
