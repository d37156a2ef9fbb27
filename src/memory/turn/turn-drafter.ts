/**
 * The worker's drafter: over the session's own text and what was fetched for the
 * turn from elsewhere. What it learns of whom to trust outlives the turn through
 * its mixer.
 */

import { BlendDrafter } from '../../draft/blend/blend.ts';
import { Mixer } from '../../draft/blend/mixer.ts';
import { AlignmentStore } from '../../draft/stores/alignment-store.ts';
import type { ModelStore } from '../../draft/stores/model-store.ts';
import { SessionStore } from '../../draft/stores/session-store.ts';
import { type Span, SpanStore } from '../../draft/stores/span-store.ts';
import { STORES_WITH_MODEL, WORKER_STORES } from '../objects/mixer-weights.ts';
import { keptMixer, type SharedMixer } from './shared-mixer.ts';

/** A next token as likely as this needs no more evidence. */
const SURE = 0.5;

export class TurnDrafter extends BlendDrafter {
  private readonly fetched: SpanStore;
  private unsure: () => void = () => {};

  /** @param model what the draft model says, where it does; the mixer then weighs one store more */
  constructor(mixer = new Mixer(WORKER_STORES), model: ModelStore | null = null) {
    const fetched = new SpanStore();
    const session = new SessionStore();
    const aligned = [new AlignmentStore(session), new AlignmentStore(fetched)];
    super([session, fetched, ...aligned, ...(model ? [model] : [])], mixer);
    this.fetched = fetched;
  }

  /** The last tokens of the answer; its start included while it is so short. */
  get tail(): Int32Array {
    return this.fetched.tail;
  }

  /** Calls back after every draft that has no idea what comes next, while more to draft from might help. */
  onUnsure(callback: () => void): void {
    this.unsure = callback;
  }

  /** Takes in what was fetched, at any time of the turn once it has begun. */
  learn(runs: readonly Span[]): void {
    this.fetched.learn(runs);
  }

  override draft(...[tree, budget, least]: Parameters<BlendDrafter['draft']>): void {
    const first = tree.size;
    super.draft(tree, budget, least);
    // Nodes are added best first.
    const likeliest = tree.size > first ? tree.probs[first]! : 0;
    if (likeliest < SURE && !this.fetched.isFull) this.unsure();
  }
}

/** A drafter, and the mixer through which what it learns outlives the turn. */
export interface RememberedDrafter {
  drafter: TurnDrafter;
  /** null where nothing is kept, as in comparisons. */
  mixer: SharedMixer | null;
}

/** @param model what the draft model says, where it takes part */
export function rememberedDrafter(namespace: string, model: ModelStore | null): RememberedDrafter {
  const mixer = keptMixer(namespace, model ? STORES_WITH_MODEL : WORKER_STORES);
  return { drafter: new TurnDrafter(mixer.mixer, model), mixer };
}
