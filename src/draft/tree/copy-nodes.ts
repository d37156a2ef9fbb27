import type { Source } from '../source.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from './tree.ts';

const LOST = -2;
/** Where each node of the tree that is copied went. Nothing else runs while one is. */
const moved = new Int16Array(MAX_TREE_NODES);

/**
 * Adds the nodes of `from` below `root` to `into`, each with its entry of `probs`;
 * a node whose entry is 0 is left out with all below it. Returns how many nodes
 * were not added, those that found no room among them. O(size · siblings).
 */
export function copyNodes(
  from: TokenTree,
  into: TokenTree,
  probs: ArrayLike<number>,
  root = ROOT,
): number {
  const { parents, size, sources, tokens } = from;
  let left = 0;
  for (let node = root + 1; node < size; node++) {
    const parent = parents[node]!;
    const under = parent === root ? ROOT : parent < root ? LOST : moved[parent]!;
    let to = LOST;
    if (under !== LOST && probs[node]! > 0) {
      const added = into.add(under, tokens[node]!, probs[node]!, sources[node] as Source);
      if (added >= 0) to = added;
    }
    moved[node] = to;
    if (to === LOST) left++;
  }
  return left;
}
