import type { Source } from './source.ts';
import { ROOT, type TokenTree } from './tree.ts';

/**
 * Adds `from` to `into` along their longest common prefixes (RASD §3.3). A path
 * that both have keeps the higher probability: the sources share their evidence
 * (one context seen in two stores), so they don't add up like independent votes.
 * Returns how many of `from`'s nodes found no room. O(size · siblings).
 */
export function fuse(into: TokenTree, from: TokenTree): number {
  const moved = new Int16Array(from.size);
  let left = 0;
  for (let node = 0; node < from.size; node++) {
    const parent = from.parents[node]!;
    const under = parent === ROOT ? ROOT : moved[parent]!;
    const lost = parent !== ROOT && under < 0;
    const { probs, sources, tokens } = from;
    moved[node] = lost ? -1 : into.add(under, tokens[node]!, probs[node]!, sources[node] as Source);
    if (moved[node]! < 0) left++;
  }
  return left;
}
