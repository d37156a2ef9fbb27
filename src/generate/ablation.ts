/**
 * What comparisons change about drafting, so that each part's worth can be
 * measured over HTTP: `speculation.ablation`. Answers stay what they are. The
 * drafting plan is the one place that asks for them.
 */
import { BlendDrafter } from '../draft/blend/blend.ts';
import type { Mixer } from '../draft/blend/mixer.ts';
import type { ModelStore } from '../draft/stores/model-store.ts';
import { STORES_WITH_MODEL } from '../memory/objects/mixer-weights.ts';
import { passingMixer } from '../memory/turn/shared-mixer.ts';
import { TurnDrafter } from '../memory/turn/turn-drafter.ts';
import { type DraftModelPolicy, fedByMemory, WHILE_IT_PAYS } from './draft-model/policy.ts';

/**
 * `streamed`: the verifier drafts nothing beside itself and takes trees as they
 * come. `lockstep`: it waits for a tree at every step.
 */
export const TREE_ABLATIONS = ['streamed', 'lockstep'] as const;

/**
 * `always`: the draft model stays where it does not pay. `gated`: with RASD's
 * hard gate. `alone`: without any other store. `unshared`: without the verifier's
 * noise.
 */
export const DRAFT_MODEL_ABLATIONS = ['always', 'gated', 'alone', 'unshared'] as const;

export interface Ablation {
  trees?: (typeof TREE_ABLATIONS)[number] | undefined;
  draftModel?: (typeof DRAFT_MODEL_ABLATIONS)[number] | undefined;
}

/** How the draft model takes part under an ablation. */
export function draftModelPolicy({ draftModel }: Ablation): DraftModelPolicy {
  return draftModel ? POLICIES[draftModel] : WHILE_IT_PAYS;
}

/** What these teach the mixer is theirs alone, and lasts as long as the isolate. */
const POLICIES: Record<NonNullable<Ablation['draftModel']>, DraftModelPolicy> = {
  always: { ...WHILE_IT_PAYS, staysUnpaid: true },
  gated: {
    staysUnpaid: true,
    sharesNoise: true,
    drafterOver: (store, { namespace }) => {
      const mixer = passingMixer(namespace, 'gated', STORES_WITH_MODEL);
      return fedByMemory({ drafter: new GatedDrafter(mixer, store), mixer: null });
    },
  },
  alone: {
    staysUnpaid: true,
    sharesNoise: true,
    drafterOver: (store, { namespace }) => {
      const mixer = passingMixer(namespace, 'alone', 1);
      return { drafter: new BlendDrafter([store], mixer), remembered: null };
    },
  },
  unshared: {
    staysUnpaid: true,
    sharesNoise: false,
    drafterOver: (store, { namespace }) => {
      const mixer = passingMixer(namespace, 'unshared', STORES_WITH_MODEL);
      return fedByMemory({ drafter: new TurnDrafter(mixer, store), mixer: null });
    },
  },
};

/** τ: a candidate's least share of the favourite's probability. */
const THRESHOLD = 0.05;

/**
 * RASD's hard gate (2503.03434) in place of the learned blend: what the draft
 * model finds far less likely than its favourite is not drafted, whoever else
 * proposes it.
 */
class GatedDrafter extends TurnDrafter {
  private readonly model: ModelStore;

  constructor(mixer: Mixer, model: ModelStore) {
    super(mixer, model);
    this.model = model;
  }

  protected override admits(slot: number, token: number): boolean {
    return this.model.relative(slot, token) >= THRESHOLD;
  }
}
