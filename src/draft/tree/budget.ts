/**
 * How many nodes are worth verifying. A step over n nodes costs C(n) and commits
 * 1 + Σ p tokens on average, so the best tree is the one with the most tokens per
 * cost. Taking nodes by falling probability, the next one pays as long as
 * p ≥ ΔC(n)·(1 + Σp) / C(n). Measured curves have steps (tiles of a kernel), on
 * which that rule would stop at the first riser; so every prefix is compared.
 */

/** Nodes a verifier checks in one step, whatever the curve says. */
export const MAX_VERIFIED_NODES = 64;

/** Cost of a step over `nodes` candidates (0 is plain decoding), in any unit; not falling. */
export type StepCost = (nodes: number) => number;

/**
 * The number of nodes, at most `budget`, with the most committed tokens per cost.
 * `probs` holds path probabilities in falling order; the first `count` are used. O(budget).
 */
export function bestNodeCount(
  probs: ArrayLike<number>,
  count: number,
  budget: number,
  cost: StepCost,
): number {
  let expected = 1;
  let best = 0;
  let bestRate = 1 / cost(0);
  const limit = Math.min(count, budget);
  for (let n = 1; n <= limit; n++) {
    expected += probs[n - 1]!;
    const rate = expected / cost(n);
    // On a tie more nodes win: they cost nothing here and may outlive the step.
    if (rate >= bestRate) {
      bestRate = rate;
      best = n;
    }
  }
  return best;
}
