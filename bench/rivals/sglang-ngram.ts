/**
 * SGLang's NGRAM speculation, "PROB" form: one trie over all requests' prompts
 * and outputs; every matching suffix, longest first, grows its best-first tree
 * into the same draft until it is full. Each starts again at probability 1.
 */
import { AutomatonCursor } from '../../src/draft/automaton/automaton-cursor.ts';
import { SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { BestFirst, followers } from './count-walk.ts';

const DEPTH = 18;
const BREADTH = 8;

interface Candidate {
  p: number;
  token: number;
  state: number;
  parent: number;
  depth: number;
}

export class SglangNgram implements Contender {
  private readonly automaton = new SuffixAutomaton(DEPTH);
  private readonly cursor = new AutomatonCursor(this.automaton);

  constructor(documents: readonly Int32Array[] = []) {
    for (const document of documents) {
      for (const token of document) this.automaton.append(token);
      this.automaton.endRun();
    }
  }

  begin(prompt: Int32Array): void {
    this.automaton.endRun();
    this.cursor.reset();
    this.commit(prompt);
  }

  commit(tokens: Int32Array): void {
    for (const token of tokens) this.automaton.append(token);
    for (const token of tokens) this.cursor.advance(token);
  }

  draft(tree: TokenTree, budget: number): void {
    const { automaton, cursor } = this;
    for (
      let length = Math.min(cursor.length, DEPTH - 1);
      length > 0 && tree.size < budget;
      length--
    ) {
      const heap = new BestFirst<Candidate>();
      const expand = (state: number, p: number, parent: number, depth: number) => {
        if (length + depth > DEPTH) return;
        const best = followers(automaton, state, BREADTH);
        const sum = best.reduce((total, follower) => total + follower.count, 0);
        for (const { token, state, count } of best) {
          heap.push({ p: (p * count) / sum, token, state, parent, depth });
        }
      };
      expand(automaton.shorten(cursor.state, length), 1, ROOT, 1);
      while (heap.size > 0 && tree.size < budget) {
        const { p, token, state, parent, depth } = heap.pop();
        expand(state, p, tree.add(parent, token, p, Source.tenant), depth + 1);
      }
    }
  }
}
