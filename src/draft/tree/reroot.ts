import { copyNodes } from './copy-nodes.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from './tree.ts';

/** Probabilities given the new root. */
const given = new Float64Array(MAX_TREE_NODES);

/**
 * Replaces `into` by what is left of `from` after `tokens` were committed: the
 * descendants of the node they lead to, with probabilities given that it was
 * accepted. False, with `into` empty, when the path is not in the tree.
 * O(size + tokens · siblings).
 */
export function reroot(from: TokenTree, tokens: ArrayLike<number>, into: TokenTree): boolean {
  into.clear();
  let root = ROOT;
  for (let i = 0; i < tokens.length; i++) {
    root = from.child(root, tokens[i]!);
    if (root < 0) return false;
  }
  const whole = root === ROOT ? 1 : from.probs[root]!;
  for (let node = root + 1; node < from.size; node++) {
    given[node] = Math.min(1, from.probs[node]! / whole);
  }
  copyNodes(from, into, given, root);
  return true;
}
