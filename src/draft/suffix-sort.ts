/**
 * Sorts the suffixes of a token text by their first `SORTED_DEPTH` tokens, in
 * slices, so that a caller with a deadline (an alarm, an event loop) can go on
 * later.
 *
 * A counting sort on the first token, then most-significant-first: at each depth
 * a range is sorted by its next token alone, read once into a packed key, and
 * every run of equal keys goes one deeper. O(n log n) for natural text, whose
 * suffixes differ after a few tokens; O(SORTED_DEPTH · n log n) for copies of one
 * document. A plain suffix array of unbounded depth would order the copies too,
 * which nothing here can see.
 */

/** Tokens that two suffixes are compared by: a context, and the longest draft after it. */
const SORTED_DEPTH = 64;
/** Ends a document; sorts first. What comes after it is another document and not compared. */
export const SEPARATOR = 0;

/** Below this many suffixes, comparing directly beats packing keys. */
const FEW = 16;
/** Positions stay below 2^26 and tokens below 2^24, so that both fit a double exactly. */
const POSITION_RANGE = 2 ** 26;

/** A text of tokens below 2^24, in two planes: zero-copy views at two or three bytes a token. */
export interface PlanarText {
  readonly length: number;
  readonly low: Uint16Array;
  /** Bits 16 to 23, absent where every token fits 16. */
  readonly high: Uint8Array | null;
}

export function symbolAt({ low, high }: PlanarText, position: number): number {
  return high === null ? low[position]! : low[position]! | (high[position]! << 16);
}

export class SuffixSort {
  /** Positions by rising suffix, once `done`. */
  readonly order: Int32Array;
  private readonly text: PlanarText;
  private readonly keys: Float64Array;
  /** Ranges left to sort: first, last + 1, depth. */
  private readonly stack: number[] = [];
  private settled = 0;

  /** `order` receives the result: one entry a token of `text`. */
  constructor(text: PlanarText, order: Int32Array) {
    this.text = text;
    this.order = order;
    this.keys = new Float64Array(text.length);
    this.bucketByFirst();
  }

  get done(): boolean {
    return this.stack.length === 0;
  }

  /** Share of the suffixes in their final place. */
  get progress(): number {
    return this.done ? 1 : this.settled / this.order.length;
  }

  /** Sorts on until about `work` suffixes have been placed or moved; returns `done`. */
  step(work: number): boolean {
    while (work > 0 && this.stack.length > 0) {
      const depth = this.stack.pop()!;
      const end = this.stack.pop()!;
      const start = this.stack.pop()!;
      work -= end - start;
      if (end - start <= FEW) this.insertionSort(start, end, depth);
      else this.sortByNext(start, end, depth);
    }
    return this.done;
  }

  private bucketByFirst(): void {
    const { text, order, stack } = this;
    let highest = 0;
    for (let i = 0; i < text.length; i++) highest = Math.max(highest, symbolAt(text, i));
    const starts = new Int32Array(highest + 2);
    for (let i = 0; i < text.length; i++) starts[symbolAt(text, i) + 1]!++;
    for (let s = 0; s <= highest; s++) starts[s + 1]! += starts[s]!;
    const ends = starts.slice();
    for (let i = 0; i < text.length; i++) order[ends[symbolAt(text, i)]!++] = i;
    for (let s = highest; s >= 0; s--) this.push(stack, starts[s]!, starts[s + 1]!, 1);
  }

  private push(stack: number[], start: number, end: number, depth: number): void {
    if (end - start > 1 && depth < SORTED_DEPTH) stack.push(start, end, depth);
    else this.settled += end - start;
  }

  /** Orders a range by the token at `depth`; ties by position. Runs that may still differ are pushed. */
  private sortByNext(start: number, end: number, depth: number): void {
    const { order } = this;
    const keys = this.keys.subarray(start, end);
    for (let i = 0; i < keys.length; i++) {
      const position = order[start + i]!;
      keys[i] = this.next(position, depth) * POSITION_RANGE + position;
    }
    keys.sort();
    let runStart = 0;
    let runSymbol = -1;
    for (let i = 0; i <= keys.length; i++) {
      const symbol = i < keys.length ? Math.floor(keys[i]! / POSITION_RANGE) : -2;
      if (symbol !== runSymbol) {
        const deeper = runSymbol === SEPARATOR ? SORTED_DEPTH : depth + 1;
        if (i > runStart) this.push(this.stack, start + runStart, start + i, deeper);
        runStart = i;
        runSymbol = symbol;
      }
      if (i < keys.length) order[start + i] = keys[i]! - symbol * POSITION_RANGE;
    }
  }

  private insertionSort(start: number, end: number, depth: number): void {
    const { order } = this;
    for (let i = start + 1; i < end; i++) {
      const position = order[i]!;
      let at = i;
      while (at > start && this.compare(order[at - 1]!, position, depth) > 0) {
        order[at] = order[at - 1]!;
        at--;
      }
      order[at] = position;
    }
    this.settled += end - start;
  }

  private compare(a: number, b: number, depth: number): number {
    for (; depth < SORTED_DEPTH; depth++) {
      const symbol = this.next(a, depth);
      const difference = symbol - this.next(b, depth);
      if (difference !== 0) return difference;
      if (symbol === SEPARATOR) break;
    }
    return a - b;
  }

  private next(position: number, depth: number): number {
    const at = position + depth;
    return at < this.text.length ? symbolAt(this.text, at) : SEPARATOR;
  }
}
