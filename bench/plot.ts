/** A line chart as SVG, by itself: one file, no script, readable on light and dark. */

export interface Line {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Drawn over the others and thicker. */
  emphasis?: boolean;
}

export interface Chart {
  title: string;
  x: string;
  y: string;
  lines: readonly Line[];
  /** Spaces x by its logarithm and marks these values; else marks are chosen. */
  logX?: readonly number[];
}

const WIDTH = 640;
const HEIGHT = 400;
const LEFT = 56;
const RIGHT = 150;
const TOP = 40;
const BOTTOM = 48;
const COLOURS = [
  '#2f7d4f',
  '#8a6d3b',
  '#4a6fa5',
  '#a24b6b',
  '#6b5b95',
  '#c07a3a',
  '#5a8f8f',
  '#888',
];
/** Labels at the lines' ends keep at least this distance. */
const LABEL_HEIGHT = 14;

/** Several charts, two in a row. */
export function lineCharts(charts: readonly Chart[]): string {
  const columns = Math.min(2, charts.length);
  const rows = Math.ceil(charts.length / columns);
  const placed = charts.map((chart, i) => {
    const x = (i % columns) * WIDTH;
    const y = Math.floor(i / columns) * HEIGHT;
    const at = `<svg x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" `;
    return lineChart(chart).replace('<svg ', at);
  });
  const box = `viewBox="0 0 ${columns * WIDTH} ${rows * HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}>\n${placed.join('')}</svg>\n`;
}

export function lineChart({ title, x, y, lines, logX }: Chart): string {
  const xs = lines.flatMap((line) => line.points.map((point) => point[0]));
  const ys = lines.flatMap((line) => line.points.map((point) => point[1]));
  const scale = logX ? Math.log : (value: number) => value;
  const [x0, x1] = [scale(Math.min(...xs)), scale(Math.max(...xs))];
  const yMarks = marks(Math.min(...ys), Math.max(...ys));
  const [y0, y1] = [yMarks[0]!, yMarks.at(-1)!];
  const atX = (value: number) =>
    LEFT + ((scale(value) - x0) / (x1 - x0 || 1)) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number) =>
    HEIGHT - BOTTOM - ((value - y0) / (y1 - y0 || 1)) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="22" font-size="14" font-weight="600">${escapeXml(title)}</text>`,
  ];
  for (const mark of yMarks) {
    const at = atY(mark).toFixed(1);
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${label(mark)}</text>`,
    );
  }
  for (const mark of logX ?? marks(Math.min(...xs), Math.max(...xs))) {
    const at = atX(mark).toFixed(1);
    parts.push(
      `<text x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(mark)}</text>`,
    );
  }
  parts.push(
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeXml(x)}</text>`,
    `<text transform="translate(14 ${(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(y)}</text>`,
  );
  let lowest = Number.POSITIVE_INFINITY;
  const byEnd = lines
    .map((line, i) => ({ line, colour: COLOURS[i % COLOURS.length]! }))
    .sort((a, b) => a.line.points.at(-1)![1] - b.line.points.at(-1)![1]);
  for (const { line, colour } of byEnd) {
    const path = line.points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`);
    const width = line.emphasis ? 3 : 1.5;
    const labelAt = Math.min(lowest - LABEL_HEIGHT, atY(line.points.at(-1)![1]));
    lowest = labelAt;
    const weight = line.emphasis ? ' font-weight="600"' : '';
    parts.push(
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="${width}"/>`,
      `<text x="${WIDTH - RIGHT + 8}" y="${labelAt.toFixed(1)}" fill="${colour}" dominant-baseline="middle"${weight}>${escapeXml(line.name)}</text>`,
    );
  }
  return `${parts.join('\n')}\n</svg>\n`;
}

/** Round values from at most `low` to at least `high`, about five. */
function marks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

function label(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (c) => (c === '&' ? '&amp;' : c === '<' ? '&lt;' : '&gt;'));
}
