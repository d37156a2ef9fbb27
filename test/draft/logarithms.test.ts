import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fastExp, fastLog } from '../../src/draft/blend/logarithms.ts';

test('the logarithm of a probability is right to 0.0003', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-30, max: 1, noNaN: true }), (x) => {
      expect(Math.abs(fastLog(x) - Math.log(x))).toBeLessThan(3e-4);
    }),
    { numRuns: 2000 },
  );
});

test('the exponential is right to one in a thousand, never rises as x falls, and ends at 0', () => {
  fc.assert(
    fc.property(fc.double({ min: -39.9, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(fastExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-3);
      expect(fastExp(x - 0.01)).toBeLessThanOrEqual(fastExp(x));
    }),
    { numRuns: 2000 },
  );
  expect(fastExp(-40)).toBe(0);
  expect(fastExp(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(fastExp(0)).toBeLessThanOrEqual(1);
});
