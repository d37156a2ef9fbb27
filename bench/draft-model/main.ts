/**
 * What the draft model in the worker adds, on questions that no part was trained
 * or tuned on, through the whole path: with passages (grounded) and without.
 *
 *   npm run bench:draft-model [-- --json] [-- --questions 24] [-- --pace 25] [-- --only greedy,long]
 *
 * Parts: `greedy` (temperature 0), `sampled` (0.8), `ownPace`, `long` (a document
 * of 8,000 tokens given whole), `forward` (a pass in workerd; with --shape 49152x128x4
 * of a model of random weights, so many tokens, so wide, of so many layers). All variants take
 * turns question by question. `L` drafts without the model; `L+D` is what the
 * worker does by default, its scheduler included, after three questions that are
 * not measured; `L+D always` never drops it. `L+D rasd-gate` and `D` would be
 * helped by the verifier's echo, which knows no gate: these two run over a link
 * without one, and beside them, under `streamed`, `L` and `L+D` over the same link.
 *
 * A step of the bundled target takes less time than a pass of any draft model,
 * so no draft model pays for it. The main figures are therefore taken with steps
 * of at least `--pace` milliseconds, which is what a target of some billion
 * parameters takes; `ownPace` holds the same at the target's own speed, where the
 * scheduler has to drop the model.
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../../local/root.ts';
import { compare, type Figures, round } from './compare.ts';
import { bundledModel, measureForward, randomModel } from './forward.ts';
import { goalsOf } from './goals.ts';
import { measureLong } from './long.ts';
import { report } from './report.ts';
import { startPacedService } from './service.ts';
import { MAIN, STREAMED, UNSHARED, type Variant } from './variants.ts';

const PARTS = ['greedy', 'sampled', 'ownPace', 'long', 'forward'] as const;
const TEMPERATURE = 0.8;
const WARM_UP = 3;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    questions: { type: 'string', default: '24' },
    pace: { type: 'string', default: '25' },
    only: { type: 'string', default: PARTS.join() },
    shape: { type: 'string' },
  },
});
const wanted = new Set(options.only.split(','));
const paceMs = Number(options.pace);

type Both = Record<'grounded' | 'ungrounded', Record<string, Figures>>;

const all = readFileSync(join(ROOT, 'bench/data/docs-questions.tsv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t')[2]!);
const questions = spread(all, Number(options.questions));
const warmUp = all.filter((question) => !questions.includes(question)).slice(0, WARM_UP);
let different = 0;

async function both(
  url: string,
  temperature: number,
  variants: Readonly<Record<string, Variant>>,
): Promise<Both> {
  const part = async (grounded: boolean) => {
    const asked = { questions, warmUp, grounded, temperature };
    const compared = await compare(url, variants, asked);
    different += compared.different;
    return compared.figures;
  };
  return { grounded: await part(true), ungrounded: await part(false) };
}

async function withService(pace: number, work: (url: string) => Promise<void>): Promise<void> {
  const service = await startPacedService();
  try {
    await service.pace(pace);
    await work(service.url);
  } finally {
    await service.stop();
  }
}

async function main(): Promise<void> {
  const model = options.shape === undefined ? bundledModel() : randomModel(options.shape);
  const forward = wanted.has('forward') ? await measureForward(model) : undefined;
  const long = wanted.has('long')
    ? await measureLong(paceMs, Math.ceil(questions.length / 6))
    : undefined;
  const parts: Partial<Record<'greedy' | 'sampled' | 'ownPace', Both>> = {};
  let draftModel: object | undefined;
  if (wanted.has('greedy') || wanted.has('sampled')) {
    await withService(paceMs, async (url) => {
      draftModel = ((await (await fetch(`${url}/health`)).json()) as { draft_model: object })
        .draft_model;
      if (wanted.has('greedy')) parts.greedy = await both(url, 0, { ...MAIN, ...STREAMED });
      if (!wanted.has('sampled')) return;
      parts.sampled = await both(url, TEMPERATURE, { ...MAIN, ...UNSHARED, ...STREAMED });
    });
  }
  // A service of its own: the scheduler has seen no other pace.
  if (wanted.has('ownPace')) {
    await withService(0, async (url) => {
      parts.ownPace = await both(url, 0, MAIN);
    });
  }
  const { greedy, ...others } = parts;
  const result = {
    ...greedy,
    ...others,
    long,
    forward,
    draftModel,
    paceMs,
    questions: questions.length,
    different,
    load: round(loadavg()[0]!),
    goals: goalsOf(parts),
  };
  if (options.json) console.log(JSON.stringify(result));
  else report(result);
}

/** `count` of a list, evenly over it. */
function spread<T>(list: readonly T[], count: number): T[] {
  const most = Math.min(count, list.length);
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}

await main();
