/**
 * How a segment lies in its buffer, little-endian; as in docs/drafting.md.
 *
 *   offset  bytes  field
 *        0      4  magic "ESEG"
 *        4      4  version
 *        8      4  checksum over all that follows
 *       12      4  tokens n, separators included
 *       16      4  documents d
 *       20      4  distinct first symbols f
 *       24      4  1 if the text has a third byte a token
 *       28     4n  suffix array
 *          4(d+1)  start of each document, and n
 *              4f  first symbols, rising
 *          4(f+1)  where each one's suffixes begin, and n
 *              2n  text, low 16 bits        (padded to 4)
 *             (n)  text, bits 16 to 23      (padded to 4)
 *
 * Version 1 had lists of the commonest followers too, of no use to whoever asks for
 * runs. It is refused like a damaged segment, and built anew.
 */

const MAGIC = 0x47455345;
const SEGMENT_VERSION = 2;
const HEADER_BYTES = 28;
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
}

/** Where the parts of a segment lie, in bytes. */
export interface SegmentLayout {
  order: number;
  documents: number;
  firstSymbols: number;
  firstStarts: number;
  low: number;
  high: number;
  bytes: number;
}

export function segmentLayout({ tokens, documents, firsts, wide }: SegmentSizes): SegmentLayout {
  const order = HEADER_BYTES;
  const documentStarts = order + 4 * tokens;
  const firstSymbols = documentStarts + 4 * (documents + 1);
  const firstStarts = firstSymbols + 4 * firsts;
  const low = firstStarts + 4 * (firsts + 1);
  const high = low + 4 * Math.ceil(tokens / 2);
  const bytes = high + (wide ? 4 * Math.ceil(tokens / 4) : 0);
  return { order, documents: documentStarts, firstSymbols, firstStarts, low, high, bytes };
}

/** What a buffer's header says, once the buffer is known to be whole. O(bytes) for the checksum. Throws `DamagedSegment`. */
export function sizesIn(buffer: ArrayBuffer): SegmentSizes {
  if (buffer.byteLength < HEADER_BYTES) throw new DamagedSegment('shorter than its header');
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  const [magic, version, checksum] = header;
  if (magic !== MAGIC) throw new DamagedSegment('wrong magic');
  if (version !== SEGMENT_VERSION) throw new DamagedSegment(`version ${version}`);
  const sizes = {
    tokens: header[3]!,
    documents: header[4]!,
    firsts: header[5]!,
    wide: header[6] === 1,
  };
  const { tokens, documents, firsts } = sizes;
  const sane = [tokens, documents, firsts].every(within);
  if (!sane || (header[6] !== 0 && header[6] !== 1)) throw new DamagedSegment('bad header');
  const { bytes } = segmentLayout(sizes);
  if (buffer.byteLength !== bytes) {
    throw new DamagedSegment(`${buffer.byteLength} bytes instead of ${bytes}`);
  }
  if (checksumOf(buffer) !== checksum) throw new DamagedSegment('wrong checksum');
  return sizes;
}

/** Writes the header of a segment whose parts are in place. */
export function sealSegment(buffer: ArrayBuffer, sizes: SegmentSizes): void {
  const { tokens, documents, firsts, wide } = sizes;
  const header = new Int32Array(buffer, 0, HEADER_BYTES / 4);
  header.set([MAGIC, SEGMENT_VERSION, 0, tokens, documents, firsts, wide ? 1 : 0]);
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
