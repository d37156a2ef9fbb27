/**
 * The engine alone: what steps, batches, prompts and prefixes cost, against the
 * baselines named in each line, in one run.
 *
 *   npm run bench:engine [-- --json] [-- --only steps,attention,batch,prefill,prefix,overhead,commit,rival,memory]
 *                        [-- --model FOLDER] [-- --repeats 9] [-- --threads 2]
 *
 * Without --model it measures the bundled target.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { goalsOf } from './engine/goals.ts';
import { PARTS, type Part, type Results } from './engine/parts.ts';
import { printReport } from './engine/report.ts';
import { type Bench, machine, withBench } from './engine/setup.ts';
import { printGoals } from './goals.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    model: { type: 'string' },
    repeats: { type: 'string', default: '9' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

async function run(bench: Bench): Promise<Results> {
  const results: Results = {};
  for (const name of values.only.split(',')) {
    if (!Object.hasOwn(PARTS, name)) {
      throw new Error(`--only has no part "${name}"; there are ${Object.keys(PARTS).join(', ')}`);
    }
    Object.assign(results, { [name]: await PARTS[name as Part](bench) });
  }
  return results;
}

const threads = Number(values.threads);
const results = await withBench(values.model, Number(values.repeats), threads, run);
const goals = goalsOf(results);
if (values.json) {
  console.log(JSON.stringify({ machine: machine(), threads, goals, ...results }, null, 1));
} else {
  printReport(results);
  printGoals(goals, console.log);
}
