/** What is known of a node of a tree that was drawn before a network is asked about it. */
import { entropyOf } from '../../src/draft/entropy.ts';
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Prospect } from './gain.ts';

/** @param says what the network said comes after the node's parent; null where it has not */
export function prospectOf(
  look: TokenTree,
  index: number,
  says: ModelDistribution | null,
): Prospect {
  const own = index === ROOT ? 1 : look.probs[index]!;
  const parent = index === ROOT ? ROOT : look.parents[index]!;
  const above = parent === ROOT ? 1 : look.probs[parent]!;
  let open = own;
  for (const child of childrenOf(look, index)) open -= look.probs[child]!;
  return {
    covered: 1 - Math.max(0, open / own),
    likely: own / above,
    entropy: says && entropyOf(says.probs),
    depth: index === ROOT ? 0 : look.depths[index]!,
  };
}

export function* childrenOf(tree: TokenTree, index: number): Generator<number> {
  for (let node = index + 1; node < tree.size; node++) {
    if (tree.parents[node] === index) yield node;
  }
}
