// Line charts over one time axis, one below the other, as an SVG of its own.

/** One line. */
export interface Line {
  readonly title: string;
  /** Seconds, and the value then. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

const width = 760;
const left = 64;
const right = 32;
const height = 92;
const gap = 46;
const top = 44;

/** The SVG; every vertical axis starts at 0. `text` stands above. */
export function lineCharts(text: string, lines: readonly Line[]): string {
  const end = Math.max(...lines.flatMap(({ points }) => points.map(([at]) => at)), 1);
  const total = top + lines.length * (height + gap);
  const panels = lines.map((line, index) => panel(line, end, top + index * (height + gap)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${width}" height="${total}" fill="#fff"/>
<text x="${left}" y="22" font-size="14" font-weight="600" fill="#1f2328">${escaped(text)}</text>
${panels.join("\n")}
</svg>
`;
}

function panel({ title, points }: Line, end: number, y: number): string {
  const most = niceAbove(Math.max(...points.map(([, value]) => value), 0));
  const across = (at: number) => round(left + (at / end) * (width - left - right));
  const up = (value: number) => round(y + height - (value / most) * height);
  const line = points.map(([at, value]) => `${across(at)},${up(value)}`).join(" ");
  const grid = [0, most / 2, most].map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${up(value)}" y2="${up(value)}" stroke="#d0d7de"/>` +
      `<text x="${left - 8}" y="${up(value) + 4}" text-anchor="end" fill="#59636e">${value}</text>`,
  );
  const minutes = Array.from({ length: Math.floor(end / 300) + 1 }, (_, index) => index * 5).map(
    (minute) =>
      `<text x="${across(minute * 60)}" y="${y + height + 15}" text-anchor="middle" fill="#59636e">${minute} min</text>`,
  );
  return `<text x="${left}" y="${y - 6}" fill="#1f2328">${escaped(title)}</text>
${grid.join("")}
${minutes.join("")}
<polyline points="${line}" fill="none" stroke="#0969da" stroke-width="1.5"/>`;
}

/** The next of 1, 2, 5, 10, 20, 50, … that is not below. */
function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const scale = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * scale >= value) ?? 10) * scale;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
