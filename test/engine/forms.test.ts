/** The graph's other forms, which CUDA and requests need, compute what the exact one computes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../gpu-backend/engine/engine.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { summarize } from '../../gpu-backend/engine/summarize.ts';
import { argmax, chainRow, feed, maxDifference, randomIntegers, treeRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
const BASE: EngineOptions = { slots: 3, maxContext: 128, threads: 1, cacheFolder };
let plain: Engine;

beforeAll(async () => {
  plain = await openEngine(SMALL, BASE);
});
afterAll(() => plain.close());

/** How far logits may lie from the plain form's, and from the same form's when alone in a run. */
const FORMS: [string, EngineOptions, number, number][] = [
  ['fused', { attention: 'fused' }, 1e-5, 0],
  ['fused in shared lanes', { attention: 'fused', sharedLanes: true }, 1e-5, 0],
  ['folded heads', { attention: 'fused', foldHeads: true }, 1e-5, 0],
  [
    'folded heads in shared lanes',
    { attention: 'fused', foldHeads: true, sharedLanes: true },
    1e-5,
    0,
  ],
  // float16 has eleven bits; the logits here are below 4.
  ['float16', { compute: 'float16' }, 0.03, 0],
  [
    'float16 as on CUDA',
    { attention: 'fused', compute: 'float16', foldHeads: true, sharedLanes: true },
    0.03,
    0,
  ],
  [
    'steps of few shapes',
    { attention: 'fused', foldHeads: true, sharedLanes: true, fixedShapes: true },
    1e-5,
    1e-6,
  ],
  ['int8 weights', { quantization: 'int8' }, 0.2, 0],
];

describe.each(FORMS)('%s', (_, options, tolerance, companyTolerance) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(SMALL, { ...BASE, ...options });
  });
  afterAll(() => engine?.close());

  it('gives the logits of the plain form, for trees of two sessions at once', async () => {
    expect(maxDifference(await trees(engine), await trees(plain))).toBeLessThanOrEqual(tolerance);
  });

  it('does not depend on what shares the run', async () => {
    const alone = await chain(engine, [3, 4, 5, 6]);
    const slot = engine.acquire(Int32Array.of(3), 64, 'beside')!;
    const other = engine.acquire(Int32Array.of(9), 64, 'other')!;
    const row = chainRow(slot, [3, 4, 5, 6]);
    await engine.step([chainRow(other, [9, 8, 7, 6, 5, 4, 3]), row]);
    expect(maxDifference(row.logits, alone)).toBeLessThanOrEqual(companyTolerance);
    engine.release(slot);
    engine.release(other);
  });
});

it('int4 weights keep the better part of the choices', async () => {
  const engine = await openEngine(SMALL, { ...BASE, quantization: 'int4' });
  const text = Array.from({ length: 40 }, (_, i) => (i * 37) % 96);
  const [full, quantized] = [await chain(plain, text), await chain(engine, text)];
  const { vocabSize } = plain.limits;
  const choices = (logits: Float32Array) =>
    text.map((_, i) => argmax(logits.subarray(i * vocabSize, (i + 1) * vocabSize)));
  const expected = choices(full);
  const agreeing = choices(quantized).filter((choice, i) => choice === expected[i]);
  // By chance it would be one in 96.
  expect(agreeing.length).toBeGreaterThan(text.length / 3);
  engine.close();
});

it.each(['float32', 'float16'] as const)(
  'hidden states come with the rows whose logits are wanted, in %s',
  async (compute) => {
    const engine = await openEngine(SMALL, { ...BASE, compute, hiddenOutput: true });
    const slot = engine.acquire(Int32Array.of(1), 64, 'alone')!;
    const row = chainRow(slot, [3, 4, 5, 6], 2);
    await engine.step([row]);
    expect(row.hidden).toHaveLength(2 * 32);
    expect(row.logits).toHaveLength(2 * 96);
    const again = chainRow(slot, [3, 4, 5, 6], 3);
    const first = row.hidden!.slice(32);
    await engine.step([again]);
    expect(again.hidden!.slice()).toEqual(first);
    engine.close();
  },
);

async function chain(engine: Engine, text: number[]): Promise<Float32Array> {
  const slot = engine.acquire(Int32Array.from(text), 64, 'chain')!;
  const row = chainRow(slot, text.slice(slot.length));
  await engine.step([row]);
  const logits = row.logits.slice();
  engine.release(slot);
  return logits;
}

/** Two sessions of different length, each with a tree, after a branch was committed. */
async function trees(engine: Engine): Promise<Float32Array> {
  const random = randomIntegers(5);
  const prompts = [17, 40].map((length) => Array.from({ length }, () => random(96)));
  const slots = prompts.map(
    (prompt, i) => engine.acquire(Int32Array.from(prompt), 90, `tree ${i}`)!,
  );
  for (const [i, slot] of slots.entries()) await feed(engine, slot, prompts[i]!.slice(slot.length));
  const parents = [-1, 0, 0, 1, 2, 2, 5];
  const first = slots.map((slot) => treeRow(slot, [1, 2, 3, 4, 5, 6, 7], parents));
  await engine.step(first);
  const all = first.flatMap(({ logits }) => [...logits]);
  for (const slot of slots) engine.commit(slot, [0, 2, 5, 6], 4);
  const second = [treeRow(slots[0]!, [8, 9, 10], [-1, 0, 0]), treeRow(slots[1]!, [11], [-1])];
  await engine.step(second);
  all.push(...second.flatMap(({ logits }) => [...logits]));
  for (const slot of slots) engine.release(slot);
  return Float32Array.from(all);
}

it.each<[string, EngineOptions]>([
  ['in lanes of their own', {}],
  ['in shared lanes of few shapes', { attention: 'fused', sharedLanes: true, fixedShapes: true }],
])('the graph finds the most likely tokens that the host finds, %s', async (_, options) => {
  const engine = await openEngine(SMALL, { ...BASE, ...options, topInGraph: true });
  const slots = ['a', 'b'].map((name) => engine.acquire(Int32Array.of(1), 64, name)!);
  const rows = slots.map((slot, i) => ({ ...chainRow(slot, [3 + i, 4, 5], i), top: 6 }));
  await engine.step(rows);
  for (const row of rows) {
    const expected = { ...row, topIds: undefined };
    summarize(expected, 96);
    expect(row.topIds!.slice(0, 6 * (3 - row.logitsFrom))).toEqual(expected.topIds);
  }
  const more = { ...chainRow(slots[0]!, [3]), top: 20 };
  await engine.step([more]);
  expect(more.topIds).toHaveLength(20);
  engine.close();
});

it('a step may have more rows in all than a session has positions', async () => {
  const engine = await openEngine(SMALL, { ...BASE, maxContext: 64, sharedLanes: true });
  const slots = ['a', 'b', 'c'].map((name) => engine.acquire(Int32Array.of(1), 64, name)!);
  await engine.step(slots.map((slot) => chainRow(slot, Array(60).fill(1))));
  engine.close();
});
