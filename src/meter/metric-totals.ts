/** Adding observations up, and writing the sums in Prometheus' text format. */
import { METRICS, type Metric, type MetricName, type Observation } from './metric-names.ts';

/** Label sets of one metric; beyond, observations are dropped rather than memory filled. */
const MAX_SERIES = 200;

/** By metric, then by its labels in Prometheus' form. */
export type Totals = Record<string, Record<string, Series>>;

interface Series {
  sum: number;
  count: number;
  /** Observations at or below each of the histogram's bounds. */
  buckets: number[];
}

const metricOf = (name: MetricName): Metric => METRICS[name];

export function addUp(totals: Totals, observations: readonly Observation[]): void {
  for (const { name, labels = {}, value } of observations) {
    totals[name] ??= {};
    const all = totals[name];
    const key = formatLabels(labels);
    if (!(key in all) && Object.keys(all).length >= MAX_SERIES) continue;
    const bounds = metricOf(name).bounds ?? [];
    all[key] ??= { sum: 0, count: 0, buckets: bounds.map(() => 0) };
    const series = all[key];
    series.sum += value;
    series.count++;
    for (const [i, bound] of bounds.entries()) if (value <= bound) series.buckets[i]!++;
  }
}

/** Prometheus' text format, version 0.0.4. */
export function expose(totals: Totals): string {
  const lines: string[] = [];
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const { help, type, bounds } = metricOf(name);
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, series] of Object.entries(totals[name] ?? {})) {
      if (bounds) lines.push(...histogram(name, labels, bounds, series));
      else lines.push(`${name}${braced(labels)} ${series.sum}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function histogram(
  name: string,
  labels: string,
  bounds: readonly number[],
  { sum, count, buckets }: Series,
): string[] {
  return [
    ...bounds.map((le, i) => `${name}_bucket${braced(labels, `le="${le}"`)} ${buckets[i]}`),
    `${name}_bucket${braced(labels, 'le="+Inf"')} ${count}`,
    `${name}_sum${braced(labels)} ${sum}`,
    `${name}_count${braced(labels)} ${count}`,
  ];
}

function formatLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
    .join(',');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function braced(...parts: string[]): string {
  const labels = parts.filter((part) => part !== '').join(',');
  return labels === '' ? '' : `{${labels}}`;
}
