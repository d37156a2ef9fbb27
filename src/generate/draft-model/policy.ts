/** How the draft model takes part in a turn. */
import type { BlendDrafter } from '../../draft/blend/blend.ts';
import type { ModelStore } from '../../draft/stores/model-store.ts';
import { STORES_WITH_MODEL } from '../../memory/objects/mixer-weights.ts';
import { passingMixer } from '../../memory/turn/shared-mixer.ts';
import {
  type RememberedDrafter,
  rememberedDrafter,
  TurnDrafter,
} from '../../memory/turn/turn-drafter.ts';

export interface DraftModelPolicy {
  /** Whether it takes part, and continues, where it does not pay. */
  staysUnpaid: boolean;
  /** Whether it ranks candidates with the noise that the verifier draws with. */
  sharesNoise: boolean;
  /** The drafter over what the model says: with the turn's other stores, or alone. */
  drafterOver(store: ModelStore, turn: PolicyTurn): PlannedDrafter;
}

/** What drafts in the worker for a turn. */
export interface PlannedDrafter {
  drafter: BlendDrafter;
  /** The same drafter as memory feeds it; null where it drafts from no store. */
  remembered: RememberedDrafter | null;
}

interface PolicyTurn {
  /** Derived on the server. */
  namespace: string;
  /** Whether what the turn teaches the mixer is kept beyond the isolate. */
  memory: boolean;
}

/** A drafter that memory feeds. */
export function fedByMemory(remembered: RememberedDrafter): PlannedDrafter {
  return { drafter: remembered.drafter, remembered };
}

/** The default: with all stores and the verifier's noise, as long as it saves more than it costs. */
export const WHILE_IT_PAYS: DraftModelPolicy = {
  staysUnpaid: false,
  sharesNoise: true,
  drafterOver(store, { namespace, memory }) {
    if (memory) return fedByMemory(rememberedDrafter(namespace, store));
    const mixer = passingMixer(namespace, 'model', STORES_WITH_MODEL);
    return fedByMemory({ drafter: new TurnDrafter(mixer, store), mixer: null });
  },
};
