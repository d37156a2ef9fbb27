/** Hydra's heads compute what their formula says, whatever else is in the run, and a file that does not fit is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDecoderConfig } from '../../gpu-backend/builder/config.ts';
import { hydraHeads } from '../../gpu-backend/builder/hydra-heads.ts';
import { readSafetensorsIndex } from '../../gpu-backend/builder/safetensors.ts';
import { readRows } from '../../gpu-backend/builder/tensor-reader.ts';
import { DraftHeads, type HeadRow } from '../../gpu-backend/engine/draft-heads.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { maxDifference, randomIntegers } from './driver.ts';
import { hydraFile, hydraTensors, type Tensors } from './hydra-file.ts';
import { BUNDLED, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 1, maxContext: 64, threads: 1, cacheFolder };
const PLACES = 3;
const CONFIG = readDecoderConfig(BUNDLED);
const HIDDEN = CONFIG.hiddenSize;
const NAMED = Array.from({ length: 500 }, (_, i) => 7 * i + 3);
const TENSORS = hydraTensors(HIDDEN, PLACES);
const NOTES = { places: String(PLACES), tokens: NAMED.join(' ') };

const random = randomIntegers(5);
const STATES = Array.from({ length: 3 }, () =>
  Float32Array.from({ length: HIDDEN }, () => random(4001) / 1000 - 2),
);
const rowOf = (state: Float32Array | null, ...tokens: number[]): HeadRow => ({
  state,
  tokens: Int32Array.from(tokens),
  count: tokens.length,
  logits: new Float32Array(0),
});

async function opened(options: EngineOptions = {}, notes: Record<string, string> = NOTES) {
  const target = await openEngine(BUNDLED, { ...BASE, ...options });
  const file = hydraFile(cacheFolder, BUNDLED, notes, TENSORS);
  const own = hydraHeads(target.parts.prepared, file);
  return { target, heads: await DraftHeads.open(target, own, { ...BASE, ...options }) };
}

/** Copies of the logits of each row, all in one run. */
async function said(heads: DraftHeads, rows: HeadRow[]): Promise<Float32Array[]> {
  await heads.run(rows);
  return rows.map(({ logits }) => logits.slice());
}

const ROWS = () => [
  rowOf(STATES[0]!, 5, 80, 7),
  rowOf(STATES[1]!, 41),
  rowOf(null, 6000, 3),
  rowOf(STATES[2]!, 5),
  rowOf(STATES[0]!, 80, 81, 82),
];

describe("Hydra's heads", () => {
  let target: OrtEngine;
  let heads: DraftHeads;
  beforeAll(async () => {
    ({ target, heads } = await opened());
  });
  afterAll(() => {
    heads?.close();
    target?.close();
  });

  it('say what the formula of the recipe says', async () => {
    const rows = ROWS();
    for (const [i, logits] of (await said(heads, rows)).entries()) {
      expect(logits).toHaveLength(NAMED.length);
      expect(maxDifference(logits, reference(rows[i]!))).toBeLessThan(1e-3);
    }
  });

  it('answer a row alike alone, where all other heads have none', async () => {
    const together = await said(heads, ROWS());
    for (const [i, row] of ROWS().entries()) {
      const [alone] = await said(heads, [row]);
      expect(maxDifference(alone!, together[i]!)).toBeLessThan(1e-4);
    }
  });

  it('name all tokens where the file lists none', async () => {
    const whole = await opened({}, { places: String(PLACES) });
    const rows = ROWS();
    const all = await said(whole.heads, rows);
    const named = await said(heads, rows);
    for (const [i, logits] of all.entries()) {
      expect(logits).toHaveLength(CONFIG.vocabSize);
      const same = Float32Array.from(NAMED, (token) => logits[token]!);
      expect(maxDifference(same, named[i]!)).toBeLessThan(1e-4);
    }
    whole.heads.close();
    whole.target.close();
  });

  it.each([
    ['int4', { quantization: 'int4' }],
    ['int8, whose stream is turned,', { quantization: 'int8' }],
    ['float16', { compute: 'float16' }],
  ] as const)('compute beside %s what they compute beside float32', async (_, options) => {
    const other = await opened(options);
    const [plain, own] = [await said(heads, ROWS()), await said(other.heads, ROWS())];
    const size = Math.max(...plain.map((logits) => Math.max(...logits)));
    for (const [i, logits] of own.entries()) {
      expect(maxDifference(logits, plain[i]!)).toBeLessThan(0.1 * size);
    }
    // The matrices are shared: who closes first does not matter.
    other.target.close();
    expect(await said(other.heads, ROWS())).toEqual(own);
    other.heads.close();
  });

  it('know what a run of many rows takes, and refuse two runs at once', async () => {
    expect(heads.cost(1)).toBeGreaterThan(0);
    expect(heads.cost(32)).toBeGreaterThan(heads.cost(1));
    const first = heads.run(ROWS());
    await expect(heads.run(ROWS())).rejects.toThrow(/in flight/);
    expect(() => heads.close()).toThrow(/in flight/);
    await first;
  });

  it('are refused where their file does not fit', () => {
    const read = (notes: Record<string, string>, tensors: Tensors = TENSORS) =>
      hydraHeads(target.parts.prepared, hydraFile(cacheFolder, BUNDLED, notes, tensors));
    for (const places of ['0', '9', '1.5', 'four']) {
      expect(() => read({ places })).toThrow(/places must be 1 to 8, not/);
    }
    expect(() => read({})).toThrow(/places must be 1 to 8, not undefined/);
    expect(() => read({ places: '4' })).toThrow(/has no tensor "heads.4.weight"/);
    expect(() => read({ places: '2' })).toThrow(/"heads.3.weight" is no tensor of Hydra's heads/);
    const { 'heads.2.bias': _, ...without } = TENSORS;
    expect(() => read(NOTES, without)).toThrow(/has no tensor "heads.2.bias"/);
    const narrow = { ...TENSORS, ...hydraTensors(32, 1) };
    expect(() => read(NOTES, narrow)).toThrow(
      /"norm.weight" is \[32\], the model asks for \[256\]/,
    );
    expect(() => read({ ...NOTES, tokens: '5 5' })).toThrow(/tokens must be ids below 6144/);
    const others = { ...NOTES, weights: 'of another', target: 'another model' };
    expect(() => read(others)).toThrow(/trained for another model, not for espalier-tiny/);
  });
});

const index = readSafetensorsIndex(BUNDLED);
const TABLE = Float32Array.from(
  [...readRows(index.get('model.embed_tokens.weight')!)].flatMap((rows) => [...rows]),
);
const embeddingOf = (token: number) => TABLE.subarray(token * HIDDEN, (token + 1) * HIDDEN);

function meanSquare(x: Float32Array): number {
  return x.reduce((sum, value) => sum + value * value, 0) / x.length;
}

/** Logits of a row by the recipe's formula, in plain numbers. */
function reference({ state, tokens, count }: HeadRow): Float32Array {
  const h = state ?? new Float32Array(HIDDEN);
  const read = [...h];
  for (const token of tokens.subarray(0, count)) {
    const e = embeddingOf(token);
    const size = Math.sqrt(meanSquare(e));
    read.push(...e.map((value) => value / size));
  }
  const weight = TENSORS[`heads.${count}.weight`]!.values;
  const bias = TENSORS[`heads.${count}.bias`]!.values;
  const x = h.map((own, out) => {
    let sum = bias[out]!;
    for (const [i, value] of read.entries()) sum += weight[out * read.length + i]! * value;
    return own + sum / (1 + Math.exp(-sum));
  });
  const scale = 1 / Math.sqrt(meanSquare(x) + CONFIG.normEpsilon);
  const norm = TENSORS['norm.weight']!.values;
  const normed = x.map((value, i) => value * scale * norm[i]!);
  return Float32Array.from(NAMED, (token) =>
    embeddingOf(token).reduce((sum, value, i) => sum + value * normed[i]!, 0),
  );
}
