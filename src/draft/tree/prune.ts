import { copyNodes } from './copy-nodes.ts';
import { MAX_TREE_NODES, type TokenTree } from './tree.ts';

const left = new Float32Array(MAX_TREE_NODES);

/** Replaces `into` by `from` without the nodes marked in `out` and all below them. O(size · siblings). */
export function prune(from: TokenTree, out: Uint8Array, into: TokenTree): void {
  into.clear();
  for (let node = 0; node < from.size; node++) left[node] = out[node] ? 0 : from.probs[node]!;
  copyNodes(from, into, left);
}
