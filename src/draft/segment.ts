/**
 * An immutable index over documents, as one buffer whose parts are read in
 * place: a suffix array, the text under it, and where each first token's range
 * begins, with the commonest followers of the most frequent contexts. Six bytes a
 * token, seven where ids exceed 16 bits, plus eight a distinct token and 268 a
 * list. Little-endian; the layout is in docs/drafting.md.
 *
 *   offset  bytes  field
 *        0      4  magic "ESEG"
 *        4      4  version
 *        8      4  checksum over all that follows
 *       12      4  tokens n, separators included
 *       16      4  documents d
 *       20      4  distinct first symbols f
 *       24      4  1 if the text has a third byte a token
 *       28      4  lists l of frequent ranges
 *       32     4n  suffix array
 *          4(d+1)  start of each document, and n
 *              4f  first symbols, rising
 *          4(f+1)  where each one's suffixes begin, and n
 *            268l  frequent ranges: first rank, depth, distinct followers, 32 × (symbol, count)
 *              2n  text, low 16 bits        (padded to 4)
 *             (n)  text, bits 16 to 23      (padded to 4)
 */
import { LIST_WORDS } from './frequent-ranges.ts';
import { type PlanarText, symbolAt } from './suffix-sort.ts';

const MAGIC = 0x47455345;
const SEGMENT_VERSION = 1;
const HEADER_BYTES = 32;
const CHECKSUM_FROM = 12;

/** The most tokens of one segment: 56 MB, so that a shard of 64 MB holds it. */
export const MAX_SEGMENT_TOKENS = 1 << 23;

/** A buffer that is not a whole segment of this version. Rebuild it from its documents. */
export class DamagedSegment extends Error {
  override readonly name = 'DamagedSegment';

  constructor(reason: string) {
    super(`not a usable segment (${reason}): drop it and rebuild it from its documents`);
  }
}

/** What the parts of a segment number. */
export interface SegmentSizes {
  tokens: number;
  documents: number;
  /** Distinct first symbols. */
  firsts: number;
  /** Three bytes a token of text instead of two. */
  wide: boolean;
  /** Frequent ranges. */
  lists: number;
}

/** Where the parts of a segment lie, in bytes. */
export interface SegmentLayout {
  order: number;
  documents: number;
  firstSymbols: number;
  firstStarts: number;
  lists: number;
  low: number;
  high: number;
  bytes: number;
}

export function segmentLayout({
  tokens,
  documents,
  firsts,
  wide,
  lists: listCount,
}: SegmentSizes): SegmentLayout {
  const order = HEADER_BYTES;
  const documentStarts = order + 4 * tokens;
  const firstSymbols = documentStarts + 4 * (documents + 1);
  const firstStarts = firstSymbols + 4 * firsts;
  const lists = firstStarts + 4 * (firsts + 1);
  const low = lists + 4 * LIST_WORDS * listCount;
  const high = low + 4 * Math.ceil(tokens / 2);
  const bytes = high + (wide ? 4 * Math.ceil(tokens / 4) : 0);
  return { order, documents: documentStarts, firstSymbols, firstStarts, lists, low, high, bytes };
}

export class Segment {
  readonly text: PlanarText;
  /** Positions of the text by rising suffix. */
  readonly order: Int32Array;
  /** Position of each document's separator, and the text's length. */
  readonly documentStarts: Int32Array;
  readonly buffer: ArrayBuffer;
  private readonly firstSymbols: Int32Array;
  private readonly firstStarts: Int32Array;
  /** Rows of `LIST_WORDS` by rising first rank, then depth. */
  readonly lists: Int32Array;
  /** 1 for each document that must not be drafted from any more; empty while there is none. */
  private hidden: Uint8Array | null = null;

  /** Reads in place; O(bytes) for the checksum. Throws `DamagedSegment`. */
  constructor(buffer: ArrayBuffer) {
    if (buffer.byteLength < HEADER_BYTES) throw new DamagedSegment('shorter than its header');
    const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    const [magic, version, checksum, tokens, documents, firsts, wide, lists] = header;
    if (magic !== MAGIC) throw new DamagedSegment('wrong magic');
    if (version !== SEGMENT_VERSION) throw new DamagedSegment(`version ${version}`);
    const sane = within(tokens!) && within(documents!) && within(firsts!) && within(lists!);
    if (!sane || (wide !== 0 && wide !== 1)) throw new DamagedSegment('bad header');
    const layout = segmentLayout({
      tokens: tokens!,
      documents: documents!,
      firsts: firsts!,
      wide: wide === 1,
      lists: lists!,
    });
    if (buffer.byteLength !== layout.bytes) {
      throw new DamagedSegment(`${buffer.byteLength} bytes instead of ${layout.bytes}`);
    }
    if (checksumOf(buffer) !== checksum) throw new DamagedSegment('wrong checksum');
    this.buffer = buffer;
    this.order = new Int32Array(buffer, layout.order, tokens);
    this.documentStarts = new Int32Array(buffer, layout.documents, documents! + 1);
    this.firstSymbols = new Int32Array(buffer, layout.firstSymbols, firsts);
    this.firstStarts = new Int32Array(buffer, layout.firstStarts, firsts! + 1);
    this.lists = new Int32Array(buffer, layout.lists, lists! * LIST_WORDS);
    this.text = {
      length: tokens!,
      low: new Uint16Array(buffer, layout.low, tokens),
      high: wide === 1 ? new Uint8Array(buffer, layout.high, tokens) : null,
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

  /** First of the ranks whose suffix begins with `symbol`, or -1; the end is `firstEnd`. O(log f). */
  firstRange(symbol: number): number {
    const at = lowerBound(this.firstSymbols, symbol);
    if (at === this.firstSymbols.length || this.firstSymbols[at] !== symbol) return -1;
    this.firstEnd = this.firstStarts[at + 1]!;
    return this.firstStarts[at]!;
  }

  firstEnd = 0;

  /** Lowest rank in `[low, high)` whose symbol at `depth` is at least `symbol`. O(log(high − low)). */
  lowerRank(low: number, high: number, depth: number, symbol: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.symbol(middle, depth) < symbol) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Row offset in `lists` of the context of `depth` tokens whose range begins at `rank`, or -1. O(log l). */
  listOf(rank: number, depth: number): number {
    const { lists } = this;
    let low = 0;
    let high = lists.length / LIST_WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * LIST_WORDS;
      if (lists[at]! < rank || (lists[at] === rank && lists[at + 1]! < depth)) low = middle + 1;
      else high = middle;
    }
    const at = low * LIST_WORDS;
    return lists[at] === rank && lists[at + 1] === depth ? at : -1;
  }

  /**
   * The rank behind the last one in `[rank, high)` whose symbol at `depth` is
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
    return this.hidden[lowerBound(this.documentStarts, this.order[rank]! + 1) - 1] === 1;
  }

  /** Throws unless the suffixes are sorted and every part agrees. For tests; O(n · depth). */
  checkIntegrity(): void {
    const seen = new Uint8Array(this.text.length);
    for (const position of this.order) seen[position]!++;
    if (seen.some((count) => count !== 1)) throw new Error('the order is not a permutation');
    for (let rank = 1; rank < this.order.length; rank++) {
      for (let depth = 0; depth < 64; depth++) {
        const [a, b] = [this.symbol(rank - 1, depth), this.symbol(rank, depth)];
        if (a > b) throw new Error(`suffixes ${rank - 1} and ${rank} are out of order`);
        if (a < b || (a === 0 && depth > 0)) break;
      }
    }
    for (let i = 0; i < this.firstSymbols.length; i++) {
      for (const rank of [this.firstStarts[i]!, this.firstStarts[i + 1]! - 1]) {
        if (this.symbol(rank, 0) !== this.firstSymbols[i]) throw new Error(`range ${i} is wrong`);
      }
    }
  }
}

/** Writes the header of a segment whose parts are in place. */
export function sealSegment(buffer: ArrayBuffer, sizes: SegmentSizes): void {
  const { tokens, documents, firsts, wide, lists } = sizes;
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  header.set([MAGIC, SEGMENT_VERSION, 0, tokens, documents, firsts, wide ? 1 : 0, lists]);
  header[2] = checksumOf(buffer);
}

/** Murmur3's mixing over 32-bit words: any flipped bit shows, one multiplication a word. */
function checksumOf(buffer: ArrayBuffer): number {
  const words = new Int32Array(buffer, CHECKSUM_FROM);
  let h = words.length;
  for (let i = 0; i < words.length; i++) {
    h = Math.imul(h ^ words[i]!, 0x85ebca6b);
    h = (h << 13) | (h >>> 19);
  }
  return Math.imul(h ^ (h >>> 16), 0xc2b2ae35) | 0;
}

function within(value: number): boolean {
  return value >= 0 && value <= MAX_SEGMENT_TOKENS;
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
