/**
 * The candidates that a tree may grow by next, best path probability first: a
 * binary max-heap over flat arrays, O(log size) an operation, nothing allocated
 * after construction.
 */
import type { Source } from './source.ts';

export class Frontier {
  size = 0;
  /** Fields of the candidate popped last. */
  prob = 0;
  token = 0;
  /** Whatever the caller numbers its parents by. */
  parent = 0;
  source: Source = 0;
  private readonly capacity: number;
  private readonly probs: Float32Array;
  private readonly tokens: Int32Array;
  private readonly parents: Int32Array;
  private readonly sources: Uint8Array;
  private readonly heap: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.probs = new Float32Array(capacity);
    this.tokens = new Int32Array(capacity);
    this.parents = new Int32Array(capacity);
    this.sources = new Uint8Array(capacity);
    // Heap slots are recycled through the tail of the same permutation.
    this.heap = Int32Array.from({ length: capacity }, (_, i) => i);
  }

  clear(): void {
    this.size = 0;
  }

  /** Drops the candidate when full: whoever sizes the heap knows how many can matter. */
  push(prob: number, token: number, parent: number, source: Source): void {
    if (this.size === this.capacity) return;
    const { heap, probs } = this;
    let at = this.size++;
    const entry = heap[at]!;
    probs[entry] = prob;
    this.tokens[entry] = token;
    this.parents[entry] = parent;
    this.sources[entry] = source;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!(probs[heap[above]!]! < prob)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  /** Takes the best candidate into the fields above; false when there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const { heap, probs } = this;
    const best = heap[0]!;
    this.prob = probs[best]!;
    this.token = this.tokens[best]!;
    this.parent = this.parents[best]!;
    this.source = this.sources[best] as Source;
    const size = --this.size;
    const moved = heap[size]!;
    heap[size] = best;
    if (size > 0) {
      let at = 0;
      for (let below = 1; below < size; below = 2 * at + 1) {
        if (below + 1 < size && probs[heap[below + 1]!]! > probs[heap[below]!]!) below++;
        if (!(probs[heap[below]!]! > probs[moved]!)) break;
        heap[at] = heap[below]!;
        at = below;
      }
      heap[at] = moved;
    }
    return true;
  }
}
