/**
 * SAM-Decoding (2411.10666): the longest match in this text or in a corpus, one
 * or the other. In this text the tokens after its earliest occurrence are drafted;
 * of a corpus a best-first tree by count ratios. Its own script prefers neither (a
 * bias of 0); a draft may have 32 nodes a matched token, which fills the budget and
 * is the best setting on these recordings.
 */
import { AutomatonCursor } from '../../src/draft/automaton/automaton-cursor.ts';
import { SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Contender } from './contender.ts';
import { BestFirst, followers } from './count-walk.ts';
import { Text } from './text.ts';

/** `alpha`. */
const NODES_A_TOKEN = 32;
const DEPTH = 64;

export class SamDecoding implements Contender {
  private readonly text = new Text();
  private readonly automaton = new SuffixAutomaton(DEPTH);
  private readonly cursor = new AutomatonCursor(this.automaton);

  constructor(documents: readonly Int32Array[] = []) {
    for (const document of documents) {
      for (const token of document) this.automaton.append(token);
      this.automaton.endRun();
    }
  }

  begin(prompt: Int32Array): void {
    this.text.reset(prompt);
    this.cursor.reset();
    for (const token of prompt) this.cursor.advance(token);
  }

  commit(tokens: Int32Array): void {
    this.text.push(tokens);
    for (const token of tokens) this.cursor.advance(token);
  }

  draft(tree: TokenTree, budget: number): void {
    const { text } = this;
    let best = 0;
    let at = -1;
    for (let end = 1; end < text.length; end++) {
      const matched = text.matchBefore(end, text.length);
      if (matched > best) {
        best = matched;
        at = end;
      }
    }
    const { state, length } = this.cursor;
    if (length > best) this.ofCorpus(tree, state, Math.min(budget, length * NODES_A_TOKEN));
    else if (at >= 0) text.chain(tree, at, Math.min(budget, best * NODES_A_TOKEN), Source.prompt);
  }

  private ofCorpus(tree: TokenTree, from: number, size: number): void {
    const { automaton } = this;
    const heap = new BestFirst<{ p: number; token: number; state: number; parent: number }>();
    const expand = (state: number, p: number, parent: number) => {
      for (const follower of followers(automaton, state, size)) {
        const share = (p * follower.count) / automaton.count[state]!;
        heap.push({ ...follower, p: share, parent });
      }
    };
    expand(from, 1, ROOT);
    for (let nodes = 0; heap.size > 0 && nodes < size; nodes++) {
      const { p, token, state, parent } = heap.pop();
      expand(state, p, tree.add(parent, token, p, Source.corpus));
    }
  }
}
