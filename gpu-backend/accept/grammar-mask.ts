/**
 * Holds an answer to a grammar: at each place the walk visits, what the grammar
 * does not let follow is ruled out, before temperature, top-k and top-p. The
 * grammar's places are values, so nodes of a tree that no text could reach are
 * found before a step is spent on them, and what must follow is drafted.
 */
import { Source } from '../../src/draft/source.ts';
import { ROOT, type TokenTree } from '../../src/draft/tree/tree.ts';
import type { Grammar, State } from '../grammar/grammar.ts';
import type { LogitsProcessor } from './logits-processor.ts';

/**
 * How likely the target says what must follow in the tokens that are drafted: it
 * has no choice about the text, but some about where a token ends. Measured by
 * `bench:grammar`.
 */
const FORCED_PROBABILITY = 0.9;

export class GrammarMask implements LogitsProcessor {
  private readonly grammar: Grammar;
  /** null after the end. */
  private state: State | null;

  constructor(grammar: Grammar) {
    this.grammar = grammar;
    this.state = grammar.start;
  }

  /** Whether the text is complete and nothing may follow but its end. */
  get finished(): boolean {
    return this.state === null || this.state.finished;
  }

  apply(logits: Float32Array): void {
    if (!this.state) return;
    const mask = this.grammar.mask(this.state);
    for (let id = 0; id < logits.length; id++) {
      if ((mask[id >>> 5]! & (1 << (id & 31))) === 0) logits[id] = -Infinity;
    }
  }

  advance(token: number): void {
    if (this.state) this.state = this.grammar.advance(this.state, token);
  }

  ruleOut(tree: TokenTree, out: Uint8Array): void {
    const states = this.statesOf(tree);
    for (let node = 0; node < tree.size; node++) {
      if (states[node]) continue;
      const parent = tree.parents[node]!;
      const before = parent === ROOT ? this.state : states[parent];
      if (!before || !this.grammar.allows(before, tree.tokens[node]!)) out[node] = 1;
    }
  }

  /** Adds what must follow the committed text and every node. */
  extend(tree: TokenTree): void {
    if (!this.state) return;
    const states = this.statesOf(tree);
    const { size } = tree;
    this.force(tree, ROOT, this.state, 1);
    for (let node = 0; node < size; node++) {
      const state = states[node];
      if (state) this.force(tree, node, state, tree.probs[node]!);
    }
  }

  private force(tree: TokenTree, parent: number, state: State, prob: number): void {
    let at = parent;
    let chance = prob * FORCED_PROBABILITY;
    for (const token of this.grammar.forced(state)) {
      at = tree.add(at, token, chance, Source.grammar);
      if (at < 0) return;
      chance *= FORCED_PROBABILITY;
    }
  }

  /** Where each node leads; null where it is not allowed, and after the end. */
  private statesOf(tree: TokenTree): (State | null)[] {
    const states: (State | null)[] = [];
    for (let node = 0; node < tree.size; node++) {
      const parent = tree.parents[node]!;
      const before = parent === ROOT ? this.state : states[parent]!;
      states.push(before && this.grammar.advance(before, tree.tokens[node]!));
    }
    return states;
  }
}
