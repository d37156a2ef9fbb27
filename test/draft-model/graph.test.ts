/**
 * The worker's form of the draft model, in ONNX Runtime's WebAssembly build: it
 * says what the checkpoint says, as far as eight bits go, and a tree read in one
 * pass says what its paths say read one token at a time.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { buildEdgeDecoder } from '../../gpu-backend/builder/edge-decoder.ts';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { ROOT } from '../../local/root.ts';
import {
  EdgeCache,
  type EdgeModel,
  type Reading,
} from '../../src/generate/draft-model/edge-model.ts';
import type { DraftFacts } from '../../src/store/drafts.ts';
import { argmax, maxDifference, sequentialLogits } from '../engine/driver.ts';
import { temporaryFolder } from '../engine/models.ts';

const DRAFT = join(ROOT, 'models/draft');
const facts: DraftFacts = JSON.parse(readFileSync(join(DRAFT, 'edge.json'), 'utf8'));
const cacheFolder = temporaryFolder();
let model: EdgeModel;
let engine: Engine;

ort.env.wasm.numThreads = 1;

beforeAll(async () => {
  const session = await ort.InferenceSession.create(readFileSync(join(DRAFT, 'edge.onnx')));
  model = { facts, session, Tensor: ort.Tensor };
  engine = await openEngine(DRAFT, { slots: 1, maxContext: 256, threads: 1, cacheFolder });
});
afterAll(() => engine?.close());

/** Any text will do: bytes of the tokenizer's own alphabet, which every model has read. */
const TEXT = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 900));

function committed(cache: EdgeCache, tokens: readonly number[], from = 0): Reading[] {
  return tokens.map((token, i) => ({
    token,
    position: from + i,
    row: cache.reserve(),
    sees: [],
    committed: true,
  }));
}

function rowsOf(logits: Float32Array): Float32Array[] {
  const rows: Float32Array[] = [];
  for (let at = 0; at < logits.length; at += facts.vocabSize) {
    rows.push(logits.subarray(at, at + facts.vocabSize));
  }
  return rows;
}

function meanDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

function spread(logits: Float32Array): number {
  return Math.max(...logits) - Math.min(...logits);
}

test('its logits are those of the float model, on average within three hundredths of their spread', async () => {
  const expected = await sequentialLogits(engine, TEXT);
  const cache = new EdgeCache(model, 64);
  const readings = committed(cache, TEXT);
  const logits = rowsOf(
    await cache.read(
      readings,
      TEXT.map((_, i) => i),
    ),
  );
  let agreed = 0;
  let away = 0;
  for (let i = 0; i < TEXT.length; i++) {
    const scale = spread(expected[i]!);
    expect(maxDifference(logits[i]!, expected[i]!) / scale).toBeLessThan(0.2);
    away += meanDifference(logits[i]!, expected[i]!) / scale / TEXT.length;
    if (argmax(logits[i]!) === argmax(expected[i]!)) agreed++;
  }
  expect(away).toBeLessThan(0.03);
  expect(agreed / TEXT.length).toBeGreaterThanOrEqual(0.8);
});

test('a tree read in one pass says what each path says alone, rows used again included', async () => {
  const cache = new EdgeCache(model, 64);
  await cache.read(committed(cache, TEXT.slice(0, 10)), []);
  // Nodes that were held and let go leave free rows in the middle.
  const scrap = [cache.reserve(), cache.reserve()];
  await cache.read(committed(cache, TEXT.slice(10, 20), 10), []);
  for (const row of scrap) cache.release(row);
  // root ─ a ─ b ─ d
  //          └ c
  const [a, b, c, d] = [0, 1, 2, 3].map(() => cache.reserve()) as [number, number, number, number];
  const node = (token: number, depth: number, row: number, sees: number[]): Reading => ({
    token,
    position: 19 + depth,
    row,
    sees,
    committed: false,
  });
  const first = [node(500, 1, a, []), node(501, 2, b, [a]), node(502, 2, c, [a])];
  const [, atB, atC] = rowsOf(await cache.read(first, [0, 1, 2]));
  const [atD] = rowsOf(await cache.read([node(503, 3, d, [a, b])], [0]));

  for (const [path, logits] of [
    [[500, 501], atB],
    [[500, 502], atC],
    [[500, 501, 503], atD],
  ] as const) {
    const alone = new EdgeCache(model, 64);
    const text = [...TEXT.slice(0, 20), ...path];
    const [expected] = rowsOf(await alone.read(committed(alone, text), [text.length - 1]));
    // Activations are rounded by the batch they are in: alike, not the same.
    expect(maxDifference(logits!, expected!) / spread(expected!)).toBeLessThan(0.06);
  }
});

test('a full cache has no place, and a place let go is given again', () => {
  const cache = new EdgeCache(model, 3);
  expect([0, 1, 2, 3].map(() => cache.reserve())).toEqual([0, 1, 2, -1]);
  cache.release(1);
  expect(cache.reserve()).toBe(1);
});

test('the bundled graph is what the builder makes of the bundled checkpoint', () => {
  const built = buildEdgeDecoder(DRAFT, facts);
  expect(Buffer.compare(built, readFileSync(join(DRAFT, 'edge.onnx')))).toBe(0);
});

test('it can leave after fewer layers, and says which it has', async () => {
  const shallow = buildEdgeDecoder(DRAFT, { ...facts, layers: 1 });
  const session = await ort.InferenceSession.create(shallow);
  const cache = new EdgeCache({ facts: { ...facts, layers: 1 }, session, Tensor: ort.Tensor }, 8);
  const logits = await cache.read(committed(cache, [300, 301]), [1]);
  expect(logits).toHaveLength(facts.vocabSize);
  expect(() => buildEdgeDecoder(DRAFT, { ...facts, layers: 4 })).toThrow(
    "the model has 3 layers: can't leave after 4",
  );
});

describe.each([
  'llama-biased-tied-f32',
  'llama3-rope-sharded-f32',
  'mistral-f16',
  'qwen2-bias-tied-bf16',
  'qwen3-qknorm-sharded-bf16',
])('%s', (name) => {
  const folder = join(ROOT, 'test/engine/fixtures', name);
  const golden: { input_ids: number[]; last_logits: number[]; argmax_per_position: number[] } =
    JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8'));

  test('says what the reference says, as far as eight bits go', async () => {
    const { layers, vocabSize, kvHeads, headDim } = readDecoderConfig(folder);
    const shape = { ...facts, layers, vocabSize, width: kvHeads * headDim };
    const session = await ort.InferenceSession.create(buildEdgeDecoder(folder, shape));
    const cache = new EdgeCache({ facts: shape, session, Tensor: ort.Tensor }, 64);
    const { input_ids: text } = golden;
    const flat = await cache.read(
      committed(cache, text),
      text.map((_, i) => i),
    );
    const logits = text.map((_, i) => flat.subarray(i * vocabSize, (i + 1) * vocabSize));
    const last = Float32Array.from(golden.last_logits);
    expect(maxDifference(logits.at(-1)!, last) / spread(last)).toBeLessThan(0.1);
    const agreed = logits.filter((row, i) => argmax(row) === golden.argmax_per_position[i]);
    expect(agreed.length / text.length).toBeGreaterThanOrEqual(0.8);
  });

  test('with half of its vocabulary it says the same of that half', async () => {
    const { layers, vocabSize, kvHeads, headDim } = readDecoderConfig(folder);
    const whole = { ...facts, layers, vocabSize, width: kvHeads * headDim };
    const half = { ...whole, vocabSize: vocabSize / 2 };
    const [all, some] = await Promise.all(
      [whole, half].map(async (shape) => {
        const session = await ort.InferenceSession.create(buildEdgeDecoder(folder, shape));
        const cache = new EdgeCache({ facts: shape, session, Tensor: ort.Tensor }, 8);
        return await cache.read(committed(cache, [1, 2, 3]), [2]);
      }),
    );
    expect([...some!]).toEqual([...all!.subarray(0, vocabSize / 2)]);
  });
});
