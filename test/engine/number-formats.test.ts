/** 16-bit floats and block-quantised matrices mean what their formats say. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToFloat16,
  narrow,
  widen,
} from '../../gpu-backend/builder/float16.ts';
import { BLOCK_SIZE, quantiseBlocks } from '../../gpu-backend/builder/linear/blocks.ts';

describe('float16', () => {
  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7c00, Number.POSITIVE_INFINITY],
  ])('%i is %f', (bits, value) => {
    expect(float16ToFloat32(bits)).toBe(value);
    expect(float32ToFloat16(value)).toBe(bits);
  });

  it('survives the way to float32 and back, every pattern', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToFloat32(bits);
      if (!Number.isNaN(value)) expect(float32ToFloat16(value)).toBe(bits);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65503, max: 65503 }), (value) => {
        const bits = float32ToFloat16(value);
        const error = Math.abs(float16ToFloat32(bits) - value);
        for (const neighbour of [bits - 1, bits + 1]) {
          const other = float16ToFloat32(neighbour & 0xffff);
          if (!Number.isFinite(other) || (neighbour & 0x8000) !== (bits & 0x8000)) continue;
          const otherError = Math.abs(other - value);
          expect(error).toBeLessThanOrEqual(otherError);
          if (error === otherError) expect(bits & 1).toBe(0);
        }
      }),
    );
  });

  it('keeps NaN and turns what is too large infinite', () => {
    expect(float16ToFloat32(float32ToFloat16(Number.NaN))).toBeNaN();
    expect(float16ToFloat32(float32ToFloat16(1e6))).toBe(Number.POSITIVE_INFINITY);
    expect(float16ToFloat32(float32ToFloat16(-65520))).toBe(Number.NEGATIVE_INFINITY);
  });

  it('converts whole arrays', () => {
    expect([...widen('F16', narrow(Float32Array.of(0.5, -3, 1000)))]).toEqual([0.5, -3, 1000]);
  });
});

it('bfloat16 is the upper half of a float32', () => {
  expect(bfloat16ToFloat32(0x3f80)).toBe(1);
  expect(bfloat16ToFloat32(0xc040)).toBe(-3);
  expect([...widen('BF16', Uint16Array.of(0x3f80, 0x4000))]).toEqual([1, 2]);
});

describe('blocks', () => {
  const columns = 2 * BLOCK_SIZE + 5;
  const matrices = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), {
    minLength: 3 * columns,
    maxLength: 3 * columns,
  });
  /** Every value with what it became, and its block's scale. */
  function* cells(form: 'blocks4' | 'blocks8', matrix: Float32Array) {
    const { values, scales, zeros } = quantiseBlocks(form, matrix, columns);
    const nibble = (bytes: Uint8Array, i: number) => (bytes[i >> 1]! >> (4 * (i & 1))) & 15;
    for (let row = 0; row < 3; row++) {
      for (let column = 0; column < columns; column++) {
        const block = row * 3 + Math.floor(column / BLOCK_SIZE);
        const place = block * BLOCK_SIZE + (column % BLOCK_SIZE);
        const level = form === 'blocks8' ? values[place]! : nibble(values, place);
        // Two bytes a row of three blocks.
        const zero = form === 'blocks8' ? 128 : nibble(zeros, row * 4 + (block % 3));
        const scale = scales[block]!;
        yield { value: matrix[row * columns + column]!, got: (level - zero) * scale, scale, block };
      }
    }
  }

  it('of 8 bits keep every value within half a level', () => {
    fc.assert(
      fc.property(matrices, (list) => {
        for (const { value, got, scale } of cells('blocks8', Float32Array.from(list))) {
          expect(Math.abs(got - value)).toBeLessThanOrEqual(scale * 0.5001 + 1e-30);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('of 4 bits are no further off, in squares, than 16 levels from the least to the most', () => {
    fc.assert(
      fc.property(matrices, (list) => {
        const errors = Array<number>(9).fill(0);
        const ends = Array.from({ length: 9 }, () => [0, 0] as [number, number]);
        const counts = Array<number>(9).fill(0);
        for (const { value, got, block } of cells('blocks4', Float32Array.from(list))) {
          errors[block]! += (got - value) ** 2;
          counts[block]!++;
          const end = ends[block]!;
          ends[block] = [Math.min(end[0], value), Math.max(end[1], value)];
        }
        errors.forEach((error, block) => {
          const step = (ends[block]![1] - ends[block]![0]) / 15;
          // The zero point is rounded too: another half of a step.
          expect(error).toBeLessThanOrEqual(counts[block]! * step ** 2 * 1.001);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('of 4 bits find the scale and zero point of values that lie on a grid', () => {
    for (const zero of [0, 3, 8, 15]) {
      const grid = Float32Array.from({ length: 3 * columns }, (_, i) => 0.25 * ((i % 16) - zero));
      for (const { value, got, block } of cells('blocks4', grid)) {
        // The last block of a row is a few values, of which several grids could be made.
        if (block % 3 < 2) expect(got).toBeCloseTo(value, 6);
      }
    }
  });
});
