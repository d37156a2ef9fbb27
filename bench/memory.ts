/**
 * What past answers are worth to the next ones, through the whole path: the demo
 * questions without memory, then for the first time with it, then again, worded
 * otherwise, and again at a temperature; steps and tokens a step of each pass in
 * the same run, where the tokens came from, and how long the memory took to be
 * asked. With the same seed all texts must be equal with and without it.
 *
 *   npm run bench:memory [-- --json]
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../local/service.ts';
import { startService } from '../test/support/service.ts';
import { streamChat } from './stream-chat.ts';

const json = process.argv.includes('--json');
const SEED = 7;

interface Pass {
  name: string;
  /** Of the question as it stands in the list. */
  wording(question: string): string;
  temperature: number;
  /** Passes with this one's name and without memory are its baseline. */
  memory: boolean;
  /** Whether the target's guesses are recycled. */
  recycle?: boolean;
}

const same = (question: string) => question;
const reworded = (question: string) =>
  `Please tell me: ${question[0]!.toLowerCase()}${question.slice(1)}`;

const PASSES: Pass[] = [
  { name: 'asked', wording: same, temperature: 0, memory: false },
  { name: 'asked', wording: same, temperature: 0, memory: true },
  { name: 'again', wording: same, temperature: 0, memory: false },
  { name: 'again', wording: same, temperature: 0, memory: true },
  { name: 'again', wording: same, temperature: 0, memory: true, recycle: true },
  { name: 'reworded', wording: reworded, temperature: 0, memory: false },
  { name: 'reworded', wording: reworded, temperature: 0, memory: true },
  { name: 'reworded', wording: reworded, temperature: 0, memory: true, recycle: true },
  { name: 'at 0.8', wording: same, temperature: 0.8, memory: false },
  { name: 'at 0.8', wording: same, temperature: 0.8, memory: true },
  { name: 'at 0.8', wording: same, temperature: 0.8, memory: true, recycle: true },
];

interface Row {
  name: string;
  memory: boolean;
  recycle: boolean;
  steps: number;
  /** Tokens a step. */
  mat: number;
  seconds: number;
  bySource: Record<string, number>;
}

async function main(): Promise<void> {
  const questions: string[] = JSON.parse(
    readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'),
  );
  const service = await startService();
  const rows: Row[] = [];
  let different = 0;
  let asks = '';
  try {
    // Warms code and KV cache, and leaves nothing behind.
    for (const question of questions) await ask(service.url, question, 0, false);
    const texts = new Map<string, string>();
    for (const { name, wording, temperature, memory, recycle = false } of PASSES) {
      const row: Row = { name, memory, recycle, steps: 0, mat: 0, seconds: 0, bySource: {} };
      let committed = 0;
      for (const question of questions) {
        const answer = await ask(service.url, wording(question), temperature, memory, recycle);
        const { steps, mean_accepted, by_source } = answer.usage.speculation!;
        row.steps += steps;
        row.seconds += answer.seconds;
        committed += steps * mean_accepted;
        for (const [source, tokens] of Object.entries(by_source)) {
          row.bySource[source] = (row.bySource[source] ?? 0) + tokens;
        }
        const key = `${name} ${question}`;
        if (texts.has(key) && texts.get(key) !== answer.text) different++;
        texts.set(key, answer.text);
      }
      row.mat = committed / row.steps;
      rows.push(row);
    }
    asks = await (await fetch(`${service.url}/metrics`)).text();
  } finally {
    await service.stop();
  }
  const memory = asksOf(asks);
  const load = loadavg()[0]!;
  if (json) {
    console.log(JSON.stringify({ passes: rows, different, asks: memory, load }));
    return;
  }
  console.log(`${questions.length} questions, whole path, load ${load.toFixed(1)}\n`);
  console.log('pass       memory   steps    MAT   seconds   tokens by source');
  for (const { name, memory: on, recycle, steps, mat, seconds, bySource } of rows) {
    const sources = Object.entries(bySource).map(([source, tokens]) => `${source} ${tokens}`);
    console.log(
      `${name.padEnd(10)} ${(recycle ? 'and A' : on ? 'on' : 'off').padEnd(6)} ${String(steps).padStart(7)}` +
        `${mat.toFixed(2).padStart(7)}${seconds.toFixed(2).padStart(10)}   ${sources.join(', ')}`,
    );
  }
  console.log(`\nanswers that differ with and without memory: ${different}`);
  for (const { store, asked, meanMs } of memory) {
    console.log(`${store} was asked ${asked} times, ${meanMs.toFixed(1)} ms each`);
  }
}

function ask(url: string, question: string, temperature: number, memory: boolean, recycle = false) {
  return streamChat(url, {
    messages: [{ role: 'user', content: question }],
    temperature,
    seed: SEED,
    speculation: { memory, recycle, stats: true },
  });
}

/** Off the page for Prometheus. */
function asksOf(page: string) {
  const value = (name: string, store: string) =>
    Number(new RegExp(`^${name}\\{store="${store}"\\} (\\S+)$`, 'm').exec(page)?.[1] ?? 0);
  const stores = [...page.matchAll(/^espalier_draft_memory_seconds_count\{store="(\w+)"\}/gm)];
  return stores.map(([, store]) => {
    const asked = value('espalier_draft_memory_seconds_count', store!);
    const sum = value('espalier_draft_memory_seconds_sum', store!);
    return { store: store!, asked, meanMs: (1000 * sum) / asked };
  });
}

await main();
