/**
 * Blocks of 32 values. Of two 4-bit values in a byte the low half belongs to
 * the block's first 16 values, the high half to its last 16.
 *
 *   Q4_0    scale f16, 16 bytes of levels          scale · (level − 8)
 *   Q4_1    scale, minimum f16, 16 bytes           scale · level + minimum
 *   Q5_0    scale f16, 32 fifth bits, 16 bytes     scale · (level − 16)
 *   Q5_1    scale, minimum, 32 bits, 16 bytes      scale · level + minimum
 *   Q8_0    scale f16, 32 signed bytes             scale · level
 *   IQ4_NL  scale f16, 16 bytes                    scale · LEVELS[level]
 */
import { blockFormat, readFloat16 } from './block.ts';

const VALUES = 32;
const HALF = VALUES / 2;

/** IQ4_NL's levels, denser around zero (kvalues_iq4nl). */
const LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

export const Q4_0 = blockFormat(VALUES, 18, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + 2 + i]!;
    out[to + i] = scale * ((pair & 15) - 8);
    out[to + HALF + i] = scale * ((pair >> 4) - 8);
  }
});

export const Q4_1 = blockFormat(VALUES, 20, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  const minimum = readFloat16(bytes, at + 2);
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + 4 + i]!;
    out[to + i] = scale * (pair & 15) + minimum;
    out[to + HALF + i] = scale * (pair >> 4) + minimum;
  }
});

export const Q5_0 = blockFormat(VALUES, 22, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + 6 + i]!;
    out[to + i] = scale * (((pair & 15) | fifthBit(bytes, at + 2, i)) - 16);
    out[to + HALF + i] = scale * (((pair >> 4) | fifthBit(bytes, at + 2, HALF + i)) - 16);
  }
});

export const Q5_1 = blockFormat(VALUES, 24, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  const minimum = readFloat16(bytes, at + 2);
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + 8 + i]!;
    out[to + i] = scale * ((pair & 15) | fifthBit(bytes, at + 4, i)) + minimum;
    out[to + HALF + i] = scale * ((pair >> 4) | fifthBit(bytes, at + 4, HALF + i)) + minimum;
  }
});

export const Q8_0 = blockFormat(VALUES, 34, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  for (let i = 0; i < VALUES; i++) out[to + i] = scale * ((bytes[at + 2 + i]! << 24) >> 24);
});

export const IQ4_NL = blockFormat(VALUES, 18, (bytes, at, out, to) => {
  const scale = readFloat16(bytes, at);
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + 2 + i]!;
    out[to + i] = scale * LEVELS[pair & 15]!;
    out[to + HALF + i] = scale * LEVELS[pair >> 4]!;
  }
});

/** 16 where bit `index` of the run of bits from byte `at` on is set, else 0. */
function fifthBit(bytes: Uint8Array, at: number, index: number): number {
  return ((bytes[at + (index >> 3)]! >> (index & 7)) & 1) << 4;
}
