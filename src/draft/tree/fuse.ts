import { copyNodes } from './copy-nodes.ts';
import type { TokenTree } from './tree.ts';

/**
 * Adds `from` to `into` along their longest common prefixes (RASD §3.3). A path
 * that both have keeps the higher probability: the sources share their evidence
 * (one context seen in two stores), so they don't add up like independent votes.
 * Returns how many of `from`'s nodes found no room. O(size · siblings).
 */
export function fuse(into: TokenTree, from: TokenTree): number {
  return copyNodes(from, into, from.probs);
}
