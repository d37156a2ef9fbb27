/**
 * The contexts of a suffix array that occur so often, with so many followers,
 * that counting those at every node of a tree would show: their most frequent
 * followers are found once, when the segment is built.
 *
 * O(n) for each of the first `LISTED_DEPTH` depths, over ever fewer suffixes.
 */
import { MAX_FOLLOWERS } from '../blend/evidence.ts';
import { CHUNK, type PlanarText, SEPARATOR, symbolAt } from './suffix-sort.ts';

/** Longest context that is listed. Longer ones as frequent as this are rare, and read up to a bound. */
const LISTED_DEPTH = 6;
/** Ranges of fewer suffixes are counted when asked for. */
const LISTED_SUFFIXES = 256;
/** Entries of a list: first rank, tokens of the context, distinct followers, then symbols and counts. */
export const LIST_WORDS = 3 + 2 * MAX_FOLLOWERS;

export class FrequentRanges {
  /** Rows of `LIST_WORDS`, once `run` is through; see `sorted`. */
  private readonly rows: Int32Array[] = [];
  private readonly text: PlanarText;
  private readonly order: Int32Array;
  /** Ranges left: first, last + 1, depth. */
  private readonly stack: number[] = [];
  /** Of the range being read: the symbols that follow, rising, and where each one's suffixes begin. */
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

  /** Finds all; yields after every few thousand suffixes how many they were. */
  *run(): Generator<number, void> {
    const { stack, symbols, starts } = this;
    while (stack.length > 0) {
      const depth = stack.pop()!;
      const end = stack.pop()!;
      const start = stack.pop()!;
      symbols.length = starts.length = 0;
      for (let from = start; from < end; from += CHUNK) {
        const to = Math.min(from + CHUNK, end);
        this.read(from, to, depth);
        yield to - from;
      }
      starts.push(end);
      this.split(start, depth);
    }
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

  private read(from: number, to: number, depth: number): void {
    const { text, order, symbols, starts } = this;
    let before = symbols.at(-1) ?? -1;
    for (let rank = from; rank < to; rank++) {
      const at = order[rank]! + depth;
      const symbol = at < text.length ? symbolAt(text, at) : SEPARATOR;
      if (symbol === before) continue;
      before = symbol;
      symbols.push(symbol);
      starts.push(rank);
    }
  }

  private split(start: number, depth: number): void {
    const { symbols, starts } = this;
    const first = symbols[0] === SEPARATOR ? 1 : 0;
    for (let i = first; i < symbols.length; i++) this.push(starts[i]!, starts[i + 1]!, depth + 1);
    if (symbols.length - first > MAX_FOLLOWERS) this.rows.push(this.listOf(start, depth, first));
  }

  /** Insertion into the short sorted list: O(followers) for skewed counts. */
  private listOf(start: number, depth: number, first: number): Int32Array {
    const { symbols, starts } = this;
    const row = new Int32Array(LIST_WORDS);
    row.set([start, depth, symbols.length - first]);
    for (let i = first; i < symbols.length; i++) {
      const count = starts[i + 1]! - starts[i]!;
      let at = LIST_WORDS;
      while (at > 3 && row[at - 1]! < count) at -= 2;
      if (at === LIST_WORDS) continue;
      row.copyWithin(at + 2, at, LIST_WORDS - 2);
      row[at] = symbols[i]!;
      row[at + 1] = count;
    }
    return row;
  }
}
