/**
 * Builds a segment from documents, off the path of any request and in slices:
 * `step` until it says so, then take the buffer. Needs eight bytes a token
 * besides the segment itself while it sorts.
 */
import {
  MAX_SEGMENT_TOKENS,
  type SegmentLayout,
  type SegmentSizes,
  sealSegment,
  segmentLayout,
} from './segment-layout.ts';
import { CHUNK, type PlanarText, SEPARATOR, SuffixSort } from './suffix-sort.ts';

/** Ids are stored one up, as 0 separates; three bytes hold them. */
const MAX_TOKEN = 2 ** 24 - 2;
/** Symbols counted before a larger one comes. */
const SMALL_VOCABULARY = 1 << 16;
/** Symbols that a piece of work may be: a range that is just too small to be sorted in pieces, and what was read before it. */
export const MAX_OVERSHOOT = 4 * CHUNK;
/** Slice of `buildSegment`: all of it. */
const AT_ONCE = Number.POSITIVE_INFINITY;

/** A segment without its header. */
interface Parts {
  sizes: SegmentSizes;
  layout: SegmentLayout;
  buffer: ArrayBuffer;
  text: PlanarText;
}

export class SegmentBuilder {
  private readonly documents: readonly Int32Array[];
  private readonly tokens: number;
  /** Symbols read so far, one as often as it was: what `step` counts. */
  work = 0;
  private readonly building: Generator<number, void>;
  private parts: Parts | null = null;
  private sort: SuffixSort | null = null;
  private built = false;

  /** Throws on more tokens than one segment takes. O(documents). */
  constructor(documents: readonly Int32Array[]) {
    this.documents = documents;
    this.tokens = documents.reduce((sum, { length }) => sum + length + 1, 0);
    if (this.tokens > MAX_SEGMENT_TOKENS) {
      throw new RangeError(
        `${this.tokens} tokens in one segment: split the documents into segments of at most ${MAX_SEGMENT_TOKENS}`,
      );
    }
    this.building = this.build();
  }

  /** Between 0 and 1: sorting is nearly all of it. */
  get progress(): number {
    return this.built ? 1 : (this.sort?.progress ?? 0);
  }

  /**
   * Goes on until `work` symbols have been read, by `MAX_OVERSHOOT` more at most;
   * true when the segment can be taken. Throws on a token that is no id.
   */
  step(work: number): boolean {
    const enough = this.work + work;
    while (this.work < enough && !this.built) {
      const { value, done } = this.building.next();
      if (done && !this.built) throw new Error('the build failed: begin another one');
      this.work += value ?? 0;
    }
    return this.built;
  }

  /** The finished segment. O(bytes) for the checksum. */
  finish(): ArrayBuffer {
    if (!this.parts || !this.built) {
      throw new Error('the segment is not built yet: step until it says so');
    }
    const { buffer, sizes } = this.parts;
    sealSegment(buffer, sizes);
    return buffer;
  }

  /** All of it, in pieces; yields how many symbols a piece was. */
  private *build(): Generator<number, void> {
    const counts = yield* this.countSymbols();
    const parts = this.allocate(counts);
    const { buffer, layout, sizes, text } = parts;
    this.parts = parts;
    yield* this.writeText(parts);
    const order = new Int32Array(buffer, layout.order, sizes.tokens);
    writeFirsts(parts, counts);
    this.sort = new SuffixSort(text, order);
    yield* this.sort.run(counts);
    this.built = true;
  }

  /** How often each symbol occurs, by symbol. */
  private *countSymbols(): Generator<number, Int32Array> {
    let counts: Int32Array = new Int32Array(SMALL_VOCABULARY);
    for (const document of this.documents) {
      counts[SEPARATOR]!++;
      for (const piece of pieces(document)) {
        counts = counted(piece, counts);
        yield piece.length;
      }
      yield 1;
    }
    return counts;
  }

  private allocate(counts: Int32Array): Parts {
    const { documents, tokens } = this;
    const firsts = counts.reduce((sum, count) => sum + Math.sign(count), 0);
    const wide = counts.findLastIndex((count) => count > 0) >= 2 ** 16;
    const sizes = { tokens, documents: documents.length, firsts, wide };
    const layout = segmentLayout(sizes);
    const buffer = new ArrayBuffer(layout.bytes);
    const text = {
      length: tokens,
      low: new Uint16Array(buffer, layout.low, tokens),
      high: wide ? new Uint8Array(buffer, layout.high, tokens) : null,
    };
    return { sizes, layout, buffer, text };
  }

  private *writeText({ buffer, layout, text }: Parts): Generator<number, void> {
    const { documents } = this;
    const starts = new Int32Array(buffer, layout.documents, documents.length + 1);
    let at = 0;
    for (let i = 0; i < documents.length; i++) {
      starts[i] = at;
      text.low[at++] = SEPARATOR;
      for (const piece of pieces(documents[i]!)) {
        write(piece, text, at);
        at += piece.length;
        yield piece.length;
      }
      yield 1;
    }
    starts[documents.length] = at;
  }
}

/** Builds at once, for callers without a deadline. */
export function buildSegment(documents: readonly Int32Array[]): ArrayBuffer {
  const builder = new SegmentBuilder(documents);
  while (!builder.step(AT_ONCE));
  return builder.finish();
}

function* pieces(document: Int32Array): Generator<Int32Array, void> {
  for (let from = 0; from < document.length; from += CHUNK) {
    yield document.subarray(from, from + CHUNK);
  }
}

/** Counts symbols into `counts`, or a longer copy of it. */
function counted(tokens: Int32Array, counts: Int32Array): Int32Array {
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (!(token >= 0 && token <= MAX_TOKEN)) throw new RangeError(`${token} is not a token id`);
    if (token + 1 >= counts.length) {
      const longer = new Int32Array(Math.min(2 * (token + 1), MAX_TOKEN + 2));
      longer.set(counts);
      counts = longer;
    }
    counts[token + 1]!++;
  }
  return counts;
}

function write(tokens: Int32Array, { low, high }: PlanarText, at: number): void {
  for (let i = 0; i < tokens.length; i++) {
    const symbol = tokens[i]! + 1;
    low[at + i] = symbol;
    if (high) high[at + i] = symbol >>> 16;
  }
}

/** Writes which symbols occur and where the suffixes of each begin. */
function writeFirsts({ buffer, layout, sizes }: Parts, counts: Int32Array): void {
  const symbols = new Int32Array(buffer, layout.firstSymbols, sizes.firsts);
  const starts = new Int32Array(buffer, layout.firstStarts, sizes.firsts + 1);
  let at = 0;
  counts.forEach((count, symbol) => {
    if (count === 0) return;
    symbols[at] = symbol;
    starts[at + 1] = starts[at]! + count;
    at++;
  });
}
