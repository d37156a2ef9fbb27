/** Prompt tokens are read as tokens with their embeddings are, and change no other row's bits. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { readPromptTokens } from '../../gpu-backend/builder/prompt-tokens.ts';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { writeSafetensors } from '../../gpu-backend/builder/safetensors-writer.ts';
import { asBytes, readAs, readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { maxDifference, treeRow } from './driver.ts';
import { BUNDLED, SMALL, temporaryFolder } from './models.ts';
import { promptsFile, promptValues } from './prompts-file.ts';
import { SMALL_HIDDEN } from './trained-file.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 2, maxContext: 64, threads: 1, cacheFolder };
const VOCAB = 96;
/** Tokens of which no text below has any. */
const REPLACED = 50;
const PROMPTS = promptValues(3);
/** A text's end, a child of it, prompt tokens behind both, and a second child. */
const TREE = {
  tokens: [5, 80, 7, 33, VOCAB, VOCAB + 1, VOCAB + 2, VOCAB, VOCAB + 1, 21],
  parents: [-1, 0, 1, 2, 2, 4, 5, 3, 7, 2],
};
const isPrompt = (token: number) => token >= VOCAB;

/** The small checkpoint with the embeddings of some of its tokens replaced by those of prompt tokens. */
function replaced(): string {
  const folder = join(cacheFolder, 'replaced');
  cpSync(SMALL, folder, { recursive: true });
  const tensors = [...readSafetensorsIndex(folder).values()];
  const table = tensors.find(({ name }) => name === 'model.embed_tokens.weight')!;
  const values = Float32Array.from([...readRows(table)].flatMap((rows) => [...rows]));
  values.set(PROMPTS, REPLACED * SMALL_HIDDEN);
  const read = (one: typeof table) => (one === table ? [asBytes(values)] : readAs(one, 'float32'));
  writeSafetensors(join(folder, 'model.safetensors'), tensors, 'F32', read);
  rmSync(join(folder, 'model.safetensors.index.json'));
  return folder;
}

async function logitsOf(engine: OrtEngine, tokens: readonly number[], parents: readonly number[]) {
  const slot = engine.acquire(Int32Array.of(1), 32, 'tree')!;
  const row = treeRow(slot, tokens, parents);
  await engine.step([row]);
  engine.release(slot);
  return tokens.map((_, i) => row.logits.slice(i * VOCAB, (i + 1) * VOCAB));
}

describe('prompt tokens', () => {
  let plain: OrtEngine;
  let own: OrtEngine;
  beforeAll(async () => {
    plain = await openEngine(SMALL, BASE);
    own = await openEngine(SMALL, { ...BASE, promptTokens: PROMPTS });
  });
  afterAll(() => {
    plain?.close();
    own?.close();
  });

  it('are read as tokens that have these embeddings, to the bit', async () => {
    const other = await openEngine(replaced(), BASE);
    const alike = TREE.tokens.map((token) => (isPrompt(token) ? REPLACED + token - VOCAB : token));
    const expected = await logitsOf(other, alike, TREE.parents);
    expect(await logitsOf(own, TREE.tokens, TREE.parents)).toEqual(expected);
    other.close();
  });

  it('that the model would not compute with as numbers are refused', async () => {
    for (const [size, options] of [
      [1e5, { compute: 'float16' }],
      [3.4e38, { quantization: 'int8' }],
    ] as const) {
      const promptTokens = PROMPTS.map((value) => value * size);
      await expect(openEngine(SMALL, { ...BASE, ...options, promptTokens })).rejects.toThrow(
        /prompt tokens, as the model computes/,
      );
    }
  });

  it('change no bit of what tokens say, nor does a graph that could read them', async () => {
    const kept = [...TREE.tokens.keys()].filter((row) => !isPrompt(TREE.tokens[row]!));
    const tokens = kept.map((row) => TREE.tokens[row]!);
    const parents = kept.map((row) => kept.indexOf(TREE.parents[row]!));
    const expected = await logitsOf(plain, tokens, parents);
    expect(await logitsOf(own, tokens, parents)).toEqual(expected);
    const among = await logitsOf(own, TREE.tokens, TREE.parents);
    expect(kept.map((row) => among[row]!)).toEqual(expected);
  });

  it.each([
    ['beside int8 rows, whose stream is turned', { quantization: 'int8' }],
    ['in float16', { compute: 'float16' }],
  ] as const)('say %s what they say in float32', async (_, options) => {
    const engine = await openEngine(SMALL, { ...BASE, ...options, promptTokens: PROMPTS });
    const [wide, narrow] = [
      await logitsOf(own, TREE.tokens, TREE.parents),
      await logitsOf(engine, TREE.tokens, TREE.parents),
    ];
    for (const [i, logits] of wide.entries()) {
      expect(maxDifference(narrow[i]!, logits)).toBeLessThan(0.1);
    }
    engine.close();
  });

  it('are refused by an engine that was opened without them, or has no more', async () => {
    await expect(logitsOf(plain, [5, VOCAB], [-1, 0])).rejects.toThrow(/row 1 has token 96; the/);
    await expect(logitsOf(own, [5, VOCAB + 3], [-1, 0])).rejects.toThrow(/row 1 has token 99; the/);
  });
});

describe('a file of prompt tokens', () => {
  const model = readModelFolder(SMALL);

  it('has their embeddings', () => {
    expect(readPromptTokens(model, promptsFile(cacheFolder, PROMPTS))).toEqual(PROMPTS);
  });

  it.each([
    [
      'for another model',
      () => promptsFile(cacheFolder, PROMPTS, { weights: 'other', target: 'a-model' }),
      /was trained for a-model, not for llama3/,
    ],
    [
      'with another tensor',
      () => promptsFile(cacheFolder, PROMPTS, {}, 'embeddings'),
      /prompt tokens are one tensor "prompts", not "embeddings"/,
    ],
    [
      'of another width',
      () => promptsFile(cacheFolder, PROMPTS, {}, 'prompts', [6, 16]),
      /"prompts" is \[6, 16\], the model asks for \[1 to 8, 32\]/,
    ],
    ['of too many', () => promptsFile(cacheFolder, promptValues(9)), /"prompts" is \[9, 32\]/],
    [
      'with what is no number',
      () => promptsFile(cacheFolder, PROMPTS.slice().fill(Number.NaN, 40, 41)),
      /"prompts" holds NaN/,
    ],
  ])('%s is refused', (_, file, error) => {
    expect(() => readPromptTokens(model, file())).toThrow(error);
  });

  it('of another model is refused', () => {
    const file = promptsFile(cacheFolder, PROMPTS);
    expect(() => readPromptTokens(readModelFolder(BUNDLED), file)).toThrow(/not for espalier-tiny/);
  });
});
