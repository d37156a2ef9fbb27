/**
 * The drafter beside the engine: the same core as the worker's, over what the
 * session holds here anyway (prompt and answer), what the worker shipped, and the
 * successors that the target's own logits named.
 */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import type { EvidenceStore } from '../../src/draft/blend/evidence.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import type { ModelStore } from '../../src/draft/stores/model-store.ts';
import { RecyclingStore } from '../../src/draft/stores/recycling-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import type { Span } from '../../src/link/protocol/index.ts';
import { EchoMemory } from './echo-memory.ts';
import type { Seat } from './local-drafters.ts';
import type { NetworkedTurn } from './network.ts';

export class EchoDrafter extends BlendDrafter implements Seat {
  private readonly spans: SpanStore;
  private readonly memory: EchoMemory;
  readonly networked: NetworkedTurn | null = null;

  /** @param said what a network said, as one store more */
  constructor(memory = new EchoMemory(), said?: ModelStore) {
    const spans = new SpanStore();
    const session = new SessionStore();
    const { recycled } = memory;
    const stores: EvidenceStore[] = [session, spans];
    stores.push(new AlignmentStore(session), new AlignmentStore(spans));
    if (recycled) stores.push(new RecyclingStore(recycled));
    if (said) stores.push(said);
    super(stores, said ? memory.networkedMixer : memory.echoMixer);
    this.spans = spans;
    this.memory = memory;
  }

  learn(spans: readonly Span[]): void {
    this.spans.learn(spans);
  }

  get recycles(): boolean {
    return this.memory.recycled !== null;
  }

  observe(token: number, successors: Int32Array): void {
    this.memory.recycled?.observe(token, successors);
  }

  /** Nothing of a turn outlives it but what its memory holds. */
  end(): void {}
}
