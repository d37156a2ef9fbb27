/**
 * ADED (2407.12021): a table of what follows two tokens, adapted to what the
 * target commits, searched by Monte-Carlo tree search with PUCT. Constants are the
 * paper's. Unlike there, the weights of a pair's successors are normalised to a
 * sum of 1 when they are read: increments would lift the paper's scores above 1.
 *
 * A draft costs `SIMULATIONS` walks of up to `MAX_DEPTH` steps.
 */
import { Source } from '../../src/draft/source.ts';
import { ROOT, TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';

/** Successors kept of each pair. */
const MAX_SUCCESSORS = 12;
const SIMULATIONS = 150;
const MAX_DEPTH = 4;
/** PUCT's c1 and c2: exploration grows slowly with the visits of the parent. */
const EXPLORATION = 32;
const EXPLORATION_BASE = 8;
/** What a committed tri-gram adds to its weight, and the most that it may hold. */
const INCREMENT = 0.04;
const MAX_WEIGHT = 3;
/** Of each commit, the tri-grams that are learned. */
const LEARNED_TOKENS = 16;
/** Pairs kept; the table stops growing there. About 24 bytes and `MAX_SUCCESSORS` entries each. */
const MAX_PAIRS = 1 << 16;

interface Successors {
  tokens: number[];
  weights: number[];
}

export class TrigramDrafter implements Contender {
  private readonly table = new Map<number, Successors>();
  private readonly context = [0, 0];
  private readonly search = new TokenTree();
  private readonly visits = new Float64Array(this.search.capacity);
  private readonly scores = new Float64Array(this.search.capacity);
  private readonly path = new Int32Array(MAX_DEPTH);

  /** The table begins with the tri-grams of `documents`, each counted in full. */
  constructor(documents: readonly Int32Array[] = []) {
    for (const text of documents) {
      for (let i = 2; i < text.length; i++) {
        this.strengthen(text[i - 2]!, text[i - 1]!, text[i]!, 1);
      }
    }
  }

  begin(prompt: Int32Array): void {
    this.context[0] = prompt[prompt.length - 2] ?? 0;
    this.context[1] = prompt[prompt.length - 1] ?? 0;
  }

  commit(tokens: Int32Array): void {
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      const [first, second] = this.context as [number, number];
      if (i >= tokens.length - LEARNED_TOKENS) this.strengthen(first, second, token, INCREMENT);
      this.context[0] = second;
      this.context[1] = token;
    }
  }

  draft(tree: TokenTree, budget: number): void {
    const { search } = this;
    search.clear();
    for (let i = 0; i < SIMULATIONS; i++) this.simulate();
    // The most visited paths; a child is never visited more often than its parent.
    const byVisits = [...Array(search.size).keys()].sort(
      (a, b) => this.visits[b]! - this.visits[a]! || a - b,
    );
    const placed = new Map<number, number>([[ROOT, ROOT]]);
    const limit = tree.size + budget;
    for (const node of byVisits) {
      if (tree.size >= limit) return;
      const under = placed.get(search.parents[node]!);
      if (under === undefined) continue;
      const added = tree.add(under, search.tokens[node]!, search.probs[node]!, Source.trigram);
      if (added < 0) return;
      placed.set(node, added);
    }
  }

  /** One walk from the root: the best PUCT child at each level, scored by the path's probability. */
  private simulate(): void {
    const { search, visits, scores, path } = this;
    let [first, second] = this.context as [number, number];
    let node = ROOT;
    let prob = 1;
    let depth = 0;
    let total = SIMULATIONS;
    for (; depth < MAX_DEPTH; depth++) {
      const successors = this.table.get(pairKey(first, second));
      if (!successors) break;
      const sum = successors.weights.reduce((a, b) => a + b, 0);
      let best = -1;
      let bestValue = -1;
      for (let i = 0; i < successors.tokens.length; i++) {
        const share = successors.weights[i]! / sum;
        const child = search.child(node, successors.tokens[i]!);
        const n = child < 0 ? 0 : visits[child]!;
        const explore = EXPLORATION + Math.log((total + EXPLORATION_BASE + 1) / EXPLORATION_BASE);
        const value =
          (n > 0 ? scores[child]! / n : 0) + (explore * share * Math.sqrt(total)) / (1 + n);
        if (value > bestValue) {
          bestValue = value;
          best = i;
        }
      }
      const token = successors.tokens[best]!;
      prob *= successors.weights[best]! / sum;
      const size = search.size;
      node = search.add(node, token, prob, Source.trigram);
      if (node < 0) break;
      if (search.size > size) visits[node] = scores[node] = 0;
      path[depth] = node;
      total = visits[node]! + 1;
      first = second;
      second = token;
    }
    for (let i = 0; i < depth; i++) {
      visits[path[i]!]!++;
      scores[path[i]!]! += prob;
    }
  }

  private strengthen(first: number, second: number, token: number, amount: number): void {
    const key = pairKey(first, second);
    let successors = this.table.get(key);
    if (!successors) {
      if (this.table.size === MAX_PAIRS) return;
      successors = { tokens: [], weights: [] };
      this.table.set(key, successors);
    }
    const { tokens, weights } = successors;
    let at = tokens.indexOf(token);
    if (at < 0) {
      if (tokens.length === MAX_SUCCESSORS) {
        at = weights.indexOf(Math.min(...weights));
        tokens[at] = token;
        weights[at] = 0;
      } else {
        at = tokens.push(token) - 1;
        weights.push(0);
      }
    }
    weights[at] = Math.min(MAX_WEIGHT, weights[at]! + amount);
  }
}

/** Both tokens in one exact double: ids stay below 2^26. */
function pairKey(first: number, second: number): number {
  return first * 2 ** 26 + second;
}
