/**
 * Sorts the suffixes of a token text by their first `SORTED_DEPTH` tokens, in
 * slices, so that a caller with a deadline (an alarm, an event loop) can continue
 * later.
 *
 * A counting sort on the first token, then most-significant-first: at each depth
 * a range is sorted by its next token alone, and every run of equal tokens goes
 * one deeper. A large range is sorted by counting in two digits, in pieces; a
 * small one by packed keys. One whose suffixes all continue alike, as in copies of a
 * text, is only read. O(n log n) for natural text, whose suffixes differ after a
 * few tokens; O(SORTED_DEPTH · n) for copies of one document. A plain suffix array
 * of unbounded depth would order the copies too, which nothing here can see.
 */

/** Tokens that two suffixes are compared by: a context, and the longest draft after it. */
export const SORTED_DEPTH = 64;
/** Ends a document; sorts first. What comes after it is another document and not compared. */
export const SEPARATOR = 0;

/** Below this many suffixes, comparing directly beats packing keys. */
const FEW = 16;
/** From this many on a range is sorted in pieces: by keys it takes about a millisecond. */
const LARGE = 1 << 12;
/** Symbols read between two places where the caller may stop. */
export const CHUNK = 1 << 12;
/** Positions stay below 2^26 and tokens below 2^24, so that both fit a double exactly. */
const POSITION_RANGE = 2 ** 26;
/** A symbol is two digits. */
const DIGIT_BITS = 12;
const DIGITS = 1 << DIGIT_BITS;

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
  /** Positions by rising suffix, once `run` is through. */
  readonly order: Int32Array;
  private readonly text: PlanarText;
  private readonly keys: Float64Array;
  /** Of a large range by rank: the next symbol, and the position moved there by its low digit. */
  private readonly symbols: Int32Array;
  private readonly moved: Int32Array;
  private readonly lows = new Int32Array(DIGITS);
  private readonly highs = new Int32Array(DIGITS);
  /** Ranges left to sort: first, last + 1, depth. */
  private readonly stack: number[] = [];
  /** The run of equal symbols that is being read. */
  private runStart = 0;
  private runSymbol = 0;
  private settled = 0;
  private work = 0;

  /** `order` receives the result: one entry a token of `text`. */
  constructor(text: PlanarText, order: Int32Array) {
    this.text = text;
    this.order = order;
    this.keys = new Float64Array(Math.min(LARGE, text.length));
    this.symbols = new Int32Array(text.length);
    this.moved = new Int32Array(text.length);
  }

  /** Share of the suffixes in their final place. */
  get progress(): number {
    return this.settled / Math.max(1, this.order.length);
  }

  /**
   * Sorts; yields after every few thousand symbols how many they were. `counts`:
   * how often each symbol occurs.
   */
  *run(counts: Int32Array): Generator<number, void> {
    yield* this.bucketByFirst(counts);
    const { stack } = this;
    while (stack.length > 0) {
      const depth = stack.pop()!;
      const end = stack.pop()!;
      const start = stack.pop()!;
      if (end - start >= LARGE) yield* this.sortLarge(start, end, depth);
      else if (end - start > FEW) this.sortByKeys(start, end, depth);
      else this.insertionSort(start, end, depth);
      if (this.work >= CHUNK) yield this.worked();
    }
    yield this.worked();
  }

  private worked(): number {
    const { work } = this;
    this.work = 0;
    return work;
  }

  private *bucketByFirst(counts: Int32Array): Generator<number, void> {
    const ends = new Int32Array(counts.length);
    for (let s = 1; s < counts.length; s++) ends[s] = ends[s - 1]! + counts[s - 1]!;
    for (let s = counts.length - 1; s >= 0; s--) {
      if (counts[s]! > 0) this.push(ends[s]!, ends[s]! + counts[s]!, 1);
      if (s % CHUNK === 0) yield CHUNK;
    }
    for (let from = 0; from < this.text.length; from += CHUNK) {
      this.placeByFirst(from, Math.min(from + CHUNK, this.text.length), ends);
      yield CHUNK;
    }
  }

  private placeByFirst(from: number, to: number, ends: Int32Array): void {
    const { text, order } = this;
    for (let i = from; i < to; i++) order[ends[symbolAt(text, i)]!++] = i;
  }

  private push(start: number, end: number, depth: number): void {
    if (end - start > 1 && depth < SORTED_DEPTH) this.stack.push(start, end, depth);
    else this.settled += end - start;
  }

  /** A run of suffixes that have `symbol` at `depth`. */
  private pushRun(start: number, end: number, depth: number, symbol: number): void {
    this.push(start, end, symbol === SEPARATOR ? SORTED_DEPTH : depth + 1);
  }

  /** Orders a range by the symbol at `depth`; ties by position. Runs that may still differ are pushed. */
  private sortByKeys(start: number, end: number, depth: number): void {
    const { order } = this;
    const keys = this.keys.subarray(0, end - start);
    const first = this.next(order[start]!, depth);
    let differ = false;
    for (let i = 0; i < keys.length; i++) {
      const position = order[start + i]!;
      const symbol = this.next(position, depth);
      if (symbol !== first) differ = true;
      keys[i] = symbol * POSITION_RANGE + position;
    }
    this.work += keys.length;
    if (!differ) {
      this.pushRun(start, end, depth, first);
      return;
    }
    keys.sort();
    // Sorting takes about as long as reading, once or twice over.
    this.work += 2 * keys.length;
    this.beginRuns(start);
    for (let i = 0; i < keys.length; i++) {
      const symbol = Math.floor(keys[i]! / POSITION_RANGE);
      if (symbol !== this.runSymbol) this.endRun(start + i, depth, symbol);
      order[start + i] = keys[i]! - symbol * POSITION_RANGE;
    }
    this.endRun(end, depth, -1);
  }

  /** The same in pieces: stable counting sorts by the low digit of the symbol and then by the high one. */
  private *sortLarge(start: number, end: number, depth: number): Generator<number, void> {
    const { lows, highs } = this;
    lows.fill(0);
    highs.fill(0);
    let differ = false;
    for (let from = start; from < end; from += CHUNK) {
      const to = Math.min(from + CHUNK, end);
      this.readNext(from, to, depth);
      differ ||= !this.isAlike(start, from, to);
      yield to - from;
    }
    if (!differ) {
      this.pushRun(start, end, depth, this.symbols[start]!);
      return;
    }
    toStarts(lows, start);
    toStarts(highs, start);
    for (let from = start; from < end; from += CHUNK) {
      this.moveByLow(from, Math.min(from + CHUNK, end));
      yield CHUNK;
    }
    for (let from = start; from < end; from += CHUNK) {
      this.moveByHigh(from, Math.min(from + CHUNK, end), depth);
      yield CHUNK;
    }
    this.beginRuns(start);
    for (let from = start; from < end; from += CHUNK) {
      this.readRuns(from, Math.min(from + CHUNK, end), depth);
      yield CHUNK;
    }
    this.endRun(end, depth, -1);
  }

  private readNext(from: number, to: number, depth: number): void {
    const { order, symbols, lows, highs } = this;
    for (let i = from; i < to; i++) {
      const symbol = this.next(order[i]!, depth);
      symbols[i] = symbol;
      lows[symbol & (DIGITS - 1)]!++;
      highs[symbol >>> DIGIT_BITS]!++;
    }
  }

  private isAlike(start: number, from: number, to: number): boolean {
    const { symbols } = this;
    const first = symbols[start];
    for (let i = from; i < to; i++) if (symbols[i] !== first) return false;
    return true;
  }

  private moveByLow(from: number, to: number): void {
    const { order, symbols, moved, lows } = this;
    for (let i = from; i < to; i++) moved[lows[symbols[i]! & (DIGITS - 1)]!++] = order[i]!;
  }

  private moveByHigh(from: number, to: number, depth: number): void {
    const { order, moved, highs } = this;
    for (let i = from; i < to; i++) {
      const position = moved[i]!;
      order[highs[this.next(position, depth) >>> DIGIT_BITS]!++] = position;
    }
  }

  private readRuns(from: number, to: number, depth: number): void {
    const { order } = this;
    for (let i = from; i < to; i++) {
      const symbol = this.next(order[i]!, depth);
      if (symbol !== this.runSymbol) this.endRun(i, depth, symbol);
    }
  }

  private beginRuns(start: number): void {
    this.runStart = start;
    this.runSymbol = -1;
  }

  private endRun(end: number, depth: number, symbol: number): void {
    if (end > this.runStart) this.pushRun(this.runStart, end, depth, this.runSymbol);
    this.runStart = end;
    this.runSymbol = symbol;
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
      this.work++;
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

/** From how often each digit occurs to where its suffixes begin. */
function toStarts(counts: Int32Array, start: number): void {
  for (let digit = 0, at = start; digit < counts.length; digit++) {
    const count = counts[digit]!;
    counts[digit] = at;
    at += count;
  }
}
