import type { Source } from './source.ts';
import { ROOT, type TokenTree } from './tree.ts';

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
  const moved = new Int16Array(from.size).fill(-1);
  for (let node = root + 1; node < from.size; node++) {
    const parent = from.parents[node]!;
    if (parent !== root && (parent === ROOT || moved[parent]! < 0)) continue;
    const prob = Math.min(1, from.probs[node]! / whole);
    const under = parent === root ? ROOT : moved[parent]!;
    moved[node] = into.add(under, from.tokens[node]!, prob, from.sources[node] as Source);
  }
  return true;
}
