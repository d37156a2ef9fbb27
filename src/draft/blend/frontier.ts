/**
 * The candidates that a tree may grow by next, kept sorted, never more than can
 * still enter the tree. Knowing the worst that can enter (`floor`) saves most
 * expansions: a node whose path is less probable than that needs no children.
 * Insertion moves O(size) two-byte entries; nothing is allocated.
 */
import { MAX_TREE_NODES } from '../tree/tree.ts';

export class Frontier {
  /** Fields of the candidate popped last. */
  prob = 0;
  token = 0;
  /** Whatever the caller numbers its parents by. */
  parent = 0;
  source = 0;
  private readonly probs = new Float64Array(MAX_TREE_NODES + 1);
  private readonly tokens = new Int32Array(MAX_TREE_NODES + 1);
  private readonly parents = new Int32Array(MAX_TREE_NODES + 1);
  private readonly sources = new Uint8Array(MAX_TREE_NODES + 1);
  /** Entry numbers by rising probability, from `bottom` to before `top`; unused ones above. */
  private readonly sorted = new Int16Array(MAX_TREE_NODES + 1);
  private size = 0;
  private room = 0;

  /** Empties the frontier; `room` more candidates can enter the tree. */
  clear(room: number): void {
    this.size = 0;
    this.room = Math.max(0, Math.min(room, MAX_TREE_NODES));
    for (let i = 0; i <= this.room; i++) this.sorted[i] = i;
  }

  /** Probability that a candidate has to exceed to be kept. */
  get floor(): number {
    return this.size < this.room ? 0 : this.room === 0 ? 1 : this.probs[this.sorted[0]!]!;
  }

  push(prob: number, token: number, parent: number, source: number): void {
    const { sorted, probs } = this;
    let entry: number;
    if (this.size >= this.room) {
      if (prob <= this.floor) return;
      entry = sorted[0]!;
      let low = 0;
      for (let high = this.size; high - low > 1; ) {
        const mid = (low + high) >> 1;
        if (probs[sorted[mid]!]! < prob) low = mid;
        else high = mid;
      }
      sorted.copyWithin(0, 1, low + 1);
      sorted[low] = entry;
    } else {
      entry = sorted[this.size]!;
      let low = 0;
      for (let high = this.size; low < high; ) {
        const mid = (low + high) >> 1;
        if (probs[sorted[mid]!]! < prob) low = mid + 1;
        else high = mid;
      }
      sorted.copyWithin(low + 1, low, this.size);
      sorted[low] = entry;
      this.size++;
    }
    probs[entry] = prob;
    this.tokens[entry] = token;
    this.parents[entry] = parent;
    this.sources[entry] = source;
  }

  /** Takes the best candidate into the fields above, as one that enters the tree; false when there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const best = this.sorted[--this.size]!;
    this.prob = this.probs[best]!;
    this.token = this.tokens[best]!;
    this.parent = this.parents[best]!;
    this.source = this.sources[best]!;
    this.room--;
    return true;
  }

  /** The popped candidate was in the tree already, so another one may enter. */
  refund(): void {
    this.room++;
  }

  /** Throws unless entries are distinct, sorted, and no more than can enter. For tests; O(size). */
  checkIntegrity(): void {
    if (this.size > this.room) throw new Error(`${this.size} candidates for ${this.room} places`);
    const seen = new Set<number>();
    for (let i = 0; i < this.size; i++) {
      const entry = this.sorted[i]!;
      if (seen.has(entry)) throw new Error(`entry ${entry} stands twice`);
      seen.add(entry);
      if (i > 0 && this.probs[this.sorted[i - 1]!]! > this.probs[entry]!) {
        throw new Error(`entry ${entry} is less probable than the one before it`);
      }
    }
  }
}
