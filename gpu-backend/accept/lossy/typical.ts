/**
 * Medusa's typical acceptance (2401.10774), lossy: a draft is good enough where the
 * target finds it likely for how sure it is,
 *
 *   p(x) > min(ε, δ · e^(−H(p))),  ε = 0.3, δ = 0.09
 *
 * At a temperature of 0 p is all on one token, and nothing else is typical.
 */
import { entropyOf } from '../../../src/draft/entropy.ts';
import type { Draw } from '../draw.ts';
import type { Probabilities } from '../probabilities.ts';
import { LossyAccept } from './lossy-accept.ts';

const EPSILON = 0.3;
const DELTA = 0.09;

/** The probability above which a token is typical. O(V). */
export function typicalLeast(p: Float64Array): number {
  return Math.min(EPSILON, DELTA * Math.exp(-entropyOf(p)));
}

export class TypicalAccept extends LossyAccept {
  private readonly probabilities: Probabilities;

  constructor(draw: Draw, probabilities: Probabilities) {
    super(draw);
    this.probabilities = probabilities;
  }

  protected instead(
    processed: Float32Array,
    { drafts, own }: { drafts: readonly number[]; own: number },
  ): number {
    if (this.probabilities.warp.temperature === 0) return own;
    const p = this.probabilities.of(processed);
    const best = drafts.reduce((most, token) => (p[token]! > p[most]! ? token : most));
    return p[best]! > typicalLeast(p) ? best : own;
  }
}
