/**
 * T, what the tenant's earlier answers said: how this model answers these users,
 * down to its turns of phrase. Holds outputs only. Prompts would leak between
 * users of a tenant, and they cost acceptance: they are what people ask, not how
 * the model speaks.
 *
 * Each output begins with a mark, so how answers begin is a context like others.
 */

import { SuffixAutomaton } from '../automaton/suffix-automaton.ts';
import { Source } from '../source.ts';
import { AutomatonStore } from './automaton-store.ts';
import { MAX_CONTEXT } from './session-store.ts';

/** Precedes every output. No tokenizer's vocabulary reaches this far, and nothing ever continues to it. */
export const OUTPUT_START = 0x7ffffffe;

export class OutputStore extends AutomatonStore {
  constructor() {
    super(new SuffixAutomaton(MAX_CONTEXT));
  }

  begin(): void {
    this.states[0] = 0;
    this.lengths[0] = 0;
    this.match(OUTPUT_START);
  }

  advance(token: number): void {
    this.match(token);
  }

  /** Adds a finished output. */
  learn(output: Int32Array): void {
    this.endRun();
    this.append(OUTPUT_START, Source.tenant);
    for (let i = 0; i < output.length; i++) this.append(output[i]!, Source.tenant);
    this.endRun();
  }
}
