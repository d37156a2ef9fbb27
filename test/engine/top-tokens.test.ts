/** On request a step tells the most likely tokens of every node, and their probabilities. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blocksIn } from '../../gpu-backend/builder/peaks.ts';
import { type Engine, MAX_TOP_TOKENS, type StepRow } from '../../gpu-backend/engine/engine.ts';
import { openEngine } from '../../gpu-backend/engine/open.ts';
import { logNormalizer, topTokens } from '../../gpu-backend/logits/top-tokens.ts';
import { argmax, treeRow } from './driver.ts';
import { SMALL, temporaryFolder } from './models.ts';

const cacheFolder = temporaryFolder();
let engine: Engine;

beforeAll(async () => {
  engine = await openEngine(SMALL, { slots: 2, maxContext: 128, threads: 1, cacheFolder });
});
afterAll(() => engine?.close());

it('the most likely tokens are those that sorting gives, ties by id', () => {
  // Few values: many ties.
  const logits = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(logits, fc.integer({ min: 1, max: 20 }), (list, count) => {
      const ids = new Int32Array(count);
      topTokens(Float32Array.from(list), ids);
      const sorted = list.map((_, id) => id).sort((a, b) => list[b]! - list[a]! || a - b);
      expect([...ids]).toEqual(sorted.slice(0, count));
    }),
  );
});

it('the normalizer makes probabilities that sum to one, for logits of any size', () => {
  const logit = fc.float({ min: -3e4, max: 3e4, noNaN: true });
  fc.assert(
    fc.property(fc.array(logit, { minLength: 1, maxLength: 50 }), (list) => {
      const normalizer = logNormalizer(Float32Array.from(list));
      const sum = list.reduce((total, value) => total + Math.exp(value - normalizer), 0);
      expect(sum).toBeCloseTo(1, 9);
    }),
  );
});

it('a step fills them for every row whose logits are wanted, of those sessions that ask', async () => {
  const asking = engine.acquire(Int32Array.of(1), 64, 'asking')!;
  const silent = engine.acquire(Int32Array.of(1), 64, 'silent')!;
  const row: StepRow = {
    ...treeRow(asking, [3, 4, 5, 6], [-1, 0, 0, 2]),
    logitsFrom: 1,
    top: 8,
  };
  const other: StepRow = treeRow(silent, [7, 8], [-1, 0]);
  await engine.step([row, other]);
  const { vocabSize } = engine.limits;
  expect(row.topIds).toHaveLength(3 * 8);
  for (let i = 0; i < 3; i++) {
    const logits = row.logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    const ids = [...row.topIds!.subarray(i * 8, i * 8 + 8)];
    expect(ids[0]).toBe(argmax(logits));
    const shares = ids.map((id) => Math.exp(logits[id]! - logNormalizer(logits)));
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares.reduce((sum, share) => sum + share)).toBeLessThan(1);
  }
  expect(other.topIds).toBeUndefined();
  // And the largest of each block of every row.
  for (const { logits, peaks } of [row, other]) {
    const width = logits.length / peaks!.length;
    expect(width).toBe(32);
    const largest = Array.from(peaks!, (_, block) =>
      Math.max(...logits.subarray(block * width, (block + 1) * width)),
    );
    expect([...peaks!]).toEqual(largest);
  }
  engine.release(asking);
  engine.release(silent);
});

it.each([
  [49_152, 768],
  [32_016, 2_001],
  [96, 3],
  [50_257, 0],
])('%d logits have %d blocks', (logits, blocks) => {
  expect(blocksIn(logits)).toBe(blocks);
});

it.each([0, -1, 1.5, Number.NaN, MAX_TOP_TOKENS + 1])('top %d is refused', async (top) => {
  const slot = engine.acquire(Int32Array.of(1), 64, 'alone')!;
  await expect(engine.step([{ ...treeRow(slot, [3], [-1]), top }])).rejects.toThrow(/top must be/);
  engine.release(slot);
});
