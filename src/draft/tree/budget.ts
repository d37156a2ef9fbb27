/**
 * How many nodes of each session's tree are worth verifying in a step that they
 * share. A step commits 1 + Σ p tokens a session on average and takes C(nodes),
 * so the best choice is the one with the most tokens per cost. Nodes are taken by
 * falling probability over all sessions; the next one pays as long as
 * p ≥ ΔC · (sessions + Σp) / C. Costs have steps (rows that are padded, tiles of a
 * kernel), on which that rule would stop at the first riser; so the choice looks
 * past them.
 */

/** Nodes of one session that a verifier checks in one step, whatever they cost. */
export const MAX_VERIFIED_NODES = 64;

/** Nodes that are looked at past the best choice: longer risers are not seen over. */
const LOOK_AHEAD = 64;

/** A step that is being put together; it begins with the last committed token of each session. */
export interface GrowingStep {
  /** What it takes as it is now, in any unit; above 0, and never less after `add`. */
  readonly cost: number;
  /** Gives the tree of session `index` one node more. */
  add(index: number): void;
}

export interface Allotment {
  /** By session. */
  nodes: Int32Array;
  /** Of the step with these nodes, and without any. */
  cost: number;
  plainCost: number;
}

/**
 * The number of nodes of each session with the most committed tokens per cost.
 * `probs[i]` holds path probabilities of session i's nodes in falling order.
 * O(nodes looked at · sessions).
 */
export function allotNodes(probs: readonly ArrayLike<number>[], step: GrowingStep): Allotment {
  const taken = new Int32Array(probs.length);
  const plainCost = step.cost;
  /** Sessions in the order in which they were given their nodes. */
  const order: number[] = [];
  let expected = probs.length;
  let best = 0;
  let cost = plainCost;
  let bestRate = expected / plainCost;
  while (order.length - best < LOOK_AHEAD) {
    const next = mostProbable(probs, taken);
    if (next < 0) break;
    expected += probs[next]![taken[next]!]!;
    taken[next]!++;
    order.push(next);
    step.add(next);
    const rate = expected / step.cost;
    // On a tie more nodes win: they cost nothing here and may outlive the step.
    if (rate >= bestRate) {
      bestRate = rate;
      best = order.length;
      cost = step.cost;
    }
  }
  for (const session of order.slice(best)) taken[session]!--;
  return { nodes: taken, cost, plainCost };
}

/** The session whose next node is the most probable, the first of several; -1 where none has another. */
function mostProbable(probs: readonly ArrayLike<number>[], taken: Int32Array): number {
  let session = -1;
  let highest = -1;
  for (let i = 0; i < probs.length; i++) {
    const at = taken[i]!;
    if (at < probs[i]!.length && probs[i]![at]! > highest) {
      highest = probs[i]![at]!;
      session = i;
    }
  }
  return session;
}
