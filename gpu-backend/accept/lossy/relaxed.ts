/**
 * LANTERN's relaxed acceptance (2410.03355), lossy: a draft stands for the tokens that
 * lie nearest to it in the model's embedding, as long as together they weigh at most δ.
 *
 *   commit x where the target draws one of A(x),  Σ p over all A ≤ δ
 *
 * A(x) are x's neighbours, nearest first, while they fit. What is committed then differs
 * from the target's distribution by at most δ in total variation at every place, for
 * drafts that do not depend on the draw: drafters rank by the noise of draw and match,
 * so the draw here uses other noise.
 *
 * The paper's rule is for a draft x that was drawn from q. It takes x with probability
 * min(1, (p(x) + p(A(x))) / q(x)), and draws otherwise from what is left: p with A(x)
 * moved to x, less q, where it is positive. Drafts here are not drawn, so q is 1 at x:
 * the ratio is the probability that the target's draw falls on x or into A(x), and what
 * is left is that draw where it does not. So the draw decides, without q, a coin or a
 * residual, and for one draft the law is the paper's. Beside that, all drafts of a place
 * share one δ, where the published code gives each its own; and of a token 16 neighbours
 * are kept, where it looks at 1,000 of an image codebook.
 *
 * The paper made it for image tokens, of which many look alike; of text's neighbours
 * many mean something else (docs/acceptance.md has what that does).
 */
import type { Draw } from '../draw.ts';
import type { Probabilities } from '../probabilities.ts';
import { LossyAccept } from './lossy-accept.ts';

/** Of the target's probability, the most that drafts may stand in for at a place. */
const RELAXED_DELTA = 0.1;

/** Tokens by nearness in the model's embedding. */
export interface Neighbours {
  /** Nearest first, without the token itself. */
  of(token: number): Int32Array;
}

/**
 * Which draft stands for `own`; -1 for none. Drafts and their neighbours in order, each
 * token for the first draft that has it, none that is a draft itself.
 */
export function standIn(
  p: Float64Array,
  drafts: readonly number[],
  own: number,
  neighbours: Neighbours,
  delta = RELAXED_DELTA,
): number {
  const spoken = new Set(drafts);
  let left = delta;
  for (const draft of drafts) {
    if (p[draft] === 0) continue;
    for (const near of neighbours.of(draft)) {
      if (spoken.has(near) || p[near] === 0) continue;
      if (p[near]! > left) break;
      if (near === own) return draft;
      left -= p[near]!;
      spoken.add(near);
    }
  }
  return -1;
}

export class RelaxedAccept extends LossyAccept {
  private readonly probabilities: Probabilities;
  private readonly neighbours: Neighbours;

  /** @param draw of the seed `drawSeed` */
  constructor(draw: Draw, probabilities: Probabilities, neighbours: Neighbours) {
    super(draw);
    this.probabilities = probabilities;
    this.neighbours = neighbours;
  }

  protected instead(
    processed: Float32Array,
    { drafts, own }: { drafts: readonly number[]; own: number },
  ): number {
    if (this.probabilities.warp.temperature === 0) return own;
    const draft = standIn(this.probabilities.of(processed), drafts, own, this.neighbours);
    return draft < 0 ? own : draft;
  }
}
