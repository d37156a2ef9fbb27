/** What several networks say as one distribution. */
import { expect, test } from 'vitest';
import { DistributionPool } from '../../gpu-backend/drafters/distribution-pool.ts';
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';

const says = (...named: [token: number, prob: number][]): ModelDistribution => ({
  tokens: Int32Array.from(named, ([token]) => token),
  probs: Float32Array.from(named, ([, prob]) => prob),
});
const probOf = ({ tokens, probs }: ModelDistribution, token: number) =>
  probs[tokens.indexOf(token)]!;

const right = says([1, 0.6], [2, 0.3]);
const wrong = says([2, 0.6], [1, 0.3]);

test('equal weights are the geometric mean', () => {
  const pool = new DistributionPool();
  const mixed = pool.mix([says([1, 0.8], [2, 0.2]), says([1, 0.2], [2, 0.8])], 16);
  expect(probOf(mixed, 1)).toBeCloseTo(0.5);
  expect([...pool.mix([right, right], 1).tokens]).toEqual([1]);
});

test('what a network says is made surer where it was right more often than it said', () => {
  const pool = new DistributionPool();
  for (let i = 0; i < 200; i++) pool.learn([right], 1);
  expect(probOf(pool.mix([right], 16), 1)).toBeGreaterThan(0.75);
});

test('one that is always wrong counts for nothing, and no less', () => {
  const pool = new DistributionPool();
  for (let i = 0; i < 200; i++) {
    pool.learn([right, wrong], 1);
    pool.learn([right, null], 1);
  }
  const alone = pool.mix([right, null], 16);
  const both = pool.mix([right, wrong], 16);
  expect(probOf(both, 1)).toBeGreaterThan(0.75);
  expect(probOf(both, 1)).toBeCloseTo(probOf(alone, 1), 1);
});

test('what is learned of those that speak together says nothing of others', () => {
  const pool = new DistributionPool();
  const alone = pool.mix([null, says([1, 0.75], [2, 0.25])], 16);
  expect(probOf(alone, 1)).toBeCloseTo(0.75);
  for (let i = 0; i < 50; i++) pool.learn([null, wrong], 1);
  expect(pool.mix([right, wrong], 16)).toEqual(new DistributionPool().mix([right, wrong], 16));
  expect(pool.mix([null, null], 16).tokens).toHaveLength(0);
});
