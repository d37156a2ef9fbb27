/**
 * The best nodes of a tree, as a tree. Taking the most probable paths is
 * ancestor-closed by itself, as a path is never more probable than its prefix;
 * probabilities that say otherwise (rounded on the wire, fused from two sources)
 * are first capped by their parent's.
 */
import { bestNodeCount, type StepCost } from './budget.ts';
import { copyNodes } from './copy-nodes.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from './tree.ts';

/** Probabilities, none above its parent's. */
const capped = new Float64Array(MAX_TREE_NODES);
const sorted = new Float64Array(MAX_TREE_NODES);

/**
 * Replaces `into` by the at most `budget` best nodes of `from`: all of them, or
 * as many as pay under `cost`. Returns how many. O(n log n) in `from.size`.
 */
export function selectBest(
  from: TokenTree,
  into: TokenTree,
  budget: number,
  cost?: StepCost,
): number {
  const size = from.size;
  into.clear();
  for (let node = 0; node < size; node++) {
    const parent = from.parents[node]!;
    const above = parent === ROOT ? 1 : capped[parent]!;
    sorted[node] = capped[node] = Math.min(from.probs[node]!, above);
  }
  const falling = sorted.subarray(0, size).sort().reverse();
  let count = Math.min(budget, size, into.capacity);
  if (cost) count = bestNodeCount(falling, size, count, cost);
  if (count === 0) return 0;
  const threshold = falling[count - 1]!;
  let ties = count;
  while (ties > 0 && falling[ties - 1] === threshold) ties--;
  // Nodes at the threshold itself go by index, so parents before children.
  ties = count - ties;
  for (let node = 0; node < size; node++) {
    const p = capped[node]!;
    if (p < threshold || (p === threshold && ties-- <= 0)) capped[node] = 0;
  }
  copyNodes(from, into, capped);
  return into.size;
}
