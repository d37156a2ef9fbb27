/**
 * Losslessness to the bit: a node's logits are those of its path fed one token at
 * a time, for every family and format, whatever stands beside it.
 */
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priorOf } from '../../gpu-backend/engine/cost-prior.ts';
import type { Exactness } from '../../gpu-backend/engine/engine.ts';
import {
  checkControl,
  checkExactness,
  type ExactnessPlan,
  slotsFor,
} from '../../gpu-backend/engine/exactness/check.ts';
import { proveShortly } from '../../gpu-backend/engine/exactness/short-check.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { firstAcrossPanel, PANEL_ROWS, panelRoom } from '../../gpu-backend/engine/panel.ts';
import { partOf } from '../support/whole.ts';
import { chainRow, feed, sequentialLogits, treeRow, upTo } from './driver.ts';
import { goldenCheckpoints, SMALL, temporaryFolder } from './models.ts';
import { type CheckpointShape, randomCheckpoint } from './random-checkpoint.ts';

const cacheFolder = temporaryFolder();
const checkpoints = temporaryFolder();
const PLAN: ExactnessPlan = { trees: 10, maxNodes: 64, maxContext: 160, sessions: 3, seed: 3 };

async function check(model: string, options: EngineOptions = {}, plan = PLAN): Promise<Exactness> {
  const maxContext = plan.maxContext + plan.maxNodes;
  const slots = slotsFor(plan);
  const engine = await openEngine(model, {
    slots,
    maxContext,
    cacheFolder,
    threads: 2,
    ...options,
  });
  try {
    return await checkExactness(engine, plan);
  } finally {
    engine.close();
  }
}

function expectExact(found: Exactness): void {
  expect(found.nodes).toBeGreaterThan(100);
  expect(found).toEqual({ nodes: found.nodes, equal: found.nodes, largestDifference: 0 });
}

const FORMATS: [string, EngineOptions][] = [
  ['float32', {}],
  ['float16', { compute: 'float16' }],
  ['int8', { quantization: 'int8' }],
  ['int4', { quantization: 'int4' }],
  ['float32 in shared lanes', { sharedLanes: true }],
  ['float16 in shared lanes', { compute: 'float16', sharedLanes: true }],
  ['int4 in shared lanes', { quantization: 'int4', sharedLanes: true }],
];

/** A third of them has every family and every format. */
const GOLDEN = goldenCheckpoints().flatMap((model) =>
  FORMATS.map(([format, options]) => [basename(model), format, model, options] as const),
);

it.each(partOf(GOLDEN, 3))('%s in %s', async (_name, _format, model, options) => {
  expectExact(await check(model, options));
});

const SHAPES: [string, CheckpointShape][] = [
  ['one query head a key head', shape('LlamaForCausalLM', 4, 4, 32)],
  ['seven query heads a key head', shape('Qwen2ForCausalLM', 14, 2, 64)],
  ['one key head', shape('MistralForCausalLM', 3, 1, 48)],
  ['heads of 128 with norms', shape('Qwen3ForCausalLM', 4, 2, 128)],
  ['heads of 100, no multiple of 16', shape('LlamaForCausalLM', 2, 2, 100)],
  ['heads of 34, twice a prime', shape('LlamaForCausalLM', 4, 2, 34)],
  ['heads of 256, two panels of a score', shape('LlamaForCausalLM', 4, 2, 256)],
  ['heads of 2', shape('LlamaForCausalLM', 4, 2, 2)],
];

function shape(
  architecture: CheckpointShape['architecture'],
  heads: number,
  kvHeads: number,
  headDim: number,
): CheckpointShape {
  return { architecture, heads, kvHeads, headDim, maxPositions: 2048 };
}

/** In turns one thread first and three: a part of the cases has every shape. */
const SHAPED = SHAPES.flatMap(([name, parts], i) =>
  (i % 2 === 0 ? [1, 3] : [3, 1]).map((threads) => [name, threads, parts] as const),
);

it.each(partOf(SHAPED, 2))('a model with %s, %i threads', async (name, threads, parts) => {
  const model = randomCheckpoint(join(checkpoints, name.replaceAll(/\W+/g, '-')), parts);
  expectExact(await check(model, { threads, quantization: threads === 3 ? 'int4' : undefined }));
});

it('a head that is too wide is refused by name', async () => {
  const model = randomCheckpoint(join(checkpoints, 'wide'), shape('LlamaForCausalLM', 2, 2, 384));
  await expect(openEngine(model, { cacheFolder })).rejects.toThrow(/head_dim 384/);
  (await openEngine(model, { cacheFolder, attention: 'fused' })).close();
});

it('the check sees what is not exact', async () => {
  const { nodes, equal, largestDifference } = await check(SMALL, { attention: 'fused' });
  expect(equal).toBeLessThan(nodes / 2);
  expect(largestDifference).toBeGreaterThan(0);
});

it('single rows are padded where the check finds that they round differently, and only there', async () => {
  const model = randomCheckpoint(join(checkpoints, 'single'), shape('LlamaForCausalLM', 4, 4, 32));
  const engine = await openEngine(model, { cacheFolder, threads: 2, slots: 2, maxContext: 64 });
  const { prepared, leastRows } = engine.parts;
  expect(leastRows).toBe(2);
  const prior = priorOf(prepared.model.config, prepared.layout, 'cpu', 2);
  const alone = await proveShortly({ ...engine.parts, leastRows: 1 }, prior);
  expect(alone.leastRows).toBe(2);
  expect(alone.exactness.equal).toBe(alone.exactness.nodes);
  // No padding mends attention over another order.
  engine.close();
  const fused = { cacheFolder, threads: 2, slots: 2, maxContext: 64, attention: 'fused' } as const;
  const inexact = await openEngine(SMALL, fused);
  const found = await proveShortly({ ...inexact.parts, leastRows: 1 }, prior);
  expect(found.leastRows).toBe(1);
  expect(found.exactness.equal).toBeLessThan(found.exactness.nodes);
  inexact.close();
});

it('a run that leaves a single row over is exact', async () => {
  const options = { cacheFolder, threads: 2, quantization: 'int4', slots: 3 } as const;
  const model = randomCheckpoint(join(checkpoints, 'left'), shape('LlamaForCausalLM', 4, 2, 64));
  const engine = await openEngine(model, { ...options, maxContext: 320 });
  const text = Array.from({ length: 258 }, (_, i) => (i * 37) % 96);
  const logits = await sequentialLogits(engine, text);
  for (const [rows, beside] of [
    [128, 1],
    [129, 0],
    [257, 0],
    [125, 4],
    [2, 127],
  ] as const) {
    const slot = engine.acquire(Int32Array.of(1), 300, `rows ${rows}`)!;
    const other = engine.acquire(Int32Array.of(1), 300, `beside ${rows}`)!;
    const row = chainRow(slot, text.slice(0, rows), rows - 1);
    const company = chainRow(other, text.slice(0, beside), 0);
    await engine.step(beside > 0 ? [row, company] : [row]);
    expect(row.logits, `${rows} rows beside ${beside}`).toEqual(logits[rows - 1]);
    engine.commit(slot, upTo(rows), rows);
    expect(await feed(engine, slot, [text[rows]!])).toEqual(logits[rows]);
    engine.release(slot);
    engine.release(other);
  }
  engine.close();
});

describe('where a panel of the cache ends', () => {
  const model = randomCheckpoint(join(checkpoints, 'panels'), shape('LlamaForCausalLM', 4, 2, 64));

  it('trees that cross as a chain are exact', async () => {
    const plan = { ...PLAN, trees: 24, maxContext: 2 * PANEL_ROWS - 100, sessions: 1 };
    expectExact(await check(model, {}, plan));
  }, 120_000);

  it('others would not be, and are refused', async () => {
    const options = { slots: 2, maxContext: PANEL_ROWS + 100, cacheFolder };
    const engine = await openEngine(model, options);
    const control = await checkControl(engine, 1);
    expect(control!.equal).toBeLessThan(control!.nodes);
    const slot = engine.acquire(Int32Array.of(1), PANEL_ROWS + 100, 'alone')!;
    while (slot.length < PANEL_ROWS - 3) {
      await feed(engine, slot, Array(Math.min(256, PANEL_ROWS - 3 - slot.length)).fill(5));
    }
    await engine.step([treeRow(slot, [1, 2, 3], [-1, -1, -1])]);
    await engine.step([treeRow(slot, [1, 2, 3, 4, 5], [-1, 0, 1, 2, 2])]);
    const across = treeRow(slot, [1, 2, 3, 4], [-1, 0, 0, 1]);
    await expect(engine.step([across])).rejects.toThrow(/at most 3 rows, or begin with a chain/);
    await engine.step([chainRow(slot, [1, 2, 3, 4, 5])]);
    engine.close();
  });

  it('a tree is refused where a row lies in another panel than in its path alone', () => {
    const trees = fc.array(fc.nat(99), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(
        trees,
        fc.integer({ min: 900, max: 1100 }),
        fc.boolean(),
        (list, length, chain) => {
          const parents = list.map((n, row) => (chain && n > 3 ? row - 1 : (n % (row + 1)) - 1));
          const room = panelRoom(length);
          const depths: number[] = [];
          for (const parent of parents) depths.push(parent < 0 ? 0 : depths[parent]! + 1);
          const moved = depths.some((depth, row) => depth < room !== row < room);
          expect(firstAcrossPanel(parents, parents.length, length) >= 0).toBe(moved);
        },
      ),
      { numRuns: 500 },
    );
  });
});
