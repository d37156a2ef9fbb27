/**
 * Records the small set in `bench/data/replay`: the bundled model's greedy
 * answers to the questions that head the sections of docs/, over passages of
 * docs/, with its eight likeliest tokens at each place.
 *
 *   npm run bench:record
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Engine, Slot } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { ROOT } from '../../local/root.ts';
import type { Region } from '../../src/draft/drafter.ts';
import { RECYCLED_SUCCESSORS } from '../../src/draft/stores/recycled-table.ts';
import { composePrompt, type Prompt } from '../../src/generate/prompt.ts';
import { PromptLayout, type PromptModel } from '../../src/generate/prompt-layout.ts';
import { createTokenizer } from '../../src/model/tokenizer.ts';
import { type Chunk, chunk } from '../../src/retrieve/chunk.ts';
import { parse } from '../../src/retrieve/parse/parse.ts';

const MODEL = join(ROOT, 'models/target');
const FILE = join(ROOT, 'bench/data/replay/docs-espalier.jsonl.gz');
/** Prompts are fed in pieces of at most this many tokens. */
const PREFILL = 128;
const MAX_ANSWER = 160;

interface Answer {
  response: number[];
  /** By place, the likeliest tokens, best first. */
  top: number[][];
}

async function main(): Promise<void> {
  const model = readModel();
  const chunks = new Map<string, Chunk[]>();
  for (const file of readdirSync(join(ROOT, 'docs')).sort()) {
    if (!file.endsWith('.md')) continue;
    const bytes = new Uint8Array(readFileSync(join(ROOT, 'docs', file)));
    const document = await parse(bytes.buffer, file, '');
    const cutting = { maxTokens: model.prompt.passageTokens, overlapTokens: 0 };
    chunks.set(file, [...chunk(document, cutting, model.encodeUntrusted)]);
  }
  const all = [...chunks.values()].flat();
  const engine = await openEngine(MODEL);
  const lines: string[] = [];
  try {
    for (const [file, own] of chunks) {
      for (const question of new Set(own.map(({ heading }) => heading))) {
        if (!question.endsWith('?')) continue;
        const prompt = await promptFor(model, question, all);
        const answer = await record(engine, prompt.tokens, model.eosIds);
        const regions: Region[] = prompt.regions;
        const turn = { prompt: [...prompt.tokens], regions, ...answer };
        lines.push(JSON.stringify({ category: file.replace('.md', ''), turns: [turn] }));
      }
    }
  } finally {
    engine.close();
  }
  mkdirSync(join(FILE, '..'), { recursive: true });
  writeFileSync(FILE, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
  console.log(`${lines.length} answers in ${FILE}`);
}

type BundledModel = ReturnType<typeof readModel>;

function readModel() {
  const read = (name: string) => JSON.parse(readFileSync(join(MODEL, name), 'utf8'));
  const { prompt, maxContext, trainedContext } = read('manifest.json');
  const { eos_token_id: eos } = read('config.json');
  return {
    ...createTokenizer(read('tokenizer.json'), read('tokenizer_config.json')),
    maxContext: maxContext as number,
    trainedContext: trainedContext as number,
    eosIds: (Array.isArray(eos) ? eos : [eos]) as number[],
    prompt: prompt as PromptModel['prompt'] & { passages: number; passageTokens: number },
  };
}

/** The question over the passages that share most of its rarer words. */
async function promptFor(
  model: BundledModel,
  question: string,
  chunks: readonly Chunk[],
): Promise<Prompt> {
  const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]+/g));
  const bags = chunks.map((passage) => words(`${passage.heading} ${passage.text}`));
  const weights = [...words(question)].map((word) => {
    const holding = bags.filter((bag) => bag.has(word)).length;
    return [word, Math.log((chunks.length + 1) / (holding + 1))] as const;
  });
  const scored = chunks.map((passage, i) => ({
    passage,
    score: weights.reduce((sum, [word, weight]) => sum + (bags[i]!.has(word) ? weight : 0), 0),
  }));
  scored.sort((a, b) => b.score - a.score);
  const passages = scored.slice(0, model.prompt.passages).map(({ passage }) => passage);
  const most = model.maxContext - MAX_ANSWER;
  const messages = [{ role: 'user', content: question }];
  const layout = await PromptLayout.of(model, { messages }, most);
  return composePrompt(layout, passages, [], {
    comfortable: model.trainedContext - MAX_ANSWER,
    most,
  });
}

async function record(
  engine: Engine,
  prompt: Int32Array,
  eosIds: readonly number[],
): Promise<Answer> {
  const slot = engine.acquire(prompt, prompt.length + MAX_ANSWER, 'alone');
  if (!slot) throw new Error('the engine has no free slot');
  const answer: Answer = { response: [], top: [] };
  try {
    let fed = prompt.subarray(slot.cached);
    for (; fed.length > PREFILL; fed = fed.subarray(PREFILL)) {
      await feed(engine, slot, fed.subarray(0, PREFILL), 0);
    }
    while (answer.response.length < MAX_ANSWER) {
      const top = best(await feed(engine, slot, fed, 1), RECYCLED_SUCCESSORS);
      answer.top.push(top);
      answer.response.push(top[0]!);
      if (eosIds.includes(top[0]!)) break;
      fed = Int32Array.of(top[0]!);
    }
  } finally {
    engine.release(slot);
  }
  return answer;
}

/** Feeds and commits a run; the logits of its last `wanted` tokens. */
async function feed(engine: Engine, slot: Slot, tokens: Int32Array, wanted: number) {
  const count = tokens.length;
  const row = {
    slot,
    count,
    tokens,
    parents: Int16Array.from({ length: count }, (_, i) => i - 1),
    logitsFrom: count - wanted,
    logits: new Float32Array(0),
  };
  await engine.step([row]);
  const path = Array.from({ length: count }, (_, i) => i);
  engine.commit(slot, path, count);
  return row.logits;
}

function best(logits: Float32Array, count: number): number[] {
  return [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b).slice(0, count);
}

await main();
