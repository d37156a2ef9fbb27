/**
 * Byte-pair merging (Sennrich et al. 2016): of all neighbours that may merge those of
 * the lowest rank do, the leftmost first, until none may. The library does it over
 * strings and takes up to 30 µs a symbol; here ids are merged in typed arrays, for less
 * than one, so that a word of a million letters costs about what as much prose costs. Pure.
 */
import { type Merges, NO_MERGE } from './merges.ts';

/** A heap entry is rank · 2^32 + position, exact below 2^53: the order of merging in one number. */
const POSITIONS = 2 ** 32;
/** Entries of the heap between two slices: some milliseconds. */
const SLICE = 16_384;
/** In `ranks`, of a position where no token begins any more. */
const MERGED = -2;

export class BytePairMerger {
  private readonly merges: Merges;
  /** Of the word at hand, by position; they grow with the longest word, and are used again. */
  private ids = new Int32Array(0);
  private previous = new Int32Array(0);
  private next = new Int32Array(0);
  /** Of each token's merge with the next one. */
  private ranks = new Int32Array(0);
  private heap = new Float64Array(0);
  private heapSize = 0;

  constructor(merges: Merges) {
    this.merges = merges;
  }

  /**
   * The tokens of a word. O(n log n) for n symbols, and less where it falls apart: no
   * merge reaches across two symbols that no token has side by side. One word at a time:
   * between slices the merger is in use.
   *
   * @param symbols ids of single symbols; below 0 what the vocabulary lacks, which stays
   * @param push is given the tokens' ids in order
   */
  *merge(symbols: Int32Array, push: (id: number) => void): Generator<undefined, void> {
    for (let from = 0, to = 1; from < symbols.length; from = to++) {
      while (to < symbols.length && this.merges.mayJoin(symbols[to - 1]!, symbols[to]!)) to++;
      if (to === from + 1) push(symbols[from]!);
      else yield* this.mergePiece(symbols.subarray(from, to), push);
    }
  }

  private *mergePiece(symbols: Int32Array, push: (id: number) => void) {
    const { length } = symbols;
    yield* this.begin(symbols);
    for (let entries = 1; this.heapSize > 0; entries++) {
      if (entries % SLICE === 0) yield;
      const entry = this.pop();
      const rank = Math.floor(entry / POSITIONS);
      const at = entry - rank * POSITIONS;
      // Entries outlive the tokens that they were made of.
      if (this.ranks[at] !== rank) continue;
      const merged = this.next[at]!;
      const behind = this.next[merged]!;
      this.ids[at] = this.merges.product[rank]!;
      this.ranks[merged] = MERGED;
      this.next[at] = behind;
      if (behind < length) this.previous[behind] = at;
      this.rate(at, length);
      if (at > 0) this.rate(this.previous[at]!, length);
    }
    for (let at = 0; at < length; at = this.next[at]!) push(this.ids[at]!);
  }

  private *begin(symbols: Int32Array): Generator<undefined, void> {
    const { length } = symbols;
    if (this.ids.length < length) {
      this.ids = new Int32Array(2 * length);
      this.previous = new Int32Array(2 * length);
      this.next = new Int32Array(2 * length);
      this.ranks = new Int32Array(2 * length);
    }
    this.ids.set(symbols);
    for (let at = 0; at < length; at++) {
      this.previous[at] = at - 1;
      this.next[at] = at + 1;
    }
    for (let at = 0; at < length; at++) {
      this.rate(at, length);
      if (at % SLICE === SLICE - 1) yield;
    }
  }

  /** Looks up the merge of the token at `at` with the next one. */
  private rate(at: number, length: number): void {
    const next = this.next[at]!;
    const rank = next < length ? this.merges.rankOf(this.ids[at]!, this.ids[next]!) : NO_MERGE;
    this.ranks[at] = rank;
    if (rank !== NO_MERGE) this.push(rank * POSITIONS + at);
  }

  private push(entry: number): void {
    if (this.heapSize === this.heap.length) {
      const grown = new Float64Array(2 * this.heap.length + 64);
      grown.set(this.heap);
      this.heap = grown;
    }
    let at = this.heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent]! <= entry) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = entry;
  }

  private pop(): number {
    const lowest = this.heap[0]!;
    const entry = this.heap[--this.heapSize]!;
    let at = 0;
    for (let child = 1; child < this.heapSize; child = 2 * at + 1) {
      if (child + 1 < this.heapSize && this.heap[child + 1]! < this.heap[child]!) child++;
      if (this.heap[child]! >= entry) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = entry;
    return lowest;
  }
}
