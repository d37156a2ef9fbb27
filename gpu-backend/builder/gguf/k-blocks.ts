/**
 * "K" blocks: 256 values in groups of 16 or 32 whose scales are small integers,
 * multiplied by one or two float16 a block.
 *
 *   Q2_K  16 scales with minimum (4 + 4 bits), 64 bytes of 2-bit levels, d, dmin
 *   Q3_K  32 bytes of third bits, 64 bytes of low bits, 16 scales of 6 bits, d
 *   Q4_K  d, dmin, 8 scales and minimums of 6 bits, 128 bytes of 4-bit levels
 *   Q5_K  d, dmin, 8 scales and minimums, 32 bytes of fifth bits, 128 bytes
 *   Q6_K  128 bytes of low bits, 64 bytes of high bits, 16 signed scales, d
 */
import { blockFormat, readFloat16 } from './block.ts';

const VALUES = 256;

export const Q2_K = blockFormat(VALUES, 84, (bytes, at, out, to) => {
  const d = readFloat16(bytes, at + 80);
  const dmin = readFloat16(bytes, at + 82);
  for (let i = 0; i < VALUES; i++) {
    // A half of 128 values shares 32 bytes, each with one value of four runs of 32.
    const byte = bytes[at + 16 + (i >> 7) * 32 + (i & 31)]!;
    const level = (byte >> (((i >> 5) & 3) * 2)) & 3;
    const group = bytes[at + (i >> 4)]!;
    out[to + i] = d * (group & 15) * level - dmin * (group >> 4);
  }
});

export const Q3_K = blockFormat(VALUES, 110, (bytes, at, out, to) => {
  const d = readFloat16(bytes, at + 108);
  for (let i = 0; i < VALUES; i++) {
    const low = (bytes[at + 32 + (i >> 7) * 32 + (i & 31)]! >> (((i >> 5) & 3) * 2)) & 3;
    // The third bit counts upwards: without it a level lies four lower.
    const high = (bytes[at + (i & 31)]! >> (i >> 5)) & 1 ? 0 : 4;
    out[to + i] = d * (scaleQ3(bytes, at + 96, i >> 4) - 32) * (low - high);
  }
});

export const Q4_K = blockFormat(VALUES, 144, (bytes, at, out, to) => {
  const d = readFloat16(bytes, at);
  const dmin = readFloat16(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const scale = d * groupScale(bytes, at + 4, group);
    const minimum = dmin * groupMinimum(bytes, at + 4, group);
    // Two groups share 32 bytes: the even one the low halves, the odd one the high.
    const levels = at + 16 + (group >> 1) * 32;
    const shift = (group & 1) * 4;
    for (let i = 0; i < 32; i++) {
      out[to + group * 32 + i] = scale * ((bytes[levels + i]! >> shift) & 15) - minimum;
    }
  }
});

export const Q5_K = blockFormat(VALUES, 176, (bytes, at, out, to) => {
  const d = readFloat16(bytes, at);
  const dmin = readFloat16(bytes, at + 2);
  for (let group = 0; group < 8; group++) {
    const scale = d * groupScale(bytes, at + 4, group);
    const minimum = dmin * groupMinimum(bytes, at + 4, group);
    const levels = at + 48 + (group >> 1) * 32;
    const shift = (group & 1) * 4;
    for (let i = 0; i < 32; i++) {
      const fifth = ((bytes[at + 16 + i]! >> group) & 1) << 4;
      const level = ((bytes[levels + i]! >> shift) & 15) | fifth;
      out[to + group * 32 + i] = scale * level - minimum;
    }
  }
});

export const Q6_K = blockFormat(VALUES, 210, (bytes, at, out, to) => {
  const d = readFloat16(bytes, at + 208);
  for (let i = 0; i < VALUES; i++) {
    const half = i >> 7;
    const run = (i >> 5) & 3;
    const low = (bytes[at + half * 64 + (i & 63)]! >> ((run >> 1) * 4)) & 15;
    const high = (bytes[at + 128 + half * 32 + (i & 31)]! >> (run * 2)) & 3;
    const scale = (bytes[at + 192 + (i >> 4)]! << 24) >> 24;
    out[to + i] = d * scale * ((low | (high << 4)) - 32);
  }
});

/** Scale `group` of Q3_K's 16: four low bits in the first 8 bytes, two high bits in the last 4. */
function scaleQ3(bytes: Uint8Array, at: number, group: number): number {
  const low = (bytes[at + (group & 7)]! >> ((group >> 3) * 4)) & 15;
  const high = (bytes[at + 8 + (group & 3)]! >> ((group >> 2) * 2)) & 3;
  return low | (high << 4);
}

/*
 * 12 bytes for 8 scales and 8 minimums of 6 bits: bytes 0 to 3 hold the first
 * four scales, 4 to 7 the first four minimums, 8 to 11 the low halves of the
 * others, whose upper two bits fill the upper bits of bytes 0 to 7.
 */
export function groupScale(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group]! & 63;
  return (bytes[at + group + 4]! & 15) | ((bytes[at + group - 4]! >> 6) << 4);
}

export function groupMinimum(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return bytes[at + group + 4]! & 63;
  return (bytes[at + group + 4]! >> 4) | ((bytes[at + group]! >> 6) << 4);
}
