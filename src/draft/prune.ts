import type { Source } from './source.ts';
import { ROOT, type TokenTree } from './tree.ts';

/** Replaces `into` by `from` without the nodes marked in `out` and all below them. O(size · siblings). */
export function prune(from: TokenTree, out: Uint8Array, into: TokenTree): void {
  into.clear();
  const moved = new Int16Array(from.size).fill(-1);
  for (let node = 0; node < from.size; node++) {
    const parent = from.parents[node]!;
    if (out[node] || (parent !== ROOT && moved[parent]! < 0)) continue;
    const under = parent === ROOT ? ROOT : moved[parent]!;
    const source = from.sources[node] as Source;
    moved[node] = into.add(under, from.tokens[node]!, from.probs[node]!, source);
  }
}
