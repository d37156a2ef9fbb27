/**
 * What may come after nodes that only some of several networks have answered. Where a
 * network reads the target's states, it can read a node no sooner than a run after the
 * node's parent. A network of tokens alone can, so it reads in the same run what the
 * other one has just named: it is a token ahead.
 */
import type { ModelDistribution } from '../../src/draft/model-distribution.ts';
import type { ModelNode } from '../../src/draft/stores/model-store.ts';

/** Of a node that no network named: text alone has drafted it. */
const UNNAMED = 0.05;

interface Found {
  parent: ModelNode;
  token: number;
  prob: number;
}

/**
 * The likeliest `most` nodes below `asked` that there are not yet, none of them put into the trie.
 * @param saidOf what the networks that are through said comes after a node of `asked`; nothing where none can answer it
 */
export function lookAhead(
  asked: readonly ModelNode[],
  saidOf: (node: ModelNode) => ModelDistribution | null | undefined,
  vocabSize: number,
  most: number,
): ModelNode[] {
  const found: Found[] = [];
  for (const parent of asked) {
    const said = saidOf(parent);
    if (!said) continue;
    const { tokens, probs } = said;
    const reached = reach(parent);
    for (const [i, token] of tokens.entries()) {
      if (token >= vocabSize || parent.children.has(token)) continue;
      found.push({ parent, token, prob: reached * probs[i]! });
    }
  }
  found.sort((a, b) => b.prob - a.prob);
  return found.slice(0, Math.max(0, most)).map(({ parent, token }) => ({
    token,
    parent,
    position: parent.position + 1,
    children: new Map(),
    row: -1,
    says: null,
  }));
}

/** How likely the networks find it that the text gets to a node. */
function reach({ token, parent }: ModelNode): number {
  if (!parent) return 1;
  const at = parent.says?.tokens.indexOf(token) ?? -1;
  const prob = at < 0 ? 0 : parent.says!.probs[at]!;
  return reach(parent) * Math.max(UNNAMED, prob);
}
