/**
 * A rule for sampled drafts at work on a step's tree. It keeps the target's distribution
 * exactly: at a temperature of 0 the same text, above 0 another sample of the same law.
 *
 * Its noise must be unknown to whoever drafts. The worker's draft model ranks by the
 * noise of draw and match, so nothing here uses that.
 */
import { Noise } from '../../../src/draft/noise.ts';
import type { TokenTree } from '../../../src/draft/tree/tree.ts';
import type { AcceptRule } from '../accept-rule.ts';
import type { Draw } from '../draw.ts';
import type { Probabilities } from '../probabilities.ts';
import type { SampledTree } from './sampled-tree.ts';
import { type AcceptLaw, settle } from './trial.ts';

/** Keep the noise of drafts, of trials and of the target's draws apart. */
const DRAFTS_SALT = 0x5bd1e995;
const TRIALS_SALT = 0x1b873593;
const DRAWS_SALT = 0x27d4eb2f;

export type Seed = readonly [number, number];

const salted = ([low, high]: Seed, salt: number): [number, number] => [
  (low ^ salt) >>> 0,
  (high + salt) >>> 0,
];

/** Of the drafts. A turn that continues elsewhere, `resumed` tokens on, must not draw the same again. */
export const draftSeed = ([low, high]: Seed, resumed: number) =>
  salted([low, high ^ resumed], DRAFTS_SALT);
/** Of the target's own draws. */
export const drawSeed = (seed: Seed) => salted(seed, DRAWS_SALT);

export class SampledAccept implements AcceptRule {
  private readonly law: AcceptLaw;
  private readonly drafts: SampledTree;
  private readonly draw: Draw;
  private readonly probabilities: Probabilities;
  private readonly trials: Noise;
  private q = new Float64Array(0);

  /** @param draw of the seed `drawSeed` */
  constructor(
    law: AcceptLaw,
    drafts: SampledTree,
    draw: Draw,
    probabilities: Probabilities,
    seed: Seed,
  ) {
    this.law = law;
    this.drafts = drafts;
    this.draw = draw;
    this.probabilities = probabilities;
    this.trials = new Noise(salted(seed, TRIALS_SALT));
  }

  get finished(): boolean {
    return this.draw.finished;
  }

  /** O(drafts · V). */
  token(
    logits: Float32Array,
    position: number,
    peaks: Float32Array | undefined,
    _tree: TokenTree,
    node: number,
  ): number {
    const drawn = this.drafts.after(node);
    if (!drawn || this.probabilities.warp.temperature === 0) {
      return this.draw.token(logits, position, peaks);
    }
    const p = this.probabilities.of(this.draw.processed(logits));
    if (this.q.length !== p.length) this.q = new Float64Array(p.length);
    this.q.fill(0);
    for (const [i, token] of drawn.support.entries()) this.q[token] = drawn.q[i]!;
    const trial = this.law(p, { tokens: drawn.tokens, q: this.q });
    this.trials.at(position);
    const taken = settle(trial, (draft) => this.trials.uniform(draft));
    const token = taken < 0 ? this.draw.from(trial.residual, position) : drawn.tokens[taken]!;
    this.draw.commit(token);
    return token;
  }
}
