/** The walks that skip blocks of small logits find what a plain walk finds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { argmax, nextFrom } from '../../gpu-backend/logits/largest.ts';
import { topTokens } from '../../gpu-backend/logits/top-tokens.ts';

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

/** Rows of some blocks, with the largest of each. */
const blocks = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 }))
  .chain(([count, width]) =>
    fc
      .array(fc.constantFrom(-Infinity, -3, -0, 0, 0.5, 7), {
        minLength: count * width,
        maxLength: count * width,
      })
      .map((row) => ({
        row: Float32Array.from(row),
        peaks: Float32Array.from({ length: count }, (_, i) =>
          Math.max(...row.slice(i * width, (i + 1) * width)),
        ),
      })),
  );

test('the same where the peaks of blocks are known', () => {
  fc.assert(
    fc.property(blocks, fc.constantFrom(-Infinity, -3, 0, 0.5, 9), ({ row, peaks }, bound) => {
      expect(argmax(row, peaks)).toBe(argmax(row));
      for (let start = 0; start <= row.length; start++) {
        expect(nextFrom(row, start, bound, peaks)).toBe(nextFrom(row, start, bound));
      }
      for (let most = 1; most <= row.length; most++) {
        const [found, expected] = [new Int32Array(most), new Int32Array(most)];
        topTokens(row, found, peaks);
        topTokens(row, expected);
        expect(found).toEqual(expected);
      }
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
