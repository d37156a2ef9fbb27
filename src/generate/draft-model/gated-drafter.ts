/**
 * RASD's hard gate (2503.03434), as an ablation of the learned blend: what the
 * draft model finds far less likely than its favourite is not drafted, whoever
 * else proposes it.
 */
import type { Mixer } from '../../draft/blend/mixer.ts';
import type { ModelStore } from '../../draft/stores/model-store.ts';
import { TurnDrafter } from '../../memory/turn/turn-drafter.ts';

/** τ: a candidate's least share of the favourite's probability. */
const THRESHOLD = 0.05;

export class GatedDrafter extends TurnDrafter {
  private readonly model: ModelStore;

  constructor(mixer: Mixer, model: ModelStore) {
    super(mixer, model);
    this.model = model;
  }

  protected override admits(slot: number, token: number): boolean {
    return this.model.relative(slot, token) >= THRESHOLD;
  }
}
