/**
 * What the draft model in the worker adds, on questions that no part was trained
 * or tuned on, through the whole path: with passages (grounded) and without.
 *
 *   npm run bench:draft-model [-- --json] [-- --questions 24] [-- --pace 25]
 *
 * All variants take turns question by question. `L` drafts without the model;
 * `L+D` is what the worker does by default, its scheduler included; `L+D always`
 * never drops it. `L+D rasd-gate` and `D` would be helped by the verifier's echo,
 * which knows no gate: these two run over a link without one, and beside them,
 * under `streamed`, `L` and `L+D` over the same link.
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
import { ROOT } from '../../local/service.ts';
import { streamChat } from '../stream-chat.ts';
import { measureForward } from './forward.ts';
import { startPacedService } from './service.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    questions: { type: 'string', default: '24' },
    pace: { type: 'string', default: '25' },
  },
});
const MAX_TOKENS = 96;
const SEED = 11;

interface Variant {
  mode: 'echoed' | 'streamed';
  draft_model: string;
}

const VARIANTS: Record<string, Variant> = {
  L: { mode: 'echoed', draft_model: 'off' },
  'L+D': { mode: 'echoed', draft_model: 'auto' },
  'L+D always': { mode: 'echoed', draft_model: 'always' },
  'streamed L': { mode: 'streamed', draft_model: 'off' },
  'streamed L+D': { mode: 'streamed', draft_model: 'always' },
  'L+D rasd-gate': { mode: 'streamed', draft_model: 'gated' },
  D: { mode: 'streamed', draft_model: 'alone' },
};
const SAMPLED: Record<string, Variant> = {
  L: VARIANTS.L!,
  'L+D': VARIANTS['L+D']!,
  'L+D always': VARIANTS['L+D always']!,
  'L+D without shared noise': { mode: 'echoed', draft_model: 'unshared' },
};
const OWN_PACE: Record<string, Variant> = {
  L: VARIANTS.L!,
  'L+D': VARIANTS['L+D']!,
  'L+D always': VARIANTS['L+D always']!,
};

interface Total {
  steps: number;
  committed: number;
  tokens: number;
  seconds: number;
  /** Answers in which the model took part. */
  drafting: number;
}

interface Figures {
  /** Tokens committed per verify step. */
  mat: number;
  tokensPerSecond: number;
  /** Share of the answers in which the model took part. */
  drafting: number;
}

const questions = readFileSync(join(ROOT, 'bench/data/docs-questions.tsv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t')[2]!);
const picked = spread(questions, Number(options.questions));
let different = 0;

async function compare(
  url: string,
  grounded: boolean,
  temperature: number,
  variants: Record<string, Variant>,
): Promise<Record<string, Figures>> {
  const names = Object.keys(variants);
  const totals = Object.fromEntries(
    names.map((name): [string, Total] => [
      name,
      { steps: 0, committed: 0, tokens: 0, seconds: 0, drafting: 0 },
    ]),
  );
  for (const [round, question] of picked.entries()) {
    const texts = new Set<string>();
    // Whoever asks first pays for the prefill: everybody does in turn.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const { text, usage, seconds } = await streamChat(url, {
        messages: [{ role: 'user', content: question }],
        temperature,
        seed: SEED,
        max_tokens: MAX_TOKENS,
        ...(!grounded && { vector_store_ids: [] }),
        speculation: { ...variants[name], memory: false, stats: true },
      });
      texts.add(text);
      const { steps, mean_accepted, draft_model } =
        usage.speculation as typeof usage.speculation & {
          draft_model: object | null;
        };
      const total = totals[name]!;
      total.steps += steps;
      total.committed += steps * mean_accepted;
      total.tokens += usage.completion_tokens;
      total.seconds += seconds;
      if (draft_model) total.drafting++;
    }
    if (texts.size > 1) different++;
  }
  return Object.fromEntries(
    names.map((name) => {
      const { steps, committed, tokens, seconds, drafting } = totals[name]!;
      const figures = {
        mat: round(committed / steps),
        tokensPerSecond: round(tokens / seconds),
        drafting: round(drafting / picked.length),
      };
      return [name, figures];
    }),
  );
}

async function main(): Promise<void> {
  const forward = await measureForward();
  const service = await startPacedService();
  try {
    const { url } = service;
    const health = (await (await fetch(`${url}/health`)).json()) as { draft_model: object };
    for (const question of picked.slice(0, 2)) {
      await streamChat(url, { messages: [{ role: 'user', content: question }], max_tokens: 8 });
    }
    const both = async (temperature: number, variants: Record<string, Variant>) => ({
      grounded: await compare(url, true, temperature, variants),
      ungrounded: await compare(url, false, temperature, variants),
    });
    await service.pace(Number(options.pace));
    const greedy = await both(0, VARIANTS);
    const sampled = await both(0.8, SAMPLED);
    await service.pace(0);
    const ownPace = await both(0, OWN_PACE);
    report({
      ...greedy,
      sampled,
      ownPace,
      forward,
      draftModel: health.draft_model,
      paceMs: Number(options.pace),
      questions: picked.length,
      different,
      load: round(loadavg()[0]!),
    });
  } finally {
    await service.stop();
  }
}

function report(result: Record<string, unknown>): void {
  if (options.json) return console.log(JSON.stringify(result));
  const table = (title: string, part: Record<string, Figures>) => {
    console.log(`\n${title.padEnd(28)} MAT   tokens/s   answers with D`);
    for (const [name, { mat, tokensPerSecond, drafting }] of Object.entries(part)) {
      const cells = [mat.toFixed(2), tokensPerSecond.toFixed(0), `${Math.round(100 * drafting)} %`];
      console.log(`  ${name.padEnd(26)}${cells.map((cell) => cell.padStart(8)).join('  ')}`);
    }
  };
  const parts = result as Record<'grounded' | 'ungrounded', Record<string, Figures>> &
    Record<'sampled' | 'ownPace', Record<'grounded' | 'ungrounded', Record<string, Figures>>>;
  const pace = `steps of ${result.paceMs} ms`;
  table(`grounded, ${pace}`, parts.grounded);
  table(`ungrounded, ${pace}`, parts.ungrounded);
  table('grounded, temperature 0.8', parts.sampled.grounded);
  table('ungrounded, temperature 0.8', parts.sampled.ungrounded);
  table('grounded, own pace', parts.ownPace.grounded);
  table('ungrounded, own pace', parts.ownPace.ungrounded);
  console.log(`\nforward in workerd: ${JSON.stringify(result.forward)}`);
  console.log(`questions whose answers differ between variants: ${result.different}`);
}

/** `count` of a list, evenly over it. */
function spread<T>(list: readonly T[], count: number): T[] {
  const most = Math.min(count, list.length);
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]!);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

await main();
