/**
 * T, what the tenant's earlier answers said: how this model answers these users,
 * down to its turns of phrase. Holds outputs only. Prompts would leak between
 * users of a tenant, and they cost acceptance: they are what people ask, not how
 * the model speaks.
 *
 * Each output begins with a mark, so how answers begin is a context like others. The
 * service asks an object for runs of them; this has them beside the drafter.
 */

import { SuffixAutomaton } from '../../src/draft/automaton/suffix-automaton.ts';
import { Source } from '../../src/draft/source.ts';
import { AutomatonStore } from '../../src/draft/stores/automaton-store.ts';
import { OUTPUT_START } from '../../src/draft/stores/output-start.ts';
import { MAX_CONTEXT } from '../../src/draft/stores/session-store.ts';
import { COMMON_TOKENS } from '../../src/draft/stores/span-store.ts';

export class OutputStore extends AutomatonStore {
  constructor() {
    super(new SuffixAutomaton(MAX_CONTEXT), COMMON_TOKENS);
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
