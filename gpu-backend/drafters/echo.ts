/**
 * The drafter beside the engine: the same core as the worker's, over what the
 * session holds here anyway (prompt and answer), what the worker shipped, and the
 * successors that the target's own logits named.
 */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import type { Drafter } from '../../src/draft/drafter.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { RECYCLED_SUCCESSORS } from '../../src/draft/stores/recycled-table.ts';
import { RecyclingStore } from '../../src/draft/stores/recycling-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import type { Span } from '../../src/link/protocol/index.ts';
import { EchoMemory } from './echo-memory.ts';

export interface Echo extends Drafter {
  /** Takes in what the worker shipped, at any time of the turn. */
  learn(spans: readonly Span[]): void;
  /** How many successors of each verified token `observe` expects; 0: it is not to be called. */
  readonly observedSuccessors: number;
  /** What the target found likeliest after a verified `token`. Called after the step's commit, parents before children. */
  observe(token: number, successors: Int32Array): void;
}

export class EchoDrafter extends BlendDrafter implements Echo {
  private readonly spans: SpanStore;
  private readonly memory: EchoMemory;

  constructor(memory = new EchoMemory()) {
    const spans = new SpanStore();
    const session = new SessionStore();
    const recycling = memory.recycled ? [new RecyclingStore(memory.recycled)] : [];
    const aligned = [new AlignmentStore(session), new AlignmentStore(spans)];
    super([session, spans, ...aligned, ...recycling], memory.mixer);
    this.spans = spans;
    this.memory = memory;
  }

  learn(spans: readonly Span[]): void {
    this.spans.learn(spans);
  }

  get observedSuccessors(): number {
    return this.memory.recycled ? RECYCLED_SUCCESSORS : 0;
  }

  observe(token: number, successors: Int32Array): void {
    this.memory.recycled?.observe(token, successors);
  }
}
