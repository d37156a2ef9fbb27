/**
 * REST (He et al. 2311.08252): a trie of what followed the longest suffix of the
 * text that the datastore knows, 16 tokens down to 2; the most frequent nodes are
 * the draft. Nothing of the request itself is in the datastore.
 */
import { Segment } from '../../src/draft/segment/segment.ts';
import { buildSegment } from '../../src/draft/segment/segment-builder.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { Text } from './text.ts';

const LONGEST = 16;
const SHORTEST = 2;
/** Occurrences read, and tokens of each that go on. */
const MAX_HITS = 5000;
const CONTINUATION = 10;
const MAX_NODES = 64;

/** A node of the retrieval tree: parents before children, `ROOT` for those at depth 1. */
export interface Retrieved {
  token: number;
  parent: number;
  count: number;
}

export class Datastore {
  private readonly segment: Segment;

  constructor(documents: readonly Int32Array[]) {
    this.segment = new Segment(buildSegment(documents));
  }

  /** The tree after the end of `text`, at most `limit` nodes, and how many occurrences it counts. */
  retrieve(text: Text, limit: number): { nodes: Retrieved[]; hits: number } {
    for (let length = Math.min(LONGEST, text.length); length >= SHORTEST; length--) {
      const range = this.occurrences(text, length);
      if (!range) continue;
      const hits = Math.min(range.high - range.low, MAX_HITS);
      return { nodes: mostFrequent(this.trie(range.low, hits, length), limit), hits };
    }
    return { nodes: [], hits: 0 };
  }

  private occurrences({ tokens, length }: Text, matched: number) {
    const { segment } = this;
    const row = segment.rowOf(tokens[length - matched]! + 1);
    if (row < 0) return null;
    let low = segment.firstStarts[row]!;
    let high = segment.firstStarts[row + 1]!;
    for (let depth = 1; depth < matched && low < high; depth++) {
      const symbol = tokens[length - matched + depth]! + 1;
      low = segment.lowerRank(low, high, depth, symbol);
      high = segment.upperRank(low, high, depth, symbol);
    }
    return low < high ? { low, high } : null;
  }

  private trie(low: number, hits: number, matched: number): Retrieved[] {
    const nodes: Retrieved[] = [];
    const children = new Map<string, number>();
    for (let rank = low; rank < low + hits; rank++) {
      let parent = ROOT;
      for (let depth = matched; depth < matched + CONTINUATION; depth++) {
        const symbol = this.segment.symbol(rank, depth);
        if (symbol === 0) break;
        const key = `${parent} ${symbol}`;
        let node = children.get(key);
        if (node === undefined) {
          node = nodes.push({ token: symbol - 1, parent, count: 0 }) - 1;
          children.set(key, node);
        }
        nodes[node]!.count++;
        parent = node;
      }
    }
    return nodes;
  }
}

/** The `limit` nodes of highest count: ancestors come first, as they count at least as much. */
function mostFrequent(nodes: readonly Retrieved[], limit: number): Retrieved[] {
  const kept = [...nodes.keys()]
    .sort((a, b) => nodes[b]!.count - nodes[a]!.count || a - b)
    .slice(0, limit);
  const moved = new Map([[ROOT, ROOT] as const, ...kept.map((node, i) => [node, i] as const)]);
  return kept.map((node) => ({ ...nodes[node]!, parent: moved.get(nodes[node]!.parent)! }));
}

export class Rest implements Contender {
  private readonly text = new Text();
  private readonly store: Datastore;

  constructor(documents: readonly Int32Array[]) {
    this.store = new Datastore(documents);
  }

  begin(prompt: Int32Array): void {
    this.text.reset(prompt);
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
  }

  draft(tree: TokenTree, budget: number): void {
    const { nodes, hits } = this.store.retrieve(this.text, Math.min(budget, MAX_NODES));
    const placed: number[] = [];
    for (const { token, parent, count } of nodes) {
      const under = parent === ROOT ? ROOT : placed[parent]!;
      placed.push(tree.add(under, token, count / hits, Source.corpus));
    }
  }
}
