/**
 * What the mixer has learned of whom to trust, per tenant and model, kept beyond
 * a turn. Isolates learn at the same time; each sends what changed since it last
 * did, and changes add up: AdaGrad's energies are sums anyway, and weights that
 * were moved by several move by the sum, as in asynchronous gradient descent.
 */
import { Mixer } from '../../draft/mixer.ts';

/** Stores that the worker's mixer weighs: the session, what was fetched, the recycled, alignments in the first two. */
export const WORKER_STORES = 5;

/** Weights and energies of a mixer, whole. */
export interface MixerState {
  weights: Float32Array;
  energy: Float32Array;
}

/** What was added to some of them. */
export interface MixerChanges {
  /** Of the mixer's layout: another one's changes mean nothing. */
  size: number;
  at: Uint32Array;
  weights: Float32Array;
  energy: Float32Array;
}

export function freshState(): MixerState {
  const { weights, energy } = new Mixer(WORKER_STORES);
  return { weights, energy };
}

/** What `to` has more than `from`. O(size). */
export function changesBetween(from: MixerState, to: MixerState): MixerChanges {
  const at: number[] = [];
  for (let i = 0; i < to.weights.length; i++) {
    if (to.energy[i] !== from.energy[i] || to.weights[i] !== from.weights[i]) at.push(i);
  }
  return {
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

/** Mixers that an isolate keeps, at about 200 kB each; the one used longest ago goes first. */
const MAX_MIXERS = 32;
/** Then what other isolates learned is fetched too. */
const FRESH_MS = 5 * 60_000;

/** A namespace's mixer in this isolate: turns that go on at the same time share it. */
export class SharedMixer {
  readonly mixer = new Mixer(WORKER_STORES);
  /** What the object knows, as far as this isolate does. */
  private known = freshState();
  private fetchedAt = Number.NEGATIVE_INFINITY;

  wantsState(now: number): boolean {
    return now - this.fetchedAt > FRESH_MS;
  }

  /** Takes over what is kept; what was learned here and not sent yet stays on top. */
  receive(state: MixerState, now: number): void {
    this.fetchedAt = now;
    if (state.weights.length !== this.mixer.weights.length) return;
    const ours = changesBetween(this.known, this.mixer);
    this.mixer.weights.set(state.weights);
    this.mixer.energy.set(state.energy);
    this.known = state;
    applyChanges(this.mixer, ours);
  }

  /** What was learned since the last time. */
  takeChanges(): MixerChanges {
    const changes = changesBetween(this.known, this.mixer);
    this.known.weights.set(this.mixer.weights);
    this.known.energy.set(this.mixer.energy);
    return changes;
  }
}

/** Holds no text and no promises: requests may share it. */
const mixers = new Map<string, SharedMixer>();

/** @param namespace derived on the server */
export function sharedMixer(namespace: string): SharedMixer {
  const mixer = mixers.get(namespace) ?? new SharedMixer();
  mixers.delete(namespace);
  mixers.set(namespace, mixer);
  for (const oldest of mixers.keys()) {
    if (mixers.size <= MAX_MIXERS) break;
    mixers.delete(oldest);
  }
  return mixer;
}
