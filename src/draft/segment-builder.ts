/**
 * Builds a segment from documents, off the path of any request and in slices:
 * `step` until it says so, then take the buffer. Needs eight bytes a token
 * besides the segment itself while it sorts, and a second copy at the end.
 */
import { FrequentRanges, LIST_WORDS } from './frequent-ranges.ts';
import {
  MAX_SEGMENT_TOKENS,
  type SegmentLayout,
  type SegmentSizes,
  sealSegment,
  segmentLayout,
} from './segment.ts';
import { type PlanarText, SEPARATOR, SuffixSort, symbolAt } from './suffix-sort.ts';

/** Of the progress, what sorting is; the rest goes fast. */
const SORT_SHARE = 0.9;
/** Ids are stored one up, as 0 separates; three bytes hold them. */
const MAX_TOKEN = 2 ** 24 - 2;
/** Slice of `buildSegment`: all of it. */
const AT_ONCE = Number.POSITIVE_INFINITY;

export class SegmentBuilder {
  private readonly sizes: SegmentSizes;
  private readonly layout: SegmentLayout;
  /** All parts but the frequent ranges, which are known last. */
  private readonly buffer: ArrayBuffer;
  private readonly text: PlanarText;
  private readonly sort: SuffixSort;
  private ranges: FrequentRanges | null = null;
  private listed = false;

  /** Throws on a token that is no id, and on more tokens than one segment takes. */
  constructor(documents: readonly Int32Array[]) {
    const tokens = documents.reduce((sum, { length }) => sum + length + 1, 0);
    if (tokens > MAX_SEGMENT_TOKENS) {
      throw new RangeError(
        `${tokens} tokens in one segment: split the documents into segments of at most ${MAX_SEGMENT_TOKENS}`,
      );
    }
    const symbols = distinctSymbols(documents);
    this.sizes = {
      tokens,
      documents: documents.length,
      firsts: documents.length > 0 ? symbols.length : 0,
      wide: symbols.at(-1)! >= 2 ** 16,
      lists: 0,
    };
    const { wide, firsts } = this.sizes;
    this.layout = segmentLayout(this.sizes);
    this.buffer = new ArrayBuffer(this.layout.bytes);
    this.text = {
      length: tokens,
      low: new Uint16Array(this.buffer, this.layout.low, tokens),
      high: wide ? new Uint8Array(this.buffer, this.layout.high, tokens) : null,
    };
    this.writeText(documents);
    if (firsts > 0) this.writeFirsts(symbols);
    this.sort = new SuffixSort(this.text, new Int32Array(this.buffer, this.layout.order, tokens));
  }

  /** Between 0 and 1. */
  get progress(): number {
    return this.listed ? 1 : SORT_SHARE * this.sort.progress;
  }

  /** Goes on for about `work` suffixes; true when the segment can be taken. */
  step(work: number): boolean {
    if (this.ranges) this.listed = this.ranges.step(work);
    else if (this.sort.step(work)) {
      this.ranges = new FrequentRanges(this.text, this.sort.order, this.firstStarts());
    }
    return this.listed;
  }

  /** The finished segment. O(bytes). */
  finish(): ArrayBuffer {
    if (!this.ranges || !this.listed) {
      throw new Error('the segment is not built yet: step until it says so');
    }
    const lists = this.ranges.sorted();
    const sizes = { ...this.sizes, lists: lists.length / LIST_WORDS };
    const layout = segmentLayout(sizes);
    const buffer = new ArrayBuffer(layout.bytes);
    const bytes = new Uint8Array(buffer);
    bytes.set(new Uint8Array(this.buffer, 0, this.layout.lists));
    bytes.set(new Uint8Array(this.buffer, this.layout.low), layout.low);
    new Int32Array(buffer, layout.lists, lists.length).set(lists);
    sealSegment(buffer, sizes);
    return buffer;
  }

  private writeText(documents: readonly Int32Array[]): void {
    const starts = new Int32Array(this.buffer, this.layout.documents, documents.length + 1);
    const { low, high, length } = this.text;
    let at = 0;
    for (let i = 0; i < documents.length; i++) {
      const document = documents[i]!;
      starts[i] = at;
      low[at++] = SEPARATOR;
      for (let j = 0; j < document.length; j++, at++) {
        const symbol = document[j]! + 1;
        low[at] = symbol;
        if (high) high[at] = symbol >>> 16;
      }
    }
    starts[documents.length] = length;
  }

  private writeFirsts(symbols: Int32Array): void {
    const counts = new Int32Array(symbols.at(-1)! + 1);
    for (let i = 0; i < this.text.length; i++) counts[symbolAt(this.text, i)]!++;
    new Int32Array(this.buffer, this.layout.firstSymbols, symbols.length).set(symbols);
    const starts = this.firstStarts();
    for (let i = 0; i < symbols.length; i++) starts[i + 1] = starts[i]! + counts[symbols[i]!]!;
  }

  private firstStarts(): Int32Array {
    return new Int32Array(this.buffer, this.layout.firstStarts, this.sizes.firsts + 1);
  }
}

/** Builds at once, for callers without a deadline. */
export function buildSegment(documents: readonly Int32Array[]): ArrayBuffer {
  const builder = new SegmentBuilder(documents);
  while (!builder.step(AT_ONCE));
  return builder.finish();
}

/** The symbols that occur, rising; the separator is the first. */
function distinctSymbols(documents: readonly Int32Array[]): Int32Array {
  const present = new Set<number>([SEPARATOR]);
  for (const document of documents) {
    for (const token of document) {
      if (!(token >= 0 && token <= MAX_TOKEN)) throw new RangeError(`${token} is not a token id`);
      present.add(token + 1);
    }
  }
  return Int32Array.from(present).sort();
}
