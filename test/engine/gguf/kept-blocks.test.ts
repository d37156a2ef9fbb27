/** Kept blocks mean, level by level, what their file's blocks mean. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EMBEDDING, HEAD } from '../../../gpu-backend/builder/convert.ts';
import { isIn4Bits } from '../../../gpu-backend/builder/four-bits.ts';
import { BLOCK_TYPES, type BlockType } from '../../../gpu-backend/builder/gguf/block-types.ts';
import { packingOf } from '../../../gpu-backend/builder/gguf/kept-blocks.ts';
import type { StoredType } from '../../../gpu-backend/builder/stored-tensor.ts';

const golden: Record<string, { blocks: string; values: string }> = JSON.parse(
  readFileSync(new URL('./fixtures/blocks.json', import.meta.url), 'utf8'),
);
const KEPT: BlockType[] = ['Q4_0', 'Q4_1', 'Q4_K', 'Q8_0'];
const GROUP = 32;

function valuesOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

describe.each(KEPT)('%s', (type) => {
  const blocks = Uint8Array.from(Buffer.from(golden[type]!.blocks, 'base64'));
  const expected = valuesOf(golden[type]!.values);
  const { form, pack } = packingOf(type)!;
  const { levels, scales, offsets } = pack(blocks);
  const middle = form === 'blocks4' ? 8 : 128;
  const level = (i: number) =>
    form === 'blocks8' ? levels[i]! : (levels[i >> 1]! >> ((i & 1) * 4)) & 15;

  it('has one scale for 32 values', () => {
    expect(scales).toHaveLength(expected.length / GROUP);
    expect(levels).toHaveLength(form === 'blocks8' ? expected.length : expected.length / 2);
  });

  it('gives the values back', () => {
    for (const [i, value] of expected.entries()) {
      const block = Math.floor(i / GROUP);
      const kept = (level(i) - middle) * scales[block]! + (offsets?.[block] ?? 0);
      // Without an offset exactly; an offset is rounded once, to float32.
      const rounding = offsets
        ? Math.abs(offsets[block]!) * 2 ** -24 + Math.abs(value) * 2 ** -24
        : 0;
      expect(Math.abs(kept - value)).toBeLessThanOrEqual(rounding);
    }
  });
});

it('no other type is kept', () => {
  const kept = Object.keys(BLOCK_TYPES).filter((type) => packingOf(type));
  expect(kept.sort()).toEqual([...KEPT].sort());
});

describe('a file is in 4 bits', () => {
  const vector = { name: 'model.norm.weight', shape: [64], type: 'F32' } as const;
  const matrix = (type: StoredType, name = 'model.layers.0.mlp.up_proj.weight') => ({
    ...{ name, shape: [64, 64], type },
  });

  it('whatever vectors, tables and heads are, and with matrices of 6 and 8 bits', () => {
    const others = [matrix('F16', EMBEDDING), matrix('Q6_K', HEAD), matrix('Q6_K'), matrix('Q8_0')];
    expect(isIn4Bits([vector, matrix('Q4_1'), ...others])).toBe(true);
  });

  it.each(['F16', 'Q5_0', 'Q3_K'] as const)('unless a matrix is %s', (type) => {
    expect(isIn4Bits([vector, matrix('Q4_1'), matrix(type)])).toBe(false);
  });

  it('unless all have 8', () => {
    expect(isIn4Bits([vector, matrix('Q8_0')])).toBe(false);
  });
});
