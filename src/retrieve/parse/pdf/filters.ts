/** What a PDF's filters make of packed bytes, counted part by part. (PDF 32000-1, 7.4) */
import { UnreadableFile } from '../document.ts';
import { inflate, joined } from '../unpacking.ts';

/** Throws where the sum grows too large. */
export type Count = (bytes: number) => void;

/** Short names are for pictures inside a page's text, and readers take them everywhere. */
const FULL_NAMES: Readonly<Record<string, string>> = {
  Fl: 'FlateDecode',
  LZW: 'LZWDecode',
  RL: 'RunLengthDecode',
  A85: 'ASCII85Decode',
  AHx: 'ASCIIHexDecode',
};
/** Filters that give pictures, whose size is not in their bytes. */
const PICTURES = new Set('DCTDecode DCT JPXDecode JBIG2Decode CCITTFaxDecode CCF'.split(' '));
/** Streams packed more often than this are made to be large. */
const MAX_FILTERS = 4;

export function isPicture(filters: readonly string[]): boolean {
  return filters.some((filter) => PICTURES.has(filter));
}

/**
 * Counts what the filters, applied in order, give, every step of them. Broken data
 * counts up to where it breaks, as readers take it. Gives the bytes where `keeps`.
 */
export async function unpack(
  packed: Uint8Array<ArrayBuffer>,
  filters: readonly string[],
  count: Count,
  keeps: boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  if (filters.length > MAX_FILTERS) throw unusual();
  let bytes = packed;
  for (const [at, short] of filters.entries()) {
    const filter = FULL_NAMES[short] ?? short;
    const isNeeded = keeps || at < filters.length - 1;
    if (filter === 'FlateDecode') bytes = await unpackFlate(bytes, count, isNeeded);
    else if (filter === 'ASCII85Decode') bytes = fromBase85(bytes, count);
    else if (filter === 'ASCIIHexDecode') bytes = fromHexadecimal(bytes);
    else if (filter === 'Crypt') continue;
    else if (filter === 'LZWDecode') bytes = unpackLzw(bytes, count, isNeeded);
    else if (filter === 'RunLengthDecode') bytes = unpackRuns(bytes, count, isNeeded);
    else if (isNeeded || !PICTURES.has(filter)) throw unusual();
  }
  return bytes;
}

function unusual(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    'the PDF is packed in an unusual way: print it to a new PDF',
  );
}

async function unpackFlate(packed: Uint8Array<ArrayBuffer>, count: Count, keeps: boolean) {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of inflate(packed, 'deflate', count)) if (keeps) parts.push(part);
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
  }
  return joined(parts);
}

/** Codes of 9 to 12 bits, the most significant first, each standing for a sequence seen before. */
function unpackLzw(packed: Uint8Array, count: Count, keeps: boolean): Uint8Array<ArrayBuffer> {
  const CLEAR = 256;
  const END = 257;
  const table: Uint8Array[] = Array.from({ length: CLEAR }, (_, byte) => new Uint8Array([byte]));
  const parts: Uint8Array[] = [];
  let next = END + 1;
  let width = 9;
  let last: Uint8Array | null = null;
  let bits = 0;
  let held = 0;
  for (const byte of packed) {
    bits = ((bits << 8) | byte) & 0xfffff;
    held += 8;
    if (held < width) continue;
    held -= width;
    const code = (bits >> held) & ((1 << width) - 1);
    if (code === END || code > next) break;
    if (code === CLEAR) {
      next = END + 1;
      width = 9;
      last = null;
      continue;
    }
    // A code that is only now given stands for the last sequence and its first byte.
    const known: Uint8Array | undefined = code < next ? table[code] : undefined;
    const made: Uint8Array | null = last && extended(last, (known ?? last)[0]!);
    const sequence: Uint8Array | null = known ?? made;
    if (!sequence) break;
    if (made && next < 4_096) table[next++] = made;
    count(sequence.length);
    if (keeps) parts.push(sequence);
    last = sequence;
    // The width grows one code early.
    width = next + 1 >= 2_048 ? 12 : next + 1 >= 1_024 ? 11 : next + 1 >= 512 ? 10 : 9;
  }
  return joined(parts);
}

function extended(sequence: Uint8Array, byte: number): Uint8Array {
  const longer = new Uint8Array(sequence.length + 1);
  longer.set(sequence);
  longer[sequence.length] = byte;
  return longer;
}

/** A byte below 128 is followed by as many bytes and one, one above it by one that is repeated. */
function unpackRuns(packed: Uint8Array, count: Count, keeps: boolean): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < packed.length; ) {
    const byte = packed[at]!;
    if (byte === 128) break;
    const length = byte < 128 ? byte + 1 : 257 - byte;
    count(length);
    const run =
      byte < 128
        ? packed.subarray(at + 1, at + 1 + length)
        : new Uint8Array(length).fill(packed[at + 1] ?? 0);
    if (keeps) parts.push(run);
    at += byte < 128 ? byte + 2 : 2;
  }
  return joined(parts);
}

function fromBase85(packed: Uint8Array, count: Count): Uint8Array<ArrayBuffer> {
  const zeros = packed.reduce((sum, byte) => sum + (byte === 0x7a ? 1 : 0), 0);
  const bytes = new Uint8Array(packed.length + 4 * zeros + 4);
  count(bytes.length);
  let length = 0;
  let group = 0;
  let digits = 0;
  for (const byte of packed) {
    if (byte === 0x7e) break;
    if (byte === 0x7a && digits === 0) {
      length += 4;
    } else if (byte >= 0x21 && byte <= 0x75) {
      group = group * 85 + byte - 0x21;
      if (++digits < 5) continue;
      for (let shift = 24; shift >= 0; shift -= 8) bytes[length++] = group / 2 ** shift;
      group = 0;
      digits = 0;
    }
  }
  for (let i = digits; digits > 1 && i < 5; i++) group = group * 85 + 84;
  for (let i = 0; i < digits - 1; i++) bytes[length++] = group / 2 ** (24 - 8 * i);
  return bytes.subarray(0, length);
}

function fromHexadecimal(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(packed.length / 2 + 1);
  let digits = 0;
  for (const byte of packed) {
    if (byte === 0x3e) break;
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) continue;
    bytes[digits >> 1] = (bytes[digits >> 1]! << 4) | digit;
    digits++;
  }
  return bytes.subarray(0, (digits + 1) >> 1);
}
