/**
 * What of a tree is worth its bytes when the verifier has an echo: the echo
 * draws what the session's text says by itself, sooner and for a later position.
 */

import { Source } from '../draft/source.ts';
import { copyNodes } from '../draft/tree/copy-nodes.ts';
import { MAX_TREE_NODES, ROOT, type TokenTree } from '../draft/tree/tree.ts';

/** Found in the prompt or the answer, which the echo has too. */
const SESSION: ReadonlySet<number> = new Set([Source.prompt, Source.passage, Source.output]);

/** Probabilities of the nodes that are kept, 0 for the others. */
const kept = new Float32Array(MAX_TREE_NODES);

/**
 * Replaces `into` by the paths of `from` that end in a node which no session
 * store proposed. O(size · siblings).
 */
export function beyondEcho(from: TokenTree, into: TokenTree): void {
  const { parents, probs, size, sources } = from;
  into.clear();
  kept.fill(0, 0, size);
  for (let node = size - 1; node >= 0; node--) {
    if (!SESSION.has(sources[node]!)) kept[node] = probs[node]!;
    const parent = parents[node]!;
    if (kept[node]! > 0 && parent !== ROOT) kept[parent] = probs[parent]!;
  }
  copyNodes(from, into, kept);
}
