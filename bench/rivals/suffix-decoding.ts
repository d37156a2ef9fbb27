/**
 * SuffixDecoding (2411.04975, ArcticInference): for every suffix that matches, in
 * the request's tree and in the tree of past outputs, a best-first tree by count
 * ratios, sized by the length of the match. The best single one is drafted.
 *
 * By default it sizes drafts for verifiers to which a node costs something: a node a
 * matched token, none less likely than 0.1. Here nodes are free up to the budget, so
 * it has the setting that fills it: on these recordings the best one.
 */
import { AutomatonCursor } from '../../src/draft/automaton/automaton-cursor.ts';
import { ROOT_STATE, SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { BestFirst, followers } from './count-walk.ts';

const DEPTH = 64;
/** `max_spec_factor`: nodes a matched token. */
const NODES_A_TOKEN = 32;

interface Node {
  token: number;
  state: number;
  p: number;
  parent: number;
  depth: number;
}

export class SuffixDecoding implements Contender {
  private readonly local = new SuffixAutomaton(DEPTH);
  private readonly past = new SuffixAutomaton(DEPTH);
  private readonly cursor = new AutomatonCursor(this.past);

  constructor(documents: readonly Int32Array[] = []) {
    for (const document of documents) {
      for (const token of document) this.past.append(token);
      this.past.endRun();
    }
  }

  begin(prompt: Int32Array): void {
    this.local.clear();
    this.past.endRun();
    this.cursor.reset();
    this.read(prompt);
  }

  commit(tokens: Int32Array): void {
    for (const token of tokens) this.past.append(token);
    this.read(tokens);
  }

  draft(tree: TokenTree, budget: number): void {
    let best: Node[] = [];
    let bestScore = 0;
    let bestSource: Source = Source.prompt;
    const { local, past, cursor } = this;
    for (const [automaton, from, matched, source] of [
      [past, cursor.state, cursor.length, Source.tenant],
      [local, local.tail, local.tailLength, Source.prompt],
    ] as const) {
      let known = ROOT_STATE;
      for (let length = 1; length <= Math.min(matched, DEPTH - 1); length++) {
        const size = Math.min(budget, length * NODES_A_TOKEN);
        const state = automaton.shorten(from, length);
        // The same occurrences again, and no draft of this size reaches the bottom: the same draft.
        if (state === known && size === budget && DEPTH - length >= size) continue;
        known = size === budget ? state : ROOT_STATE;
        const nodes = this.speculate(automaton, state, size, DEPTH - length);
        const score = nodes.reduce((sum, node) => sum + node.p, 0);
        // In this order, as published: the longer match and the session's tree win a tie.
        if (score >= bestScore) {
          bestScore = score;
          best = nodes;
          bestSource = source;
        }
      }
    }
    const placed: number[] = [];
    for (const { parent, token, p } of best) {
      const under = parent === ROOT ? ROOT : placed[parent]!;
      placed.push(tree.add(under, token, p, bestSource));
    }
  }

  private read(tokens: Int32Array): void {
    for (const token of tokens) {
      this.local.append(token);
      this.cursor.advance(token);
    }
  }

  private speculate(automaton: SuffixAutomaton, from: number, size: number, depth: number): Node[] {
    const heap = new BestFirst<Node>();
    const nodes: Node[] = [];
    const expand = (state: number, p: number, parent: number, at: number) => {
      if (at > depth) return;
      for (const follower of followers(automaton, state, size)) {
        const share = (p * follower.count) / automaton.count[state]!;
        heap.push({ ...follower, p: share, parent, depth: at });
      }
    };
    expand(from, 1, ROOT, 1);
    while (heap.size > 0 && nodes.length < size) {
      const node = heap.pop();
      nodes.push(node);
      expand(node.state, node.p, nodes.length - 1, node.depth + 1);
    }
    return nodes;
  }
}
