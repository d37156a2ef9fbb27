/**
 * Every drafter over recorded outputs: tokens committed per verify step (MAT),
 * by category, with nodes a step, time a draft and memory a token; ours against
 * the best rival and each of its sources alone; MAT against the node budget as a
 * plot.
 *
 *   npm run bench:replay -- [folder] [--static file] [--budget 32] [--only a,b] [--plot file.svg]
 *                           [--check] [--json]
 *
 * A folder holds `.jsonl` or `.jsonl.gz` files of {category, turns: [{prompt, response}]}, token
 * ids. Without one: `replay` in the folder that ESPALIER_BENCH_DATA names (bench/data/README.md), else
 * the small set in `bench/data/replay`; which one it was is told first. `--json` ends with {"<file>": {"<drafter>": {"mat",
 * "nodesPerStep", "p50us", "p99us", …}}}; it prints no tables, and plots only where `--plot` says.
 * `--check` lists the bars of `replay/bars.ts` and exits with 1 if one is missed. What is told
 * beside results goes to stderr.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MAX_TREE_NODES } from '../src/draft/tree/tree.ts';
import { printGoals } from './goals.ts';
import { BARRED_BUDGET, barsOf } from './replay/bars.ts';
import { CATALOGUE, lackOf, OWN, SERVICE } from './replay/catalogue.ts';
import { bestRival, type Runs } from './replay/comparison.ts';
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

const DEFAULT_PLOT = join(tmpdir(), 'espalier-replay.svg');

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      static: { type: 'string' },
      budget: { type: 'string', default: String(BARRED_BUDGET) },
      only: { type: 'string' },
      plot: { type: 'string' },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const folder = positionals[0] ?? defaultFolder();
  const budget = budgetOf(values.budget);
  if (values.check && budget !== BARRED_BUDGET) {
    refuse(`--check holds runs at ${BARRED_BUDGET} nodes: leave --budget out`);
  }
  const names = values.only?.split(',') ?? Object.keys(CATALOGUE);
  const unknown = names.find((name) => !CATALOGUE[name]);
  if (unknown !== undefined) {
    refuse(`no drafter "${unknown}": there are ${Object.keys(CATALOGUE).join(', ')}`);
  }
  console.error(`recordings: ${folder}`);
  const documents = values.static ? readDocuments(values.static) : [];
  const traces = readTraces(folder);
  const results = new Map<string, Runs>();
  for (const [file, conversations] of traces) {
    const runs = await runAll(file, names, conversations, documents, budget);
    if (!values.json && runs.size > 0) printFile(file, conversations, runs);
    results.set(file, runs);
  }
  if ([...results.values()].every(({ size }) => size === 0)) {
    refuse(`none of ${names.join(', ')} could run on these recordings`);
  }
  const plot = values.plot ?? (values.json ? null : DEFAULT_PLOT);
  if (plot) await plotBudgets(plot, traces, documents, names);
  if (plot) console.error(`MAT against the node budget: ${plot}`);
  if (values.check) check(results, documents.length > 0);
  if (values.json) {
    const summaries = [...results].map(([file, runs]) => [file, summaryOf(runs)]);
    console.log(JSON.stringify(Object.fromEntries(summaries)));
  }
}

function budgetOf(value: string): number {
  const budget = Number(value);
  if (Number.isInteger(budget) && budget >= 1 && budget <= MAX_TREE_NODES) return budget;
  refuse(`--budget is a number of nodes from 1 to ${MAX_TREE_NODES}, not "${value}"`);
}

function check(results: ReadonlyMap<string, Runs>, withCorpus: boolean): void {
  const goals = barsOf(results, withCorpus);
  printGoals(goals, console.error);
  if (goals.some(({ met }) => !met)) process.exitCode = 1;
}

/** A run by drafter; ours with how it stands against the best rival of the same run. */
function summaryOf(runs: Runs) {
  const rival = bestRival(runs);
  const summaries = [...runs].map(([name, run]) => {
    const compared = rival && (name === OWN || name === SERVICE);
    const ratio = { ratioToBestRival: run.mat / (rival?.mat ?? 1), bestRival: rival?.name };
    return [name, compared ? { ...run, ...ratio } : run];
  });
  return Object.fromEntries(summaries);
}

async function runAll(
  file: string,
  names: readonly string[],
  conversations: readonly Conversation[],
  documents: readonly Int32Array[],
  budget: number,
): Promise<Runs> {
  const material = { documents, hasTop: hasTop(conversations) };
  const runs = new Map<string, Replay>();
  const lacking = new Map<string, string[]>();
  for (const name of names) {
    const entry = CATALOGUE[name]!;
    const lack = lackOf(entry, material);
    if (lack) lacking.set(lack, [...(lacking.get(lack) ?? []), name]);
    else runs.set(name, await replay(entry.make(material), conversations, budget));
  }
  for (const [lack, left] of lacking) {
    console.error(`${file}: left out, for want of ${lack}: ${left.join(', ')}`);
  }
  return runs;
}

function refuse(message: string): never {
  console.error(message);
  process.exit(1);
}

await main();
