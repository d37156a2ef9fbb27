/**
 * Adds up the probability of each token that some context has seen next. A small
 * open-addressed table, emptied in O(1) by a generation stamp.
 */
import type { Source } from './source.ts';

/** The most distinct tokens tallied at once; later ones are left out. */
export const MAX_TALLY = 1024;
const SLOTS = 4 * MAX_TALLY;

export class Tally {
  size = 0;
  readonly tokens = new Int32Array(MAX_TALLY);
  readonly probs = new Float64Array(MAX_TALLY);
  /** Source that named the token first: callers go from the longest context to shorter ones. */
  readonly sources = new Uint8Array(MAX_TALLY);
  private readonly slots = new Int32Array(SLOTS);
  private readonly stamps = new Int32Array(SLOTS);
  private generation = 0;

  clear(): void {
    this.size = 0;
    this.generation = (this.generation + 1) | 0;
    if (this.generation === 0) {
      this.stamps.fill(0);
      this.generation = 1;
    }
  }

  add(token: number, prob: number, source: Source): void {
    let slot = (Math.imul(token + 1, 0x9e3779b1) >>> 16) & (SLOTS - 1);
    for (; this.stamps[slot] === this.generation; slot = (slot + 1) & (SLOTS - 1)) {
      const entry = this.slots[slot]!;
      if (this.tokens[entry] === token) {
        this.probs[entry]! += prob;
        return;
      }
    }
    if (this.size === MAX_TALLY) return;
    const entry = this.size++;
    this.stamps[slot] = this.generation;
    this.slots[slot] = entry;
    this.tokens[entry] = token;
    this.probs[entry] = prob;
    this.sources[entry] = source;
  }
}
