/**
 * Every drafter over recorded outputs: tokens committed per verify step (MAT),
 * by category, with nodes a step and time a draft.
 *
 *   npm run bench:replay -- [folder] [--static file] [--budget 32] [--only a,b] [--plot file.svg] [--json]
 *
 * A folder holds `.jsonl` or `.jsonl.gz` files of {category, turns: [{prompt, response}]}, token
 * ids. Without one: `../shared/data/replay` if it is there, else the small set in `bench/data/replay`.
 */
import { parseArgs } from 'node:util';
import { CATALOGUE, OWN } from './replay/catalogue.ts';
import { plotBudgets } from './replay/plot-budgets.ts';
import { printFile } from './replay/report.ts';
import { type Conversation, defaultFolder, readDocuments, readTraces } from './replay/traces.ts';
import { type Replay, replay } from './replay/walk.ts';

const DEFAULT_BUDGET = 32;

function main(): void {
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
    const runs = runAll(names, conversations, documents, budget);
    if (!values.json) printFile(file, conversations, runs);
    results[file] = Object.fromEntries([...runs].map(([name, run]) => [name, summary(run)]));
  }
  if (values.plot) plotBudgets(values.plot, traces, documents, names);
  if (values.json) console.log(JSON.stringify(results));
}

type Summary = Pick<
  Replay,
  'mat' | 'nodesPerStep' | 'p50us' | 'p99us' | 'commitUs' | 'byCategory' | 'bytes'
>;

function summary({ calibration: _, ...rest }: Replay): Summary {
  return rest;
}

function runAll(
  names: readonly string[],
  conversations: readonly Conversation[],
  documents: readonly Int32Array[],
  budget: number,
): Map<string, Replay> {
  const hasTop = conversations.every(({ turns }) => turns.every(({ top }) => top !== null));
  const runs = new Map<string, Replay>();
  for (const name of names) {
    const make = CATALOGUE[name];
    if (!make)
      throw new Error(`no drafter "${name}": there are ${Object.keys(CATALOGUE).join(', ')}`);
    const contender = make({ documents, hasTop });
    if (contender) runs.set(name, replay(contender, conversations, budget));
    else if (name === OWN) throw new Error(`${OWN} must run on everything`);
  }
  return runs;
}

main();
