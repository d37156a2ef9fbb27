/**
 * The drafter beside the engine: the same core as the worker's, over what the
 * session holds here anyway (prompt and answer) and what the worker shipped.
 */

import { BlendDrafter } from '../../src/draft/blend/blend.ts';
import { Mixer } from '../../src/draft/blend/mixer.ts';
import type { Drafter } from '../../src/draft/drafter.ts';
import { Lru } from '../../src/draft/lru.ts';
import { AlignmentStore } from '../../src/draft/stores/alignment-store.ts';
import { SessionStore } from '../../src/draft/stores/session-store.ts';
import { SpanStore } from '../../src/draft/stores/span-store.ts';
import type { Span } from '../../src/link/protocol/index.ts';

export interface Echo extends Drafter {
  /** Takes in what the worker shipped, at any time of the turn. */
  learn(spans: readonly Span[]): void;
}

/** Stores that an echo mixes: the session's, the spans, and where the answer is aligned in each. */
const STORES = 4;

export class EchoDrafter extends BlendDrafter implements Echo {
  private readonly spans: SpanStore;

  /** Turns of one tenant share a mixer: it learns how far to trust which evidence, never any text. */
  constructor(mixer = new Mixer(STORES)) {
    const spans = new SpanStore();
    const session = new SessionStore();
    super([session, spans, new AlignmentStore(session), new AlignmentStore(spans)], mixer);
    this.spans = spans;
  }

  learn(spans: readonly Span[]): void {
    this.spans.learn(spans);
  }
}

/** Namespaces whose mixers are kept, at about 100 kB each. */
export const MAX_MIXERS = 256;

/** One mixer a namespace; the one used longest ago is forgotten first. */
export class Trust {
  private readonly mixers = new Lru<Mixer>(MAX_MIXERS);

  get size(): number {
    return this.mixers.size;
  }

  of(namespace: string): Mixer {
    return this.mixers.of(namespace, () => new Mixer(STORES));
  }
}
