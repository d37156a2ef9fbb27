/**
 * How much noise is enough, in the bits that it is made of: a comparison of integers
 * instead of two logarithms for each token of the vocabulary.
 */
import { GUMBEL_MAX, GUMBEL_MIN } from '../../src/draft/noise.ts';

/** Entries for a noise of 1. Of the tokens that pass, 6 % at most are too weak by less than an entry. */
const STEPS = 16;
/** More than the rounding of an entry. */
const SLACK = 2;

const ENTRIES = Uint32Array.from(
  { length: Math.ceil((GUMBEL_MAX - GUMBEL_MIN) * STEPS) + 1 },
  (_, i) => {
    const noise = GUMBEL_MIN + i / STEPS;
    return Math.max(0, Math.floor(Math.exp(-Math.exp(-noise)) * 2 ** 32) - SLACK);
  },
);

/** Bits below these give less than `noise` for certain. Beyond the bounds of noise, and for NaN, those of the nearest bound and of the lower one. */
export function leastBits(noise: number): number {
  const entry = Math.min(ENTRIES.length - 1, Math.max(0, (noise - GUMBEL_MIN) * STEPS));
  return ENTRIES[entry | 0]!;
}
