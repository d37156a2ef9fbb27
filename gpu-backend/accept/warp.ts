/**
 * What the target's logits become before a token is drawn: temperature, then
 * top-k, top-p, then min-p, in the order of transformers' warpers.
 */
import { nextFrom } from './largest.ts';

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

/**
 * Tokens that survive top-k, top-p and min-p, most likely first (ties by id).
 * Reused buffers: one instance a verifier, not one a token.
 */
export class Nucleus {
  private readonly ids: Int32Array;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
  }

  /** A view of the surviving ids, valid until the next call. O(V + c log c), c candidates above the cut. */
  select(logits: Float32Array, max: number, warp: Warp): Int32Array {
    const cut = max - this.reach(logits, max, warp);
    let count = 0;
    for (let id = nextFrom(logits, 0, cut); id >= 0; id = nextFrom(logits, id + 1, cut)) {
      this.ids[count++] = id;
    }
    const candidates = this.ids.subarray(0, count);
    candidates.sort((a, b) => logits[b]! - logits[a]! || a - b);
    const kept = warp.topK > 0 ? Math.min(warp.topK, count) : count;
    const likely = this.aboveFloor(candidates, logits, max - minReach(warp));
    if (warp.topP >= 1) return candidates.subarray(0, Math.min(kept, likely));

    // Top-p runs over what top-k left, renormalised.
    let mass = 0;
    if (warp.topK > 0) {
      for (let i = 0; i < kept; i++)
        mass += Math.exp((logits[candidates[i]!]! - max) / warp.temperature);
    } else {
      for (let id = 0; id < logits.length; id++)
        mass += Math.exp((logits[id]! - max) / warp.temperature);
    }
    const enough = warp.topP * mass;
    let reached = 0;
    let n = 0;
    while (n < kept && reached < enough) {
      reached += Math.exp((logits[candidates[n++]!]! - max) / warp.temperature);
    }
    return candidates.subarray(0, Math.max(1, Math.min(n, likely)));
  }

  /** How many of the candidates, likeliest first, are not below `floor`. */
  private aboveFloor(candidates: Int32Array, logits: Float32Array, floor: number): number {
    let count = candidates.length;
    while (count > 1 && logits[candidates[count - 1]!]! < floor) count--;
    return count;
  }

  /** How far below the maximum a logit can lie and still matter. */
  private reach(logits: Float32Array, max: number, warp: Warp): number {
    // All tokens with p < (1 - topP)/V together weigh less than 1 - topP, so
    // the nucleus is full before it gets to one of them; p ≤ e^((z-max)/T).
    const byP =
      warp.topP < 1 ? warp.temperature * Math.log(logits.length / (1 - warp.topP)) : Infinity;
    if (warp.topK <= 0 || warp.topK >= logits.length) return byP;
    return Math.min(byP, max - kthLargest(logits, warp.topK));
  }
}

/** How far below the maximum min-p lets a logit lie: p(x) / p(max) is e^((z - max)/T), whatever else is cut. */
export function minReach({ minP = 0, temperature }: Warp): number {
  return minP > 0 ? -temperature * Math.log(minP) : Infinity;
}

/** The k-th largest value by a bounded min-heap: O(V log k). */
function kthLargest(values: Float32Array, k: number): number {
  const heap = new Float32Array(k).fill(-Infinity);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
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
