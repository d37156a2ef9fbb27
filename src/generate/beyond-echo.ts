/**
 * What of a tree is worth its bytes when the verifier has an echo: the echo
 * draws what the session's text says by itself, sooner and for a later position.
 */
import { Source } from '../draft/source.ts';
import { ROOT, type TokenTree } from '../draft/tree.ts';

/** Found in the prompt or the answer, which the echo has too. */
const SESSION: ReadonlySet<number> = new Set([Source.prompt, Source.passage, Source.output]);

/**
 * Replaces `into` by the paths of `from` that end in a node which no session
 * store proposed. O(size · siblings).
 */
export function beyondEcho(from: TokenTree, into: TokenTree): void {
  into.clear();
  const kept = new Uint8Array(from.size);
  for (let node = from.size - 1; node >= 0; node--) {
    if (!SESSION.has(from.sources[node]!)) kept[node] = 1;
    const parent = from.parents[node]!;
    if (kept[node] && parent !== ROOT) kept[parent] = 1;
  }
  const moved = new Int16Array(from.size);
  for (let node = 0; node < from.size; node++) {
    if (!kept[node]) continue;
    const parent = from.parents[node]!;
    const under = parent === ROOT ? ROOT : moved[parent]!;
    const source = from.sources[node] as Source;
    moved[node] = into.add(under, from.tokens[node]!, from.probs[node]!, source);
  }
}
