/**
 * What the mixer has learned of whom to trust, per tenant and model, kept beyond
 * a turn. Isolates learn at the same time; each sends what changed since it last
 * did, and changes add up: AdaGrad's energies are sums anyway, and weights that
 * were moved by several move by the sum, as in asynchronous gradient descent.
 */

import { Mixer } from '../../draft/blend/mixer.ts';
import type { MixerChanges, MixerState } from '../../store/objects/memory.ts';

/** Stores that the worker's mixer weighs: the session, what was fetched, alignments in both. */
export const WORKER_STORES = 4;
/** With the draft model's word as one more. */
export const STORES_WITH_MODEL = WORKER_STORES + 1;
/** Mixers that are kept, by how many stores they weigh: the two that a turn has by default. */
export const KEPT_LAYOUTS: readonly number[] = [WORKER_STORES, STORES_WITH_MODEL];

export function freshState(stores = WORKER_STORES): MixerState {
  const { weights, energy } = new Mixer(stores);
  return { weights, energy };
}

/** What `to` has more than `from`. O(size). */
export function changesBetween(
  from: MixerState,
  to: MixerState,
  stores = WORKER_STORES,
): MixerChanges {
  const at: number[] = [];
  for (let i = 0; i < to.weights.length; i++) {
    if (to.energy[i] !== from.energy[i] || to.weights[i] !== from.weights[i]) at.push(i);
  }
  return {
    stores,
    size: to.weights.length,
    at: Uint32Array.from(at),
    weights: Float32Array.from(at, (i) => to.weights[i]! - from.weights[i]!),
    energy: Float32Array.from(at, (i) => to.energy[i]! - from.energy[i]!),
  };
}

/** Adds changes; those of another layout, and what is no number, are left out. */
export function applyChanges(state: MixerState, changes: MixerChanges): void {
  if (changes.size !== state.weights.length) return;
  changes.at.forEach((i, k) => {
    const weight = state.weights[i]! + changes.weights[k]!;
    const energy = state.energy[i]! + changes.energy[k]!;
    if (!Number.isFinite(weight) || !(energy > 0)) return;
    state.weights[i] = weight;
    state.energy[i] = energy;
  });
}
