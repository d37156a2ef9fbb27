/**
 * What came with this turn from elsewhere: runs of tokens fetched from stores, and
 * the request's prediction, which may continue where the answer is. An automaton of
 * its own, so that they never mix with the counts of the session's text, which
 * deserves more trust. Worker and echo have one each.
 */

import { SuffixAutomaton } from '../automaton/suffix-automaton.ts';
import type { Source } from '../source.ts';
import { AutomatonStore } from './automaton-store.ts';
import { OUTPUT_START } from './output-start.ts';
import { MAX_CONTEXT } from './session-store.ts';

/** The most tokens that one turn learns, about 2.5 MB and 60 ms; beyond it, it drafts from what it has. */
export const MAX_SPAN_STORE_TOKENS = 1 << 15;

/** Most frequent tokens told where they followed nothing that is there. */
export const COMMON_TOKENS = 16;

/** A run of tokens, contiguous in what it was taken from. */
export interface Span {
  source: Source;
  /** Whether it is the beginning of an answer: how answers begin is a context like others. */
  begins: boolean;
  tokens: Int32Array;
}

export class SpanStore extends AutomatonStore {
  /** The last tokens of the answer, its beginning included: where a span that comes late is matched from. */
  private recent: number[] = [];

  constructor() {
    super(new SuffixAutomaton(MAX_CONTEXT), COMMON_TOKENS);
  }

  begin(): void {
    this.reset();
    this.recent = [OUTPUT_START];
  }

  advance(token: number): void {
    this.recent.push(token);
    if (this.recent.length > MAX_CONTEXT) this.recent.shift();
    this.match(token);
  }

  /** Whether it takes no more in this turn. */
  get isFull(): boolean {
    return this.automaton.tokens >= MAX_SPAN_STORE_TOKENS;
  }

  /** The last tokens of the answer; its start included while it is so short. */
  get tail(): Int32Array {
    return Int32Array.from(this.recent);
  }

  /** Adds spans, at any time of the turn, as far as they fit. O(tokens). */
  learn(spans: readonly Span[]): void {
    for (const { source, begins, tokens } of spans) {
      if (this.isFull) break;
      this.endRun();
      if (begins) this.append(OUTPUT_START, source);
      for (let i = 0; i < tokens.length && !this.isFull; i++) this.append(tokens[i]!, source);
    }
    this.endRun();
    this.states[0] = 0;
    this.lengths[0] = 0;
    for (const token of this.recent) this.match(token);
  }
}
