/** Kept blocks mean, level by level, what their file's blocks mean. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BLOCK_TYPES, type BlockType } from '../../../gpu-backend/builder/gguf/block-types.ts';
import { areBlocks, packingOf } from '../../../gpu-backend/builder/gguf/kept-blocks.ts';

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

describe('all matrices are blocks', () => {
  const vector = { shape: [64], type: 'F32' } as const;
  const kept = { shape: [64, 64], type: 'Q4_1' } as const;

  it('whatever vectors are', () => {
    expect(areBlocks([vector, kept, { shape: [64, 64], type: 'Q8_0' }])).toBe(true);
  });

  it.each(['F16', 'Q5_0', 'Q6_K'] as const)('unless one is %s', (type) => {
    expect(areBlocks([vector, kept, { shape: [64, 64], type }])).toBe(false);
  });
});
