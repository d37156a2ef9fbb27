/**
 * Every drafter over recorded outputs: tokens committed per verify step (MAT),
 * by category, with nodes a step, time a draft and memory a token; ours against
 * each of its sources alone; MAT against the node budget as a plot.
 *
 *   npm run bench:replay -- [folder] [--static file] [--budget 32] [--only a,b] [--plot file.svg] [--json]
 *
 * A folder holds `.jsonl` or `.jsonl.gz` files of {category, turns: [{prompt, response}]}, token
 * ids. Without one: `../shared/data/replay` if it is there, else the small set in `bench/data/replay`.
 * `--json` ends with {"<file>": {"<drafter>": {"mat", "nodesPerStep", "p50us", "p99us", …}}}; it
 * prints no tables, and plots only where `--plot` says.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CATALOGUE } from './replay/catalogue.ts';
import { plotBudgets } from './replay/plot-budgets.ts';
import { printFile } from './replay/report.ts';
import {
  type Conversation,
  defaultFolder,
  hasTop,
  readDocuments,
  readTraces,
} from './replay/traces.ts';
import { type Replay, replay } from './replay/walk.ts';

const DEFAULT_BUDGET = 32;
const DEFAULT_PLOT = join(tmpdir(), 'espalier-replay.svg');

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      static: { type: 'string' },
      budget: { type: 'string', default: String(DEFAULT_BUDGET) },
      only: { type: 'string' },
      plot: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const folder = positionals[0] ?? defaultFolder();
  const budget = Number(values.budget);
  const documents = values.static ? readDocuments(values.static) : [];
  const names = values.only?.split(',') ?? Object.keys(CATALOGUE);
  const results: Record<string, Record<string, Summary>> = {};
  const traces = readTraces(folder);
  for (const [file, conversations] of traces) {
    const runs = await runAll(names, conversations, documents, budget);
    if (!values.json) printFile(file, conversations, runs);
    results[file] = Object.fromEntries([...runs].map(([name, run]) => [name, summary(run)]));
  }
  const plot = values.plot ?? (values.json ? null : DEFAULT_PLOT);
  if (plot) await plotBudgets(plot, traces, documents, names);
  if (plot && !values.json) console.log(`\nMAT against the node budget: ${plot}`);
  if (values.json) console.log(JSON.stringify(results));
}

type Summary = Pick<
  Replay,
  'mat' | 'nodesPerStep' | 'p50us' | 'p99us' | 'commitUs' | 'byCategory' | 'bytesPerToken'
>;

function summary({ calibration: _, ...rest }: Replay): Summary {
  return rest;
}

async function runAll(
  names: readonly string[],
  conversations: readonly Conversation[],
  documents: readonly Int32Array[],
  budget: number,
): Promise<Map<string, Replay>> {
  const material = { documents, hasTop: hasTop(conversations) };
  const runs = new Map<string, Replay>();
  for (const name of names) {
    const entry = CATALOGUE[name];
    if (!entry)
      throw new Error(`no drafter "${name}": there are ${Object.keys(CATALOGUE).join(', ')}`);
    const contender = entry.make(material);
    if (contender) runs.set(name, await replay(contender, conversations, budget));
  }
  return runs;
}

await main();
