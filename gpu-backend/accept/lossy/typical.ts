/**
 * Medusa's typical acceptance (2401.10774), lossy: a draft is good enough where the
 * target finds it likely for how sure it is,
 *
 *   p(x) > min(ε, δ · e^(−H(p))),  ε = 0.09, δ = √ε = 0.3
 *
 * The constants are those that `medusa_generate` of FasterDecoding/Medusa calls the rule
 * with, as `posterior_threshold` and `posterior_alpha`; its helper `evaluate_posterior`
 * has them the other way round as defaults, which that call overrides. At a temperature
 * of 0 p is all on one token, and nothing else is typical.
 *
 * Two departures. Medusa commits the longest path of the tree whose tokens are all
 * typical; here each place is decided by itself, for its likeliest draft. And Medusa, in
 * its default form, begins a step with the target's likeliest token and draws none; here
 * the target draws at every place, and a draft that carries its draw goes before a
 * likelier one.
 */
import { entropyOf } from '../../../src/draft/entropy.ts';
import type { Draw } from '../draw.ts';
import type { Probabilities } from '../probabilities.ts';
import { LossyAccept } from './lossy-accept.ts';

const EPSILON = 0.09;
const DELTA = 0.3;

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
