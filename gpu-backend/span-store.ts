/**
 * What the worker shipped for this turn from its stores: runs of tokens that may
 * go on where the answer is. An automaton of its own, so that they never mix
 * with the counts of the session's text, which deserves more trust.
 */
import { AutomatonStore } from '../src/draft/automaton-store.ts';
import { OUTPUT_START } from '../src/draft/output-store.ts';
import { MAX_CONTEXT } from '../src/draft/session-store.ts';
import type { Source } from '../src/draft/source.ts';
import { SuffixAutomaton } from '../src/draft/suffix-automaton.ts';
import type { Span } from '../src/link/frames/index.ts';

export class SpanStore extends AutomatonStore {
  private origins = new Uint8Array(1024);
  /** The last tokens of the answer, its beginning included: where a span that comes late is matched from. */
  private recent: number[] = [];

  constructor() {
    super(new SuffixAutomaton(MAX_CONTEXT));
  }

  begin(): void {
    this.reset();
    this.recent = [OUTPUT_START];
  }

  advance(token: number): void {
    this.recent.push(token);
    if (this.recent.length > MAX_CONTEXT) this.recent.shift();
    this.follow(0, token, 0);
  }

  /** Adds spans, at any time of the turn. O(tokens). */
  learn(spans: readonly Span[]): void {
    for (const { source, begins, tokens } of spans) {
      this.automaton.endRun();
      if (begins) this.append(OUTPUT_START, source);
      for (let i = 0; i < tokens.length; i++) this.append(tokens[i]!, source);
    }
    this.automaton.endRun();
    this.states[0] = 0;
    this.lengths[0] = 0;
    for (const token of this.recent) this.follow(0, token, 0);
  }

  protected sourceAt(position: number): Source {
    return this.origins[position] as Source;
  }

  private append(token: number, source: Source): void {
    const position = this.automaton.tokens;
    if (position === this.origins.length) {
      const larger = new Uint8Array(2 * position);
      larger.set(this.origins);
      this.origins = larger;
    }
    this.origins[position] = source;
    this.automaton.append(token);
  }
}
