/**
 * The contexts of a segment that occur so often, with so many followers, that
 * counting those at every node of a tree would show: their most frequent
 * followers are found once.
 *
 * O(n) for each of the first `LISTED_DEPTH` depths, over ever fewer suffixes.
 */
import { MAX_FOLLOWERS } from '../../src/draft/blend/evidence.ts';
import type { Segment } from '../../src/draft/segment/segment.ts';
import { SEPARATOR } from '../../src/draft/segment/suffix-sort.ts';

/** Longest context that is listed. Longer ones as frequent as this are rare, and read up to a bound. */
const LISTED_DEPTH = 6;
/** Ranges of fewer suffixes are counted when asked for. */
const LISTED_SUFFIXES = 256;
/** Entries of a list: first rank, tokens of the context, distinct followers, then symbols and counts. */
export const LIST_WORDS = 3 + 2 * MAX_FOLLOWERS;

export class FrequentLists {
  /** Rows of `LIST_WORDS` by rising first rank, then depth. */
  readonly rows: Int32Array;
  private readonly segment: Segment;
  /** Ranges left: first, last + 1, depth. */
  private readonly stack: number[] = [];
  /** Of the range being read: the symbols that follow, rising, and where each one's suffixes begin. */
  private readonly symbols: number[] = [];
  private readonly starts: number[] = [];

  constructor(segment: Segment) {
    this.segment = segment;
    const { firstStarts } = segment;
    for (let i = 0; i + 1 < firstStarts.length; i++) {
      this.push(firstStarts[i]!, firstStarts[i + 1]!, 1);
    }
    const found = this.find();
    found.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
    this.rows = new Int32Array(found.length * LIST_WORDS);
    found.forEach((row, i) => {
      this.rows.set(row, i * LIST_WORDS);
    });
  }

  /** Offset in `rows` of the context of `depth` tokens whose range begins at `rank`, or -1. O(log lists). */
  at(rank: number, depth: number): number {
    const { rows } = this;
    let low = 0;
    let high = rows.length / LIST_WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * LIST_WORDS;
      if (rows[at]! < rank || (rows[at] === rank && rows[at + 1]! < depth)) low = middle + 1;
      else high = middle;
    }
    const at = low * LIST_WORDS;
    return rows[at] === rank && rows[at + 1] === depth ? at : -1;
  }

  /** Throws unless every list is what counting anew finds. For tests; O(lists · n). */
  checkIntegrity(): void {
    for (let at = 0; at < this.rows.length; at += LIST_WORDS) this.checkList(at);
  }

  private push(start: number, end: number, depth: number): void {
    if (end - start >= LISTED_SUFFIXES && depth <= LISTED_DEPTH) this.stack.push(start, end, depth);
  }

  private find(): Int32Array[] {
    const { segment, stack, symbols, starts } = this;
    const found: Int32Array[] = [];
    while (stack.length > 0) {
      const depth = stack.pop()!;
      const end = stack.pop()!;
      const start = stack.pop()!;
      symbols.length = starts.length = 0;
      for (let rank = start; rank < end; rank++) {
        const symbol = segment.symbol(rank, depth);
        if (symbol === symbols.at(-1)) continue;
        symbols.push(symbol);
        starts.push(rank);
      }
      starts.push(end);
      const first = symbols[0] === SEPARATOR ? 1 : 0;
      for (let i = first; i < symbols.length; i++) this.push(starts[i]!, starts[i + 1]!, depth + 1);
      if (symbols.length - first > MAX_FOLLOWERS) found.push(this.listOf(start, depth, first));
    }
    return found;
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

  /** Counts anew what follows the context of a list. */
  private checkList(at: number): void {
    const { segment, rows } = this;
    const [rank, depth, distinct] = rows.subarray(at, at + 3);
    const counts = new Map<number, number>();
    for (let i = rank!; i < segment.order.length && this.agree(rank!, i, depth!); i++) {
      const symbol = segment.symbol(i, depth!);
      if (symbol !== SEPARATOR) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
    const most = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, MAX_FOLLOWERS);
    const wrong = most.flat().join() !== rows.subarray(at + 3, at + LIST_WORDS).join();
    if (wrong || counts.size !== distinct || (rank! > 0 && this.agree(rank! - 1, rank!, depth!))) {
      throw new Error(`the list of rank ${rank} at depth ${depth} is wrong`);
    }
  }

  private agree(a: number, b: number, depth: number): boolean {
    const { segment } = this;
    for (let i = 0; i < depth; i++) if (segment.symbol(a, i) !== segment.symbol(b, i)) return false;
    return true;
  }
}
