/**
 * GGUF files of every supported architecture compute what transformers computes
 * of the checkpoints that they were converted from.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { addModel } from '../../../gpu-backend/builder/add-model.ts';
import { writeGgufCheckpoint } from '../../../gpu-backend/builder/gguf/checkpoint.ts';
import { checkGolden } from '../../../gpu-backend/cli/golden-check.ts';
import { openEngine } from '../../../gpu-backend/engine/open.ts';
import { createTokenizer } from '../../../src/model/tokenizer.ts';
import { NO_MODEL } from '../../support/real-model.ts';
import { argmax, feed, maxDifference, sequentialLogits } from '../driver.ts';
import { realGguf, temporaryFolder } from '../models.ts';

const folder = temporaryFolder();
const fixture = (name: string) =>
  fileURLToPath(new URL(`./fixtures/${name}.gguf`, import.meta.url));
const checkpoint = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

const MODELS = [
  'llama3-rope-sharded-f32',
  'llama-biased-tied-f32',
  'mistral-f16',
  'qwen2-bias-tied-bf16',
  'qwen3-qknorm-sharded-bf16',
];

describe('a GGUF file of', () => {
  it.each(MODELS)('%s gives the golden logits', async (name) => {
    const target = join(folder, name);
    mkdirSync(target);
    writeGgufCheckpoint(fixture(name), target);
    cpSync(join(checkpoint(name), 'golden.json'), join(target, 'golden.json'));
    const report = await checkGolden(target, join(folder, 'cache'));
    expect(report.passed, JSON.stringify(report)).toBe(true);
    expect(report.argmaxAgreements).toBe(report.positions);
  });
});

describe('blocks that are kept', () => {
  const tokens = Array.from({ length: 40 }, (_, i) => (i * 37) % 96);

  async function logits(quantization: 'none' | 'int4'): Promise<Float32Array[]> {
    const cacheFolder = join(folder, 'kept');
    const model = await addModel(fixture('llama-biased-tied-q4_1'), {
      cacheFolder,
      compute: 'float32',
      quantization,
    });
    const engine = await openEngine(model.path, { slots: 1, threads: 1, cacheFolder });
    try {
      return (await sequentialLogits(engine, tokens)).filter((row) => row !== undefined);
    } finally {
      engine.close();
    }
  }

  it('compute what their values compute, up to the rounding of activations', async () => {
    const [kept, values] = [await logits('int4'), await logits('none')];
    const scale = Math.max(...values.map((row) => Math.max(...row.map(Math.abs))));
    const worst = Math.max(...values.map((row, i) => maxDifference(row, kept[i]!)));
    expect(worst).toBeGreaterThan(0);
    // The one matrix whose rows are no whole blocks is float32 in the file, and rounded.
    expect(worst).toBeLessThan(0.1 * scale);
  });

  it('leave nothing of a matrix in float32', () => {
    const [kept] = readdirSync(join(folder, 'kept')).filter((name) =>
      /float32-int4-v\d+$/.test(name),
    );
    const layout = JSON.parse(readFileSync(join(folder, 'kept', kept!, 'layout.json'), 'utf8'));
    expect(layout.matrices['model.layers.0.self_attn.q_proj.weight']).toMatchObject({
      form: 'blocks4',
      parts: { offsets: { bytes: 4 * 32 } },
    });
    expect(layout.matrices['model.embed_tokens.weight'].form).toBe('blocks8');
  });
});

describe.skipIf(!realGguf('smollm'))(`SmolLM2-135M-Instruct${NO_MODEL}`, () => {
  const QUESTION = 'What is the capital of France? Tell me one thing about it.';
  const TOKENS = 30;

  async function answer(quantization?: 'none'): Promise<string> {
    const cacheFolder = join(folder, 'real');
    const options = { cacheFolder, compute: 'float32' as const, quantization };
    const model = await addModel(realGguf('smollm')!, options);
    const read = (name: string) => JSON.parse(readFileSync(join(model.path, name), 'utf8'));
    const tokenizer = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
    const prompt = tokenizer.encode(tokenizer.renderChat([{ role: 'user', content: QUESTION }]));
    const engine = await openEngine(model.path, { slots: 1, maxContext: 256, cacheFolder });
    try {
      const slot = engine.acquire(prompt, prompt.length + TOKENS, 'alone')!;
      const written: number[] = [];
      for (let fed = [...prompt]; written.length < TOKENS; fed = written.slice(-1)) {
        const token = argmax(await feed(engine, slot, fed));
        if (model.eosIds.includes(token)) break;
        written.push(token);
      }
      return tokenizer.tokenizer.decode(written);
    } finally {
      engine.close();
    }
  }

  it('answers right, with its blocks kept as with their values in float32', async () => {
    const kept = await answer();
    expect(kept).toBe('The capital of France is Paris.');
    expect(kept).toBe(await answer('none'));
  }, 120_000);
});

it('a GGUF file is added by its path, once', async () => {
  const options = { cacheFolder: join(folder, 'added'), compute: 'float32' as const };
  const model = await addModel(fixture('mistral-f16'), options);
  expect(model.manifest.name).toBe('mistral-f16');
  expect(model.config).toMatchObject({ layers: 2, heads: 4, kvHeads: 2, headDim: 16 });
  expect(model.eosIds).toEqual([2]);
  expect(await addModel(fixture('mistral-f16'), options)).toEqual(model);
  expect(existsSync(join(model.path, 'model.gguf'))).toBe(true);
});

it('a file that is only called model.gguf is named after its folder', async () => {
  const options = { cacheFolder: join(folder, 'named'), compute: 'float32' as const };
  const source = join(folder, 'tiny-mistral');
  mkdirSync(source);
  cpSync(fixture('mistral-f16'), join(source, 'model.gguf'));
  const model = await addModel(join(source, 'model.gguf'), options);
  expect(model.manifest.name).toBe('tiny-mistral');
});

it('a file of another kind is refused', async () => {
  const options = { cacheFolder: join(folder, 'refused'), compute: 'float32' as const };
  const file = join(checkpoint('mistral-f16'), 'model.safetensors');
  expect(readFileSync(file).length).toBeGreaterThan(0);
  await expect(addModel(file, options)).rejects.toThrow(/neither a folder nor a .gguf file/);
});
