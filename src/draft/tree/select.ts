/**
 * The best nodes of a tree, as a tree. Taking the most probable paths is
 * ancestor-closed by itself, as a path is never more probable than its prefix;
 * probabilities that say otherwise (rounded on the wire, fused from two sources)
 * are first capped by their parent's.
 */
import { copyNodes } from './copy-nodes.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from './tree.ts';

/** Probabilities, none above its parent's. */
const capped = new Float64Array(MAX_TREE_NODES);
const sorted = new Float64Array(MAX_TREE_NODES);

/**
 * Writes the path probabilities of the most probable nodes in falling order into
 * `into`, as many as there are and fit. Returns how many. O(n log n) in `from.size`.
 */
export function rankNodes(from: TokenTree, into: Float64Array): number {
  const falling = rank(from);
  const count = Math.min(falling.length, into.length);
  into.set(falling.subarray(0, count));
  return count;
}

/**
 * Replaces `into` by the `count` best nodes of `from`, or as many as there are and
 * fit. Returns how many. O(n log n) in `from.size`.
 */
export function selectBest(from: TokenTree, into: TokenTree, count: number): number {
  into.clear();
  const falling = rank(from);
  const most = Math.min(count, from.size, into.capacity);
  if (most <= 0) return 0;
  const threshold = falling[most - 1]!;
  let ties = most;
  while (ties > 0 && falling[ties - 1] === threshold) ties--;
  // Nodes at the threshold itself go by index, so parents before children.
  ties = most - ties;
  for (let node = 0; node < from.size; node++) {
    const p = capped[node]!;
    if (p < threshold || (p === threshold && ties-- <= 0)) capped[node] = 0;
  }
  copyNodes(from, into, capped);
  return into.size;
}

/** Fills `capped`; all of it in falling order. */
function rank(tree: TokenTree): Float64Array {
  for (let node = 0; node < tree.size; node++) {
    const parent = tree.parents[node]!;
    const above = parent === ROOT ? 1 : capped[parent]!;
    sorted[node] = capped[node] = Math.min(tree.probs[node]!, above);
  }
  return sorted.subarray(0, tree.size).sort().reverse();
}
