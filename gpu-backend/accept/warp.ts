/**
 * What the target's logits become before a token is drawn: temperature, then
 * top-k, top-p, then min-p, in the order of transformers' warpers.
 */
import { nextFrom } from '../logits/largest.ts';
import { share } from '../logits/share.ts';

export interface Warp {
  /** 0 is greedy: the other two then change nothing. */
  temperature: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  topK: number;
  /** Keep the smallest set of most likely tokens whose probability reaches this; 1 keeps all. */
  topP: number;
  /** Keep tokens at least this share as likely as the likeliest; 0, or absent, keeps all. */
  minP?: number;
}

/** How far below the likeliest a nucleus is sought first, in temperatures. */
const FIRST_REACH = 4;

/**
 * Tokens that survive top-k, top-p and min-p, most likely first (ties by id).
 * Reused buffers: one instance a verifier, not one a token.
 */
export class Nucleus {
  private readonly ids: Int32Array;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
  }

  /**
   * A view of the surviving ids, valid until the next call. O(V + c log c), c candidates
   * above the cut. `peaks`: the largest of each block of `logits`, where they are known.
   */
  select(logits: Float32Array, max: number, warp: Warp, peaks?: Float32Array): Int32Array {
    const { topK, topP, temperature } = warp;
    const reach = this.reach(logits, max, warp, peaks);
    const floor = max - minReach(warp);
    if (topP >= 1 || topK > 0) {
      const candidates = this.candidates(logits, max - reach, peaks);
      const kept = candidates.subarray(0, topK > 0 ? topK : undefined);
      // Top-p runs over what top-k left, renormalised.
      const mass = topP < 1 ? massOf(kept, logits, max, temperature) : Infinity;
      const count = this.enough(kept, logits, max, topP * mass, temperature) ?? kept.length;
      return kept.subarray(0, Math.max(1, Math.min(count, this.aboveFloor(kept, logits, floor))));
    }
    const mass = wholeMass(logits, max, temperature);
    // Most often a few tokens are enough: the others need not be sorted.
    for (let near = FIRST_REACH * temperature; ; near *= 2) {
      const candidates = this.candidates(logits, max - Math.min(near, reach), peaks);
      const count = this.enough(candidates, logits, max, topP * mass, temperature);
      if (count === null && near < reach) continue;
      const kept = candidates.subarray(0, Math.max(1, count ?? candidates.length));
      return kept.subarray(0, this.aboveFloor(kept, logits, floor));
    }
  }

  /** Tokens from `cut` on, likeliest first, ties by id. */
  private candidates(logits: Float32Array, cut: number, peaks?: Float32Array): Int32Array {
    let count = 0;
    for (
      let id = nextFrom(logits, 0, cut, peaks);
      id >= 0;
      id = nextFrom(logits, id + 1, cut, peaks)
    ) {
      this.ids[count++] = id;
    }
    return this.ids.subarray(0, count).sort((a, b) => logits[b]! - logits[a]! || a - b);
  }

  /** How many of the candidates, likeliest first, reach `mass`; null where all together don't. */
  private enough(
    candidates: Int32Array,
    logits: Float32Array,
    max: number,
    mass: number,
    temperature: number,
  ): number | null {
    let reached = 0;
    for (let n = 0; n < candidates.length; n++) {
      if (reached >= mass) return n;
      reached += Math.exp((logits[candidates[n]!]! - max) / temperature);
    }
    return reached >= mass ? candidates.length : null;
  }

  /** How many of the candidates, likeliest first, are not below `floor`. */
  private aboveFloor(candidates: Int32Array, logits: Float32Array, floor: number): number {
    let count = candidates.length;
    while (count > 1 && logits[candidates[count - 1]!]! < floor) count--;
    return count;
  }

  /** How far below the maximum a logit can lie and still matter. */
  private reach(logits: Float32Array, max: number, warp: Warp, peaks?: Float32Array): number {
    // All tokens with p < (1 - topP)/V together weigh less than 1 - topP, so
    // the nucleus is full before it gets to one of them; p ≤ e^((z-max)/T).
    const byP =
      warp.topP < 1 ? warp.temperature * Math.log(logits.length / (1 - warp.topP)) : Infinity;
    if (warp.topK <= 0 || warp.topK >= logits.length) return byP;
    return Math.min(byP, max - kthLargest(logits, warp.topK, peaks));
  }
}

/** How far below the maximum min-p lets a logit lie: p(x) / p(max) is e^((z - max)/T), whatever else is cut. */
export function minReach({ minP = 0, temperature }: Warp): number {
  return minP > 0 ? -temperature * Math.log(minP) : Infinity;
}

/** Of some tokens, where that of the likeliest is 1. */
function massOf(ids: Int32Array, logits: Float32Array, max: number, temperature: number): number {
  let mass = 0;
  for (let i = 0; i < ids.length; i++) mass += Math.exp((logits[ids[i]!]! - max) / temperature);
  return mass;
}

/** Of all tokens. */
function wholeMass(logits: Float32Array, max: number, temperature: number): number {
  let mass = 0;
  for (let id = 0; id < logits.length; id++) mass += share((logits[id]! - max) / temperature);
  return mass;
}

/** The k-th largest value by a bounded min-heap: O(V log k), with peaks of at least k blocks O(V / block). */
function kthLargest(values: Float32Array, k: number, peaks?: Float32Array): number {
  // So many values at least are no smaller: the largest peaks themselves.
  const least = peaks && peaks.length >= k ? kthLargest(peaks, k) : -Infinity;
  const heap = new Float32Array(k).fill(-Infinity);
  for (
    let id = nextFrom(values, 0, least, peaks);
    id >= 0;
    id = nextFrom(values, id + 1, Math.max(least, heap[0]!), peaks)
  ) {
    const value = values[id]!;
    if (value <= heap[0]!) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= k) break;
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= value) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = value;
  }
  return heap[0]!;
}
