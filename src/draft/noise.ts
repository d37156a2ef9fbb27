/**
 * Sampling noise keyed by (seed, absolute position, token): a counter-based hash
 * instead of a generator with state. Whoever draws at a position, in whatever
 * order, after whatever drafts, on whichever machine, draws the same. That is
 * what makes drafting invisible in the output at any temperature, and a turn
 * resumable elsewhere.
 *
 * Drawing argmax(z/T + G) with G standard Gumbel samples softmax(z/T) exactly
 * (Gumbel-max; Maddison et al. 2014).
 */

/** Bounds of `gumbel`: u is at least 2^-33 away from 0 and 1. */
export const GUMBEL_MAX = -Math.log(-Math.log1p(-(2 ** -33)));
export const GUMBEL_MIN = -Math.log(33 * Math.LN2);

/** MurmurHash3's 32-bit finalizer: a bijection whose every output bit depends on every input bit. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export class Noise {
  private readonly low: number;
  private readonly high: number;
  private keyA = 0;
  private keyB = 0;

  /** `seed`: 64 bits as two 32-bit halves. */
  constructor(seed: readonly [number, number]) {
    this.low = mix(seed[0] ^ 0x9e3779b9);
    this.high = mix(seed[1] ^ 0x7f4a7c15);
  }

  /** Chooses the position that `gumbel` draws for. */
  at(position: number): void {
    this.keyA = mix(this.low ^ Math.imul(position + 1, 0x9e3779b1));
    this.keyB = mix(this.high + Math.imul(this.keyA, 0x85ebca77) + position);
  }

  /** Standard Gumbel noise of `token` at the chosen position, in [GUMBEL_MIN, GUMBEL_MAX]. */
  gumbel(token: number): number {
    return -Math.log(-Math.log(this.uniform(token)));
  }

  /** The number in (0, 1) that `gumbel` is made of. */
  uniform(token: number): number {
    return (this.bits(token) + 0.5) * 2 ** -32;
  }

  /** The 32 bits that `uniform` is made of: more of them is more noise. */
  bits(token: number): number {
    return mix(mix(Math.imul(token, 0xc2b2ae3d) + this.keyA) ^ this.keyB) >>> 0;
  }
}
