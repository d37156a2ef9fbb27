/** A part of a model computes what the layers that it has would compute alone, on the model's own weights. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layersOf } from '../../gpu-backend/builder/decoder-options.ts';
import { earlyExit } from '../../gpu-backend/builder/early-exit.ts';
import { type EngineOptions, openEngine, openPart } from '../../gpu-backend/engine/open.ts';
import type { OrtEngine } from '../../gpu-backend/engine/ort-engine.ts';
import { chainRow, maxDifference } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';
import { NAMED, trainedFile } from './trained-file.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 1, maxContext: 64, threads: 1, cacheFolder };
const FUSED: EngineOptions = { ...BASE, attention: 'fused' };
/** As on CUDA, where a part reads what the model has loaded. */
const FOLDED: EngineOptions = { ...FUSED, foldHeads: true };
const TEXT = [5, 80, 7, 8, 90, 10];
const VOCAB = 96;

/** The checkpoint's second and last layer, as one that was trained to follow its first. */
function lastLayer(notes: Record<string, string>): string {
  return trainedFile(cacheFolder, { kind: 'kangaroo', ...notes });
}

async function logitsOf(engine: OrtEngine): Promise<Float32Array> {
  const slot = engine.acquire(Int32Array.of(1), 32, 'part')!;
  const row = chainRow(slot, TEXT);
  await engine.step([row]);
  engine.release(slot);
  // A part with a trimmed head writes rows of fewer logits.
  return row.logits.slice();
}

describe('a part of a model', () => {
  let whole: OrtEngine;
  let expected: Float32Array;
  beforeAll(async () => {
    whole = await openEngine(SMALL, BASE);
    expected = await logitsOf(whole);
  });
  afterAll(() => whole?.close());

  it('with all blocks is the model, and outlives it', async () => {
    const own = await openEngine(SMALL, BASE);
    const part = await openPart(own, { blocks: layersOf(0, 2) }, FUSED);
    own.close();
    expect(maxDifference(await logitsOf(part), expected)).toBeLessThan(1e-5);
    part.close();
  });

  it.each([
    ['without its first layer', layersOf(1, 2)],
    ['without an MLP', [...layersOf(0, 2).slice(0, 3)]],
    ['without an attention', [...layersOf(0, 2).slice(1)]],
  ])('%s is another model', async (_, blocks) => {
    const part = await openPart(whole, { blocks }, FUSED);
    const logits = await logitsOf(part);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(maxDifference(logits, expected)).toBeGreaterThan(0.01);
    part.close();
  });

  it.each([
    ['in int8, whose stream is turned', FUSED, 'int8'],
    ['with folded heads', FOLDED, undefined],
  ] as const)(
    'without some of its blocks is the same model %s',
    async (_, options, quantization) => {
      const part = { blocks: layersOf(0, 2).filter((_, i) => i === 1 || i === 2) };
      const plain = await openPart(whole, part, FUSED);
      const engine = await openEngine(SMALL, { ...options, quantization });
      const own = await openPart(engine, part, options);
      const tolerance = quantization ? 0.1 : 1e-5;
      expect(maxDifference(await logitsOf(own), await logitsOf(plain))).toBeLessThan(tolerance);
      for (const one of [plain, own, engine]) one.close();
    },
  );

  it('without attention is refused', async () => {
    const blocks = layersOf(0, 2).filter(({ kind }) => kind === 'mlp');
    await expect(openPart(whole, { blocks }, FUSED)).rejects.toThrow(/attention/);
  });

  it.each([
    ['', undefined, BASE, FUSED],
    [' in int4', 'int4', BASE, FUSED],
    [' in int8', 'int8', BASE, FUSED],
    [' with folded heads', undefined, FOLDED, FOLDED],
    [' with folded heads in int4', 'int4', FOLDED, FOLDED],
  ] as const)(
    'that exits early goes on in a layer of its own%s',
    async (_, quantization, options, partOptions) => {
      const engine = await openEngine(SMALL, { ...options, quantization });
      const own = await logitsOf(engine);
      const file = lastLayer({ exit: '1', tokens: NAMED.join(' ') });
      const part = earlyExit(engine.parts.prepared, file);
      expect([...part.vocabulary!]).toEqual(NAMED);
      const opened = await openPart(engine, part, partOptions);
      const row = await logitsOf(opened);
      // Its layer is the model's own here, in 8 bits where the model's has 4.
      const tolerance = quantization ? 0.5 : 1e-5;
      const count = NAMED.length;
      for (let i = 0; i < TEXT.length; i++) {
        const named = Float32Array.from(NAMED, (token) => own[i * VOCAB + token]!);
        const said = row.subarray(i * count, (i + 1) * count);
        expect(maxDifference(said, named)).toBeLessThan(tolerance);
      }
      opened.close();
      engine.close();
    },
  );

  it('that does not fit is refused', async () => {
    const open = (notes: Record<string, string>) => {
      return earlyExit(whole.parts.prepared, lastLayer(notes));
    };
    expect(() => open({ exit: '2' })).toThrow(/exit must be 1 to 1/);
    expect(() => open({ exit: 'soon' })).toThrow(/exit/);
    for (const tokens of ['', 'many', '1 1', '2 1', '-1 4', '1.5', '3 96']) {
      expect(() => open({ exit: '1', tokens })).toThrow(/tokens must be ids below 96/);
    }
    expect(open({ exit: '1' }).vocabulary).toBe(null);
    const others = { exit: '1', weights: 'of another', target: 'another model' };
    expect(() => open(others)).toThrow(/trained for another model, not for llama3/);
  });
});
