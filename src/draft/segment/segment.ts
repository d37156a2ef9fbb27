/**
 * An immutable index over documents, as one buffer whose parts are read in
 * place: a suffix array, the text under it, and where each first token's range
 * begins. Six bytes a token, seven where ids exceed 16 bits, plus eight a distinct
 * token (see segment-layout.ts).
 */

import { lowerBound } from '../sorted.ts';
import { segmentLayout, sizesIn } from './segment-layout.ts';
import { type PlanarText, SEPARATOR, SORTED_DEPTH, symbolAt } from './suffix-sort.ts';

export class Segment {
  readonly text: PlanarText;
  /** Positions of the text by rising suffix. */
  readonly order: Int32Array;
  /** Position of each document's separator, and the text's length. */
  readonly documentStarts: Int32Array;
  readonly buffer: ArrayBuffer;
  private readonly firstSymbols: Int32Array;
  /** Rank of the first suffix that begins with each first symbol, and their number. */
  readonly firstStarts: Int32Array;
  /** 1 for each document that must not be drafted from any more; null while there is none. */
  private hidden: Uint8Array | null = null;

  /** Reads in place; O(bytes) for the checksum. Throws `DamagedSegment`. */
  constructor(buffer: ArrayBuffer) {
    const sizes = sizesIn(buffer);
    const { tokens, documents, firsts, wide } = sizes;
    const layout = segmentLayout(sizes);
    this.buffer = buffer;
    this.order = new Int32Array(buffer, layout.order, tokens);
    this.documentStarts = new Int32Array(buffer, layout.documents, documents + 1);
    this.firstSymbols = new Int32Array(buffer, layout.firstSymbols, firsts);
    this.firstStarts = new Int32Array(buffer, layout.firstStarts, firsts + 1);
    this.text = {
      length: tokens,
      low: new Uint16Array(buffer, layout.low, tokens),
      high: wide ? new Uint8Array(buffer, layout.high, tokens) : null,
    };
  }

  get documents(): number {
    return this.documentStarts.length - 1;
  }

  /** The symbol `depth` after the start of the suffix ranked `rank`; the separator beyond the end. */
  symbol(rank: number, depth: number): number {
    const position = this.order[rank]! + depth;
    return position < this.text.length ? symbolAt(this.text, position) : 0;
  }

  /** Row of `symbol` in `firstStarts`, or -1 where nothing begins with it. O(log f). */
  rowOf(symbol: number): number {
    const row = lowerBound(this.firstSymbols, symbol);
    return this.firstSymbols[row] === symbol ? row : -1;
  }

  /** Lowest rank in `[low, high)` whose symbol at `depth` is at least `symbol`. O(log(high − low)). */
  lowerRank(low: number, high: number, depth: number, symbol: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.symbol(middle, depth) < symbol) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The rank after the last one in `[rank, high)` whose symbol at `depth` is
   * `symbol`; `rank` itself if there is none. O(log of the run): most runs are short.
   */
  upperRank(rank: number, high: number, depth: number, symbol: number): number {
    let stride = 1;
    while (rank + stride <= high && this.symbol(rank + stride - 1, depth) === symbol) {
      rank += stride;
      stride *= 2;
    }
    return this.lowerRank(rank, Math.min(high, rank + stride - 1), depth, symbol + 1);
  }

  /** The document that `position` is in, its separator included. O(log d). */
  documentAt(position: number): number {
    return lowerBound(this.documentStarts, position + 1) - 1;
  }

  /** The tokens of a document. */
  tokensOf(document: number): Int32Array {
    const from = this.documentStarts[document]! + 1;
    const tokens = new Int32Array(this.documentStarts[document + 1]! - from);
    for (let i = 0; i < tokens.length; i++) tokens[i] = symbolAt(this.text, from + i) - 1;
    return tokens;
  }

  get hasHidden(): boolean {
    return this.hidden !== null;
  }

  /** From now on nothing of this document is drafted. It takes its space until the segment is rebuilt. */
  hide(document: number): void {
    if (!(document >= 0 && document < this.documents)) {
      throw new RangeError(`document ${document} of ${this.documents}`);
    }
    this.hidden ??= new Uint8Array(this.documents);
    this.hidden[document] = 1;
  }

  /** Whether the suffix ranked `rank` is of a hidden document. O(log d), O(1) while none is hidden. */
  isHidden(rank: number): boolean {
    if (this.hidden === null) return false;
    return this.hidden[this.documentAt(this.order[rank]!)] === 1;
  }

  /** Throws unless the suffixes are sorted and every part agrees. For tests; O(n · depth). */
  checkIntegrity(): void {
    this.checkOrder();
    this.checkDocuments();
    this.checkFirsts();
  }

  private checkOrder(): void {
    const seen = new Uint8Array(this.text.length);
    for (const position of this.order) seen[position]!++;
    if (seen.some((count) => count !== 1)) throw new Error('the order is not a permutation');
    for (let rank = 1; rank < this.order.length; rank++) {
      for (let depth = 0; depth < SORTED_DEPTH; depth++) {
        const [a, b] = [this.symbol(rank - 1, depth), this.symbol(rank, depth)];
        if (a > b) throw new Error(`suffixes ${rank - 1} and ${rank} are out of order`);
        if (a < b || (a === SEPARATOR && depth > 0)) break;
      }
    }
  }

  private checkDocuments(): void {
    const starts = [];
    for (let i = 0; i < this.text.length; i++) {
      if (symbolAt(this.text, i) === SEPARATOR) starts.push(i);
    }
    if ([...starts, this.text.length].join() !== this.documentStarts.join()) {
      throw new Error('documents do not start at the separators');
    }
  }

  private checkFirsts(): void {
    const { firstStarts, firstSymbols } = this;
    if (firstStarts[0] !== 0 || firstStarts.at(-1) !== this.order.length) {
      throw new Error('the first symbols do not cover all suffixes');
    }
    firstSymbols.forEach((symbol, i) => {
      const [from, to] = [firstStarts[i]!, firstStarts[i + 1]! - 1];
      const rises = i === 0 || firstSymbols[i - 1]! < symbol;
      if (!rises || from > to || this.symbol(from, 0) !== symbol || this.symbol(to, 0) !== symbol) {
        throw new Error(`the range of symbol ${symbol} is wrong`);
      }
    });
  }
}
