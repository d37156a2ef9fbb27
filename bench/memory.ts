/**
 * What past answers and stores' text are worth, through the whole path: the demo
 * questions without memory and with it, for the first time, again, worded
 * otherwise, at a temperature, and answered from a store whose text is not in the
 * prompt; steps and tokens a step of each pass in the same run, where the tokens
 * came from, and how long the memory took to be asked. What is compared takes turns
 * question by question. With the same seed the
 * texts of all passes of a name must be equal. The draft model is left out: what
 * it adds differs from pass to pass.
 *
 *   npm run bench:memory [-- --json]
 */
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KnowledgeClient } from '../bin/retrieval/client.ts';
import { ROOT } from '../local/root.ts';
import { startService } from '../test/support/service.ts';
import { median } from './statistics.ts';
import { type StreamedChat, streamChat } from './stream-chat.ts';

const json = process.argv.includes('--json');
const SEED = 7;
/** Longer than a small segment takes to be built. */
const CORPUS_MS = 3_000;

const MEMORIES = ['off', 'on'] as const;
type Memory = (typeof MEMORIES)[number];

interface Pass {
  name: string;
  memory: Memory;
  wording?: (question: string) => string;
  temperature?: number;
  /** Answered without a passage, beside a store that the request may search. */
  unretrieved?: true;
}

const reworded = (question: string) =>
  `Please tell me: ${question[0]!.toLowerCase()}${question.slice(1)}`;

const pair = (pass: Omit<Pass, 'memory'>) => MEMORIES.map((memory) => ({ ...pass, memory }));

/** Passes of a round take turns question by question, each first in every other. */
const ROUNDS: Pass[][] = [
  pair({ name: 'first' }),
  pair({ name: 'again' }),
  pair({ name: 'reworded', wording: reworded }),
  pair({ name: 'at 0.8', temperature: 0.8 }),
  pair({ name: 'in store', temperature: 0.8, unretrieved: true }),
];

interface Row {
  name: string;
  memory: Memory;
  steps: number;
  /** Tokens a step. */
  mat: number;
  seconds: number;
  ttftMs: number;
  bySource: Record<string, number>;
}

async function main(): Promise<void> {
  const questions: string[] = JSON.parse(
    readFileSync(join(ROOT, 'web/demo/questions.json'), 'utf8'),
  );
  const service = await startService();
  const rows: Row[] = [];
  const texts = new Map<string, string[]>();
  let different = 0;
  let page = '';
  try {
    const knowledge = new KnowledgeClient(service.url);
    const store = await knowledge.createStore('unretrieved');
    // Warms code and KV cache, and leaves nothing behind.
    for (const question of questions) await ask(service.url, question, ROUNDS[0]![0]!, store);
    for (const round of ROUNDS) {
      const { name, unretrieved } = round[0]!;
      if (unretrieved) {
        // What it says without a passage is what the store holds.
        const files = questions.map(async (question, i) => {
          const { text } = await ask(service.url, question, round[0]!, store);
          return knowledge.upload(`${i}.txt`, text);
        });
        await knowledge.ingest(store, await Promise.all(files));
        await sleep(CORPUS_MS);
      }
      const answers = round.map((): StreamedChat[] => []);
      for (const [i, question] of questions.entries()) {
        for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) {
          answers[which]!.push(await ask(service.url, question, round[which]!, store));
        }
      }
      for (const [which, pass] of round.entries()) {
        rows.push(summarise(pass, answers[which]!));
        const said = answers[which]!.map(({ text }) => text);
        const known = texts.get(name) ?? said;
        different += said.filter((text, i) => text !== known[i]).length;
        texts.set(name, known);
      }
    }
    page = await (await fetch(`${service.url}/metrics`)).text();
  } finally {
    await service.stop();
  }
  const asks = asksOf(page);
  const load = loadavg()[0]!;
  if (json) console.log(JSON.stringify({ passes: rows, different, asks, load }));
  else print(questions.length, rows, different, asks, load);
}

function ask(url: string, question: string, pass: Pass, store: string): Promise<StreamedChat> {
  const { wording = (same) => same, temperature = 0, memory, unretrieved } = pass;
  // Nothing has this attribute: the store may be searched, and nothing is found.
  const filters = { type: 'eq', key: 'of', value: 'the prompt' };
  return streamChat(url, {
    messages: [{ role: 'user', content: wording(question) }],
    temperature,
    seed: SEED,
    ...(unretrieved && {
      tools: [{ type: 'file_search', vector_store_ids: [store], filters }],
    }),
    speculation: {
      memory: memory !== 'off',
      draft_model: 'off',
      stats: true,
    },
  });
}

function summarise({ name, memory }: Pass, answers: readonly StreamedChat[]): Row {
  const bySource: Record<string, number> = {};
  let [steps, committed] = [0, 0];
  for (const { usage } of answers) {
    const { steps: taken, mean_accepted, by_source } = usage.speculation!;
    steps += taken;
    committed += taken * mean_accepted;
    for (const [source, tokens] of Object.entries(by_source)) {
      bySource[source] = (bySource[source] ?? 0) + tokens;
    }
  }
  return {
    name,
    memory,
    steps,
    mat: committed / steps,
    seconds: answers.reduce((sum, { seconds }) => sum + seconds, 0),
    ttftMs: median(answers.map(({ ttftMs }) => ttftMs)),
    bySource,
  };
}

interface Asks {
  store: string;
  asked: number;
  meanMs: number;
}

/** Off the page for Prometheus. */
function asksOf(page: string): Asks[] {
  const value = (name: string, store: string) =>
    Number(new RegExp(`^${name}\\{store="${store}"\\} (\\S+)$`, 'm').exec(page)?.[1] ?? 0);
  const stores = [...page.matchAll(/^espalier_draft_memory_seconds_count\{store="(\w+)"\}/gm)];
  return stores.map(([, store]) => {
    const asked = value('espalier_draft_memory_seconds_count', store!);
    const sum = value('espalier_draft_memory_seconds_sum', store!);
    return { store: store!, asked, meanMs: (1000 * sum) / asked };
  });
}

function print(
  questions: number,
  rows: readonly Row[],
  different: number,
  asks: readonly Asks[],
  load: number,
): void {
  console.log(`${questions} questions a pass, whole path, load ${load.toFixed(1)}\n`);
  console.log('pass      memory     steps    MAT  seconds  first text  tokens by source');
  for (const { name, memory, steps, mat, seconds, ttftMs, bySource } of rows) {
    const sources = Object.entries(bySource).map(([source, tokens]) => `${source} ${tokens}`);
    console.log(
      `${name.padEnd(9)} ${memory.padEnd(8)} ${String(steps).padStart(7)} ${mat.toFixed(2).padStart(6)}` +
        ` ${seconds.toFixed(2).padStart(8)} ${ttftMs.toFixed(0).padStart(8)} ms  ${sources.join(', ')}`,
    );
  }
  console.log(`\nanswers that differ within a name: ${different}`);
  for (const { store, asked, meanMs } of asks) {
    const name = store === 'T' ? 'earlier answers (T)' : 'a store (S)';
    console.log(`${name} was asked ${asked} times, ${meanMs.toFixed(1)} ms each`);
  }
}

await main();
