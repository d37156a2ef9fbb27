/**
 * GGUF blocks as MatMulNBits holds them: their levels rearranged, their scales as
 * they are. MatMulNBits computes scale · (level − middle), middle 8 of 4 bits and
 * 128 of 8, without a zero point. It takes zero points, but integers cannot
 * express a minimum (a block's lies 0.25 levels off on average), and float ones
 * leave the packed kernels: one row takes 50 times as long. What is missing, the
 * same for every value of a block, is its offset:
 *
 *   Q4_0, Q8_0   d · (level − middle), no offset
 *   Q4_1         d · level + m                   offset 8d + m
 *   Q4_K         (d · sc) · level − dmin · min   offset 8 · d · sc − dmin · min
 *
 * Scales are exact in float32; an offset is rounded to it once.
 */

import { readFloat16 } from './block.ts';
import { BLOCK_TYPES, type BlockType } from './block-types.ts';
import { groupMinimum, groupScale } from './k-blocks.ts';

/** Values that share a scale, in all of these. */
const GROUP = 32;

/** Whole blocks, one group of 32 values after another. */
interface PackedBlocks {
  /** Of two 4-bit levels in a byte the first is in the low half. */
  levels: Uint8Array;
  scales: Float32Array;
  /** Absent where all are zero. */
  offsets?: Float32Array;
}

export interface Packing {
  form: 'blocks4' | 'blocks8';
  pack(blocks: Uint8Array): PackedBlocks;
}

const PACKINGS: Partial<Record<BlockType, Packing>> = {
  Q4_0: { form: 'blocks4', pack: (blocks) => packSmall(blocks, BLOCK_TYPES.Q4_0.bytes, false) },
  Q4_1: { form: 'blocks4', pack: (blocks) => packSmall(blocks, BLOCK_TYPES.Q4_1.bytes, true) },
  Q4_K: { form: 'blocks4', pack: packQ4K },
  Q8_0: { form: 'blocks8', pack: packQ8 },
};

/** How blocks of `type` are kept; undefined where MatMulNBits cannot hold them. */
export function packingOf(type: string): Packing | undefined {
  return PACKINGS[type as BlockType];
}

function packSmall(blocks: Uint8Array, blockBytes: number, hasMinimum: boolean): PackedBlocks {
  const count = blocks.length / blockBytes;
  const levels = new Uint8Array((count * GROUP) / 2);
  const scales = new Float32Array(count);
  const offsets = hasMinimum ? new Float32Array(count) : undefined;
  for (let block = 0; block < count; block++) {
    const at = block * blockBytes;
    const scale = readFloat16(blocks, at);
    scales[block] = scale;
    if (offsets) offsets[block] = 8 * scale + readFloat16(blocks, at + 2);
    const pairs = at + (hasMinimum ? 4 : 2);
    const to = (block * GROUP) / 2;
    for (let i = 0; i < GROUP / 2; i += 2) {
      // The first 16 values are the low halves of the block's bytes, the last 16 the high.
      const first = blocks[pairs + i]!;
      const second = blocks[pairs + i + 1]!;
      levels[to + i / 2] = (first & 15) | ((second & 15) << 4);
      levels[to + GROUP / 4 + i / 2] = (first >> 4) | (second & 0xf0);
    }
  }
  return offsets ? { levels, scales, offsets } : { levels, scales };
}

function packQ8(blocks: Uint8Array): PackedBlocks {
  const blockBytes = BLOCK_TYPES.Q8_0.bytes;
  const count = blocks.length / blockBytes;
  const levels = new Uint8Array(count * GROUP);
  const scales = new Float32Array(count);
  for (let block = 0; block < count; block++) {
    const at = block * blockBytes;
    scales[block] = readFloat16(blocks, at);
    // A signed byte plus 128 is the byte with its highest bit turned.
    for (let i = 0; i < GROUP; i++) levels[block * GROUP + i] = blocks[at + 2 + i]! ^ 0x80;
  }
  return { levels, scales };
}

function packQ4K(blocks: Uint8Array): PackedBlocks {
  const { values, bytes: blockBytes } = BLOCK_TYPES.Q4_K;
  const groups = values / GROUP;
  const count = blocks.length / blockBytes;
  const levels = new Uint8Array((count * values) / 2);
  const scales = new Float32Array(count * groups);
  const offsets = new Float32Array(count * groups);
  for (let block = 0; block < count; block++) {
    const at = block * blockBytes;
    const d = readFloat16(blocks, at);
    const dmin = readFloat16(blocks, at + 2);
    for (let group = 0; group < groups; group++) {
      const index = block * groups + group;
      const scale = d * groupScale(blocks, at + 4, group);
      scales[index] = scale;
      offsets[index] = 8 * scale - dmin * groupMinimum(blocks, at + 4, group);
      // Two groups share 32 bytes: the even one the low halves, the odd one the high.
      const from = at + 16 + (group >> 1) * GROUP;
      const shift = (group & 1) * 4;
      for (let i = 0; i < GROUP; i += 2) {
        const first = (blocks[from + i]! >> shift) & 15;
        const second = (blocks[from + i + 1]! >> shift) & 15;
        levels[(index * GROUP + i) / 2] = first | (second << 4);
      }
    }
  }
  return { levels, scales, offsets };
}
