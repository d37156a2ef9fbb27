import { writeFileSync } from 'node:fs';
import { type Line, lineChart } from '../plot.ts';
import { CATALOGUE, OWN } from './catalogue.ts';
import type { Conversation } from './traces.ts';
import { replay } from './walk.ts';

const BUDGETS = [4, 8, 16, 32, 64];

/** Writes MAT against the node budget, averaged over the files, as SVG. */
export function plotBudgets(
  path: string,
  traces: ReadonlyMap<string, readonly Conversation[]>,
  documents: readonly Int32Array[],
  names: readonly string[],
): void {
  const lines: Line[] = [];
  for (const name of names) {
    const points: [number, number][] = [];
    for (const budget of BUDGETS) {
      let sum = 0;
      for (const conversations of traces.values()) {
        const contender = CATALOGUE[name]!({ documents, hasTop: false });
        if (contender) sum += replay(contender, conversations, budget).mat;
      }
      if (sum > 0) points.push([budget, sum / traces.size]);
    }
    if (points.length > 0) lines.push({ name, points, emphasis: name === OWN });
  }
  const title = `Tokens per verify step, mean of ${traces.size} sets`;
  writeFileSync(path, lineChart({ title, x: 'nodes verified', y: 'MAT', lines, logX: BUDGETS }));
}
