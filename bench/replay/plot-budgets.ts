import { writeFileSync } from 'node:fs';
import { type Chart, type Line, lineCharts } from '../plot.ts';
import { CATALOGUE, lackOf, OWN } from './catalogue.ts';
import { type Conversation, hasTop } from './traces.ts';
import { replay } from './walk.ts';

const BUDGETS = [4, 8, 16, 32, 64];

/** Writes MAT against the node budget as SVG, a chart a file: ours, ours over the session alone, the rivals. */
export async function plotBudgets(
  path: string,
  traces: ReadonlyMap<string, readonly Conversation[]>,
  documents: readonly Int32Array[],
  names: readonly string[],
): Promise<void> {
  const plotted = names.filter((name) => {
    const { kind } = CATALOGUE[name]!;
    return kind === 'own' || kind === 'rival' || name === 'espalier-session';
  });
  const charts: Chart[] = [];
  for (const [file, conversations] of traces) {
    const material = { documents, hasTop: hasTop(conversations) };
    const lines: Line[] = [];
    for (const name of plotted) {
      const entry = CATALOGUE[name]!;
      if (lackOf(entry, material)) continue;
      const points: [number, number][] = [];
      for (const budget of BUDGETS) {
        points.push([budget, (await replay(entry.make(material), conversations, budget)).mat]);
      }
      lines.push({ name, points, emphasis: name === OWN });
    }
    const title = `Tokens per verify step: ${file}`;
    charts.push({ title, x: 'nodes verified', y: 'MAT', lines, logX: BUDGETS });
  }
  writeFileSync(path, lineCharts(charts));
}
