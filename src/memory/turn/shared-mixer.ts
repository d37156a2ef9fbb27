/** Mixers of this isolate, by namespace: they hold trust, no text, so simultaneous turns share them. */
import { Mixer } from '../../draft/blend/mixer.ts';
import { Lru } from '../../draft/lru.ts';
import type { MixerChanges, MixerState } from '../../store/objects/memory.ts';
import { applyChanges, changesBetween, freshState } from '../objects/mixer-weights.ts';

/** Mixers that an isolate holds, at about 500 kB each; the one used longest ago goes first. */
const MAX_MIXERS = 32;
/** Then what other isolates learned is fetched too. */
const FRESH_MS = 5 * 60_000;

/** A mixer that the namespace's object keeps beyond this isolate. */
export class SharedMixer {
  readonly stores: number;
  readonly mixer: Mixer;
  /** What the object knows, as far as this isolate does. */
  private known: MixerState;
  private fetchedAt = Number.NEGATIVE_INFINITY;

  constructor(stores: number) {
    this.stores = stores;
    this.mixer = new Mixer(stores);
    this.known = freshState(stores);
  }

  /** A mixer of one's own that begins with what this one knows, and teaches it nothing. */
  copy(): Mixer {
    const mixer = new Mixer(this.stores);
    mixer.weights.set(this.mixer.weights);
    mixer.energy.set(this.mixer.energy);
    return mixer;
  }

  wantsState(now: number): boolean {
    return now - this.fetchedAt > FRESH_MS;
  }

  /** Takes over what is kept; what was learned here and not sent yet stays on top. */
  receive(state: MixerState, now: number): void {
    this.fetchedAt = now;
    if (state.weights.length !== this.mixer.weights.length) return;
    const ours = changesBetween(this.known, this.mixer, this.stores);
    this.mixer.weights.set(state.weights);
    this.mixer.energy.set(state.energy);
    this.known = state;
    applyChanges(this.mixer, ours);
  }

  /**
   * What was learned since the last time. If it then fails to arrive it is lost
   * to others and stays here until the next `receive`: a few answers' worth.
   */
  takeChanges(): MixerChanges {
    const changes = changesBetween(this.known, this.mixer, this.stores);
    this.known.weights.set(this.mixer.weights);
    this.known.energy.set(this.mixer.energy);
    return changes;
  }
}

const kept = new Lru<SharedMixer>(MAX_MIXERS);
const passing = new Lru<Mixer>(MAX_MIXERS);

/** @param namespace derived on the server */
export function keptMixer(namespace: string, stores: number): SharedMixer {
  return kept.of(`${namespace} ${stores}`, () => new SharedMixer(stores));
}

/** Of turns that leave nothing behind and of comparisons: it lasts as long as the isolate. */
export function passingMixer(namespace: string, use: string, stores: number): Mixer {
  return passing.of(`${namespace} ${use} ${stores}`, () => new Mixer(stores));
}
