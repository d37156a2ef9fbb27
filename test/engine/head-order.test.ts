/** Query heads in the order in which attention folds them: the same logits, with nothing to turn in the graph. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HeadOrder } from '../../gpu-backend/builder/head-order.ts';
import { readModelFolder } from '../../gpu-backend/builder/model-folder.ts';
import { prepareModel } from '../../gpu-backend/builder/prepare.ts';
import type { Quantization } from '../../gpu-backend/builder/quantization.ts';
import { type EngineOptions, openEngine } from '../../gpu-backend/engine/open.ts';
import { type PartSource, readPart, unitOf } from '../../gpu-backend/engine/turned-part.ts';
import { feed, maxDifference, randomIntegers, treeRow, upTo } from './driver.ts';
import { BUNDLED, goldenCheckpoints, QWEN3, SMALL, temporaryFolder } from './models.ts';
import { randomCheckpoint } from './random-checkpoint.ts';

const folder = temporaryFolder();
const BIASED = goldenCheckpoints().find((each) => each.includes('qwen2-bias'))!;
/** Nothing is folded where every query head has a key head. */
const UNGROUPED = randomCheckpoint(join(folder, 'ungrouped'), {
  architecture: 'LlamaForCausalLM',
  heads: 4,
  kvHeads: 4,
  headDim: 16,
  maxPositions: 128,
});
const ATTENTION = 'model.layers.0.self_attn';
const BASE: EngineOptions = { slots: 2, maxContext: 128, threads: 1, cacheFolder: folder };

function orderOf(model: string, quantization: Quantization): HeadOrder {
  const prepared = prepareModel(readModelFolder(model), folder, {
    compute: 'float32',
    quantization,
  });
  return new HeadOrder(prepared.model.config, prepared.layout);
}

it.each([
  ['heads of whole values', SMALL, 'none', true],
  ['heads of whole blocks', BUNDLED, 'int4', true],
  ['heads of half a block', SMALL, 'int4', false],
  ['columns of 8 bits', SMALL, 'int8', false],
  ['biased queries', BIASED, 'none', true],
] as const)('%s of %s in %s: turned is %s', (_, model, quantization, turned) => {
  const order = orderOf(model, quantization);
  expect(order.isTurned(ATTENTION)).toBe(turned);
  expect(order.sideOf(`${ATTENTION}.o_proj.weight`)).toBe(turned ? 'columns' : undefined);
});

describe('a part of 4 heads of 2 over 2 key heads', () => {
  const order = orderOf(SMALL, 'none');
  const common = { heads: 4, headDim: 2, order };

  function turned(side: 'rows' | 'columns', bytes: number[], rows: number, most: number): number[] {
    const file = join(folder, `part ${side}`);
    writeFileSync(file, Uint8Array.from([255, ...bytes]));
    const source: PartSource = { ...common, file, offset: 1, bytes: bytes.length, rows, side };
    const all = new Uint8Array(bytes.length);
    const unit = unitOf(source);
    const piece = Math.max(1, Math.floor(most / unit)) * unit;
    for (let at = 0; at < all.length; at += piece) {
      readPart(source, all.subarray(at, at + piece), at);
    }
    return [...all];
  }

  it.each([100, 5, 1])('rows are read head by head, at most %i bytes at a time', (most) => {
    // A byte a row; behind the heads are a key's rows.
    const rows = upTo(10);
    expect(turned('rows', rows, 10, most)).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9]);
  });

  it.each([100, 9])('columns are turned in each row, at most %i bytes at a time', (most) => {
    const columns = [0, 1, 2, 3, 4, 5, 6, 7];
    const second = columns.map((value) => value + 10);
    expect(turned('columns', [...columns, ...second], 2, most)).toEqual([
      ...[0, 1, 4, 5, 2, 3, 6, 7],
      ...[10, 11, 14, 15, 12, 13, 16, 17],
    ]);
  });
});

const MODELS: [string, Quantization][] = [
  ...goldenCheckpoints().map((model): [string, Quantization] => [model, 'none']),
  [UNGROUPED, 'none'],
  [SMALL, 'int4'],
  [SMALL, 'int8'],
  [BIASED, 'int4'],
  [QWEN3, 'int4'],
  [BUNDLED, 'none'],
  [BUNDLED, 'int4'],
];

it.each(MODELS)(
  'folded heads give the logits of exact attention: %s in %s',
  async (model, quantization) => {
    const exact = await logitsOf(model, { quantization });
    const folded = { quantization, attention: 'fused', foldHeads: true } as const;
    const alone = await logitsOf(model, folded);
    const shared = await logitsOf(model, { ...folded, sharedLanes: true });
    // int8 activations round to another level where attention differs in a last bit; heads in
    // a wrong order are more than a logit off.
    const tolerance = quantization === 'none' ? 1e-4 : 0.2;
    expect(maxDifference(alone, exact)).toBeLessThanOrEqual(tolerance);
    expect(maxDifference(shared, exact)).toBeLessThanOrEqual(tolerance);
  },
);

/** Of a tree alone in its run, and of two side by side. */
async function logitsOf(model: string, options: EngineOptions): Promise<number[]> {
  const engine = await openEngine(model, { ...BASE, ...options });
  const random = randomIntegers(3);
  const parents = [-1, 0, 0, 1, 2, 2, 5];
  const slots = [9, 21].map((length) => {
    const prompt = Int32Array.from({ length }, () => random(90));
    return { prompt, slot: engine.acquire(prompt, 64, `of ${length}`)! };
  });
  for (const { slot, prompt } of slots) await feed(engine, slot, prompt);
  const rows = slots.map(({ slot }) => treeRow(slot, upTo(parents.length), parents));
  await engine.step([rows[0]!]);
  const logits = [...rows[0]!.logits];
  await engine.step(rows);
  logits.push(...rows.flatMap((row) => [...row.logits]));
  engine.close();
  return logits;
}
