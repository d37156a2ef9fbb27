/** The walks that skip blocks of small logits find what a plain walk finds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { argmax, nextFrom } from '../../gpu-backend/accept/largest.ts';

/** Few values, so that many are equal; and those that compare strangely. */
const logit = fc.constantFrom(-Infinity, -3, -0, 0, 0.5, 7, Number.NaN);
const rows = fc.array(logit, { minLength: 1, maxLength: 40 }).map((row) => Float32Array.from(row));

test('the largest logit, the first among equals', () => {
  fc.assert(
    fc.property(rows, (row) => {
      let best = 0;
      for (let id = 1; id < row.length; id++) if (row[id]! > row[best]!) best = id;
      expect(argmax(row)).toBe(best);
    }),
  );
});

test('every logit from a bound on, in order', () => {
  fc.assert(
    fc.property(rows, logit, (row, bound) => {
      const found: number[] = [];
      for (let id = nextFrom(row, 0, bound); id >= 0; id = nextFrom(row, id + 1, bound)) {
        found.push(id);
      }
      expect(found).toEqual([...row.keys()].filter((id) => row[id]! >= bound));
    }),
  );
});
