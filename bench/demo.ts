/**
 * The demo questions through the whole path, as a user meets it: HTTP to the
 * worker, retrieval, prompt, link, verifier and back as a stream, with drafting
 * and without, the two taking turns in one run.
 *
 *   npm run bench:demo [-- --json] [-- --rounds 4]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../local/root.ts';
import { startService } from '../test/support/service.ts';
import { median } from './statistics.ts';
import { streamChat } from './stream-chat.ts';

const json = process.argv.includes('--json');
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 4;
const SEED = 7;

interface Run {
  tokens: number;
  /** From sending the request to the last byte. */
  seconds: number;
  ttftMs: number;
  steps: number;
  /** Tokens committed, the one that ends the answer included. */
  committed: number;
  text: string;
}

async function main(): Promise<void> {
  const questions: string[] = JSON.parse(
    readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'),
  );
  const service = await startService();
  const runs: Record<'on' | 'off', Run[]> = { on: [], off: [] };
  let different = 0;
  try {
    for (const mode of ['on', 'off'] as const) await ask(service.url, questions[0]!, mode);
    for (let round = 0; round < rounds; round++) {
      for (const question of questions) {
        // Whoever goes second finds the prompt in the KV cache: take turns.
        const order = round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const);
        const texts = new Set<string>();
        for (const mode of order) {
          const run = await ask(service.url, question, mode);
          runs[mode].push(run);
          texts.add(run.text);
        }
        if (texts.size > 1) different++;
      }
    }
  } finally {
    await service.stop();
  }
  const summary = { on: summarise(runs.on), off: summarise(runs.off) };
  const ratio = summary.on.tokensPerSecond / summary.off.tokensPerSecond;
  if (json) {
    console.log(
      JSON.stringify({ ...summary, ratio, questions: questions.length, rounds, different }),
    );
    return;
  }
  console.log(`${questions.length} questions, ${rounds} rounds, whole path, temperature 0\n`);
  console.log('drafting   tokens/s   MAT    TTFT median   tokens');
  for (const mode of ['on', 'off'] as const) {
    const { tokensPerSecond, mat, ttftMs, tokens } = summary[mode];
    console.log(
      `${mode.padEnd(8)} ${tokensPerSecond.toFixed(0).padStart(10)} ${mat.toFixed(2).padStart(6)}` +
        `${ttftMs.toFixed(0).padStart(10)} ms ${String(tokens).padStart(9)}`,
    );
  }
  console.log(`\ndrafting on / off: ${ratio.toFixed(2)} ×   answers that differ: ${different}`);
}

async function ask(url: string, question: string, mode: 'on' | 'off'): Promise<Run> {
  const { text, ttftMs, seconds, usage } = await streamChat(url, {
    messages: [{ role: 'user', content: question }],
    temperature: 0,
    seed: SEED,
    // Questions come again in every round: past answers would be measured, not drafting.
    speculation: { mode, memory: false, stats: true },
  });
  const { steps, mean_accepted } = usage.speculation!;
  const committed = Math.round(steps * mean_accepted);
  return { text, ttftMs, seconds, tokens: usage.completion_tokens, steps, committed };
}

function summarise(runs: readonly Run[]) {
  const tokens = runs.reduce((sum, run) => sum + run.tokens, 0);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const steps = runs.reduce((sum, run) => sum + run.steps, 0);
  const committed = runs.reduce((sum, run) => sum + run.committed, 0);
  return {
    tokens,
    tokensPerSecond: tokens / seconds,
    mat: committed / steps,
    ttftMs: median(runs.map((run) => run.ttftMs)),
  };
}

await main();
