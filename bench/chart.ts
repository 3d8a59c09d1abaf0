// Bar charts as SVG, readable on a light and on a dark page.
import { type Chart, number } from "./section.ts";

const width = 800;
const labels = 330;
const rowHeight = 30;
const top = 58;

/** A horizontal bar for each candidate, ours marked. */
export function barChart({ title, unit, bars }: Chart): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = width - labels - 90;
  const rows = bars.map(({ name, value, isOurs }, index) => {
    const y = top + index * rowHeight;
    const length = Math.max(1, (value / most) * room);
    return [
      `<text x="${labels - 10}" y="${y + 16}" text-anchor="end" class="${isOurs ? "ours" : "other"}">${escaped(name)}</text>`,
      `<rect x="${labels}" y="${y + 2}" width="${length.toFixed(1)}" height="19" rx="2" class="${isOurs ? "bar-ours" : "bar-other"}"/>`,
      `<text x="${(labels + length + 8).toFixed(1)}" y="${y + 16}" class="value">${number(value, value < 100 ? 1 : 0)}</text>`,
    ].join("\n");
  });
  const height = top + bars.length * rowHeight + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>
  text { font: 14px system-ui, sans-serif; fill: #333 }
  .title { font-size: 17px; font-weight: 600 }
  .unit, .value { fill: #666 }
  .ours { font-weight: 600 }
  .bar-ours { fill: #0b7a75 }
  .bar-other { fill: #b9c3c9 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd }
    .unit, .value { fill: #aaa }
    .bar-ours { fill: #35b5ad }
    .bar-other { fill: #5b666d }
  }
</style>
<text x="0" y="20" class="title">${escaped(title)}</text>
<text x="0" y="42" class="unit">${escaped(unit)}</text>
${rows.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
