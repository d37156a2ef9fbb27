/**
 * The contexts of a suffix array that occur so often, with so many followers,
 * that counting those at every node of a tree would show: their most frequent
 * followers are found once, when the segment is built.
 *
 * O(n) for each of the first `LISTED_DEPTH` depths, over ever fewer suffixes.
 */
import { MAX_FOLLOWERS } from './evidence.ts';
import { type PlanarText, SEPARATOR, symbolAt } from './suffix-sort.ts';

/** Longest context that is listed. Longer ones as frequent as this are rare, and read up to a bound. */
const LISTED_DEPTH = 6;
/** Ranges of fewer suffixes are counted when asked for. */
const LISTED_SUFFIXES = 256;
/** Entries of a list: first rank, tokens of the context, distinct followers, then symbols and counts. */
export const LIST_WORDS = 3 + 2 * MAX_FOLLOWERS;

export class FrequentRanges {
  /** Rows of `LIST_WORDS`, once `step` says so; see `sorted`. */
  private readonly rows: Int32Array[] = [];
  private readonly text: PlanarText;
  private readonly order: Int32Array;
  /** Ranges left: first, last + 1, depth. */
  private readonly stack: number[] = [];
  private readonly symbols: number[] = [];
  private readonly starts: number[] = [];

  /** `firstStarts`: where the suffixes of each first symbol begin, and their number. */
  constructor(text: PlanarText, order: Int32Array, firstStarts: Int32Array) {
    this.text = text;
    this.order = order;
    for (let i = 0; i + 1 < firstStarts.length; i++) {
      this.push(firstStarts[i]!, firstStarts[i + 1]!, 1);
    }
  }

  /** Goes on for about `work` suffixes; true when all is found. */
  step(work: number): boolean {
    while (work > 0 && this.stack.length > 0) {
      const depth = this.stack.pop()!;
      const end = this.stack.pop()!;
      const start = this.stack.pop()!;
      work -= end - start;
      this.split(start, end, depth);
    }
    return this.stack.length === 0;
  }

  /** The lists by rising first rank, then depth, one after another. */
  sorted(): Int32Array {
    this.rows.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
    const lists = new Int32Array(this.rows.length * LIST_WORDS);
    this.rows.forEach((row, i) => {
      lists.set(row, i * LIST_WORDS);
    });
    return lists;
  }

  private push(start: number, end: number, depth: number): void {
    if (end - start >= LISTED_SUFFIXES && depth <= LISTED_DEPTH) this.stack.push(start, end, depth);
  }

  private split(start: number, end: number, depth: number): void {
    const { text, order, symbols, starts } = this;
    symbols.length = 0;
    starts.length = 0;
    let before = -1;
    for (let rank = start; rank < end; rank++) {
      const at = order[rank]! + depth;
      const symbol = at < text.length ? symbolAt(text, at) : SEPARATOR;
      if (symbol === before) continue;
      before = symbol;
      symbols.push(symbol);
      starts.push(rank);
    }
    starts.push(end);
    const first = symbols[0] === SEPARATOR ? 1 : 0;
    for (let i = first; i < symbols.length; i++) this.push(starts[i]!, starts[i + 1]!, depth + 1);
    if (symbols.length - first > MAX_FOLLOWERS) this.list(start, depth, first);
  }

  private list(start: number, depth: number, first: number): void {
    const { symbols, starts } = this;
    const count = (i: number) => starts[i + 1]! - starts[i]!;
    const best = [...symbols.keys()].slice(first).sort((a, b) => count(b) - count(a) || a - b);
    const row = new Int32Array(LIST_WORDS);
    row.set([start, depth, symbols.length - first]);
    for (let i = 0; i < MAX_FOLLOWERS; i++) {
      row[3 + 2 * i] = symbols[best[i]!]!;
      row[4 + 2 * i] = count(best[i]!);
    }
    this.rows.push(row);
  }
}
