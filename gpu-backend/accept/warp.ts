/**
 * What the target's logits become before a token is drawn: temperature, then
 * top-k, top-p, then min-p, in the order of transformers' warpers.
 */
import { nextFrom } from '../logits/largest.ts';
import { quickExp } from '../logits/quick-exp.ts';

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
   * that could survive. `peaks`: the largest of each block of `logits`, where they are known.
   */
  select(logits: Float32Array, max: number, warp: Warp, peaks?: Float32Array): Int32Array {
    const { topK, topP, temperature } = warp;
    const reach = this.reach(logits, max, warp, peaks);
    const byMinP = minReach(warp);
    if (topP >= 1) {
      const likely = this.sorted(logits, this.above(logits, max - Math.min(reach, byMinP), peaks));
      return topK > 0 ? likely.subarray(0, topK) : likely;
    }
    const row = { logits, max, temperature };
    const floor = max - byMinP;
    if (topK > 0) {
      // Top-p runs over what top-k left, renormalised.
      const likely = this.sorted(logits, this.above(logits, max - reach, peaks)).subarray(0, topK);
      return this.nucleus(row, likely, topP * massOf(row, likely), floor) ?? likely;
    }
    const enough = topP * wholeMass(row);
    // Most often a few tokens are enough: the others need not be sorted.
    for (let near = FIRST_REACH * temperature; ; near *= 2) {
      const found = this.above(logits, max - Math.min(near, reach), peaks);
      const isAll = near >= reach;
      if (!isAll && massOf(row, found) < enough) continue;
      const likely = this.sorted(logits, found);
      const nucleus = this.nucleus(row, likely, enough, floor);
      if (nucleus) return nucleus;
      if (isAll) return likely.subarray(0, this.aboveFloor(likely, logits, floor));
    }
  }

  /** Tokens from `cut` on, by id. */
  private above(logits: Float32Array, cut: number, peaks?: Float32Array): Int32Array {
    let count = 0;
    for (
      let id = nextFrom(logits, 0, cut, peaks);
      id >= 0;
      id = nextFrom(logits, id + 1, cut, peaks)
    ) {
      this.ids[count++] = id;
    }
    return this.ids.subarray(0, count);
  }

  /** The same ids, likeliest first, ties by id. */
  private sorted(logits: Float32Array, ids: Int32Array): Int32Array {
    return ids.sort((a, b) => logits[b]! - logits[a]! || a - b);
  }

  /** The likeliest that reach the mass `enough`, those below `floor` left out; one at least. null where all together don't. */
  private nucleus(
    { logits, max, temperature }: Row,
    likely: Int32Array,
    enough: number,
    floor: number,
  ): Int32Array | null {
    let count = 0;
    for (let reached = 0; reached < enough; ) {
      if (count === likely.length) return null;
      reached += Math.exp((logits[likely[count++]!]! - max) / temperature);
    }
    const kept = likely.subarray(0, Math.max(1, count));
    return kept.subarray(0, this.aboveFloor(kept, logits, floor));
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

/** A row of logits, the largest of them, and what they are divided by. */
interface Row {
  logits: Float32Array;
  max: number;
  temperature: number;
}

/** Of some tokens, where that of the likeliest is 1. */
function massOf({ logits, max, temperature }: Row, ids: Int32Array): number {
  let mass = 0;
  for (let i = 0; i < ids.length; i++) mass += Math.exp((logits[ids[i]!]! - max) / temperature);
  return mass;
}

/** Of all tokens. */
function wholeMass({ logits, max, temperature }: Row): number {
  let mass = 0;
  for (let id = 0; id < logits.length; id++) mass += quickExp((logits[id]! - max) / temperature);
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
