/**
 * The drafter beside the engine: the same core as the worker's, over what the
 * session holds here anyway (prompt and answer), what the worker shipped, and the
 * successors that the target's own logits named.
 */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import type { ModelStore } from '../../src/draft/stores/model-store.ts';
import { RecyclingStore } from '../../src/draft/stores/recycling-store.ts';
import { RunnerUpStore } from '../../src/draft/stores/runner-up-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import type { Span } from '../../src/link/protocol/index.ts';
import type { Seat } from './beside.ts';
import { EchoMemory } from './echo-memory.ts';

export class EchoDrafter extends BlendDrafter implements Seat {
  private readonly spans: SpanStore;
  private readonly memory: EchoMemory;
  private readonly runnersUp: RunnerUpStore | null;

  /** @param said what a network said, as one store more; `memory` must count it */
  constructor(memory = new EchoMemory(), said: ModelStore | null = null) {
    const spans = new SpanStore();
    const session = new SessionStore();
    const recycling = memory.recycled ? [new RecyclingStore(memory.recycled)] : [];
    const runnersUp = memory.recycled && memory.runnersUp ? new RunnerUpStore() : null;
    const aligned = [new AlignmentStore(session), new AlignmentStore(spans)];
    const network = said ? [said] : [];
    super(
      [session, spans, ...aligned, ...recycling, ...(runnersUp ? [runnersUp] : []), ...network],
      memory.mixer,
    );
    this.runnersUp = runnersUp;
    this.spans = spans;
    this.memory = memory;
  }

  learn(spans: readonly Span[]): void {
    this.spans.learn(spans);
  }

  get recycles(): boolean {
    return this.memory.recycled !== null;
  }

  observe(token: number, successors: Int32Array, last: boolean): void {
    this.memory.recycled?.observe(token, successors);
    if (last) this.runnersUp?.observe(successors);
  }

  /** Nothing of a turn outlives it but what its memory holds. */
  end(): void {}
}
