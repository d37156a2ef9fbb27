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
import {
  BLOCK_SIZE,
  type Quantization,
  quantizedRowBytes,
  quantizeRows,
} from '../../gpu-backend/builder/quantize.ts';

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

describe.each<[Quantization, number]>([
  ['int8', 128],
  ['int4', 8],
])('%s', (form, middle) => {
  it('keeps every value within half a level of its block', () => {
    const columns = 2 * BLOCK_SIZE + 5;
    const values = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), {
      minLength: 3 * columns,
      maxLength: 3 * columns,
    });
    fc.assert(
      fc.property(values, (list) => {
        const matrix = Float32Array.from(list);
        const { values: packed, scales } = quantizeRows(form, matrix, columns);
        expect(packed).toHaveLength(3 * quantizedRowBytes(form, columns));
        for (let row = 0; row < 3; row++) {
          for (let column = 0; column < columns; column++) {
            const block = row * 3 + Math.floor(column / BLOCK_SIZE);
            const place = block * BLOCK_SIZE + (column % BLOCK_SIZE);
            const byte = packed[form === 'int8' ? place : place >> 1]!;
            const level = form === 'int8' ? byte : (byte >> (4 * (place & 1))) & 15;
            const scale = scales[block]!;
            const error = Math.abs((level - middle) * scale - matrix[row * columns + column]!);
            // The top level is one short of the bottom one: there it can be a whole level.
            expect(error).toBeLessThanOrEqual(Math.abs(scale) * 1.0001 + 1e-30);
            if (level !== 2 * middle - 1) {
              expect(error).toBeLessThanOrEqual(Math.abs(scale) * 0.5001 + 1e-30);
            }
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
