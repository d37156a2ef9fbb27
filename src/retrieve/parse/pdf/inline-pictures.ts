/**
 * Where pictures that are written into a page's text end, as the reader finds it. It
 * looks for the end of some kinds through all the rest of the page, and for the next
 * picture once more: what that takes is bounded here.
 */
import { UnreadableFile } from '../document.ts';
import { plain } from './names.ts';

/** Bytes that are looked through for ends, for each byte of the content, and beside that. */
const SHARE = 4;
const FREE = 1_000_000;

const [E, I, TILDE, GREATER] = new TextEncoder().encode('EI~>');
/** White space and delimiters around the mark of an end. */
const BREAKS = new Set(new TextEncoder().encode('\0\t\n\f\r ()<>[]{}/%'));

type Find = (content: Uint8Array, at: number) => number;

/** By filter, behind what ends its bytes; beyond the content where nothing does. */
const FINDERS: Readonly<Record<string, Find | undefined>> = {
  DCT: afterJpeg,
  DCTDecode: afterJpeg,
  A85: afterBase85,
  ASCII85Decode: afterBase85,
  AHx: afterHexadecimal,
  ASCIIHexDecode: afterHexadecimal,
};

export class InlinePictures {
  private readonly content: Uint8Array;
  private left: number;
  /** From here on no mark of an end was found. */
  private endless = Number.POSITIVE_INFINITY;

  constructor(content: Uint8Array) {
    this.content = content;
    this.left = FREE + SHARE * content.length;
  }

  /**
   * Behind the picture, or `data` where it does not end. Throws `UnreadableFile` for too
   * many whose ends are far away.
   * @param begin of its dictionary
   * @param data where its bytes begin
   */
  after(begin: number, data: number): number {
    const { content } = this;
    const find = FINDERS[filterOf(content.subarray(begin, data))];
    const found = find ? find(content, data) : content.length + 1;
    if (find) this.spend(Math.min(found, content.length) - data);
    return found <= content.length ? this.afterMark(found) : this.afterMark(data);
  }

  private spend(bytes: number): void {
    this.left -= bytes;
    if (this.left < 0) throw unusual();
  }

  /** Behind the operator `EI`. */
  private afterMark(from: number): number {
    const { content } = this;
    if (from >= this.endless) return from;
    for (let at = content.indexOf(E!, from); at >= 0; at = content.indexOf(E!, at + 1)) {
      const isWord =
        (at === from || BREAKS.has(content[at - 1]!)) && BREAKS.has(content[at + 2] ?? 10);
      if (content[at + 1] === I && isWord) return at + 2;
    }
    this.endless = from;
    return from;
  }
}

/** The first filter of a picture's dictionary, by its short name or its long one; '' for none. */
function filterOf(dictionary: Uint8Array): string {
  const text = plain(new TextDecoder('latin1').decode(dictionary))
    .replace(/%[^\r\n]*/g, ' ')
    .replace(/<<[^<>]*>>|\([^()]*\)/g, ' ');
  const named = (key: string) =>
    [...text.matchAll(new RegExp(`/${key}\\s*\\[?\\s*(?:/([^\\s/<>[\\]()]+)|(\\d))`, 'g'))].at(-1);
  const found = named('F') ?? named('Filter');
  // Only the reader knows what another object says.
  if (found?.[2] !== undefined) throw unusual();
  return found?.[1] ?? '';
}

function afterJpeg(content: Uint8Array, data: number): number {
  for (let at = content.indexOf(0xff, data); at >= 0; at = content.indexOf(0xff, at)) {
    const marker = content[at + 1] ?? 0;
    if (marker === 0xd9) return at + 2;
    at += marker === 0xff ? 1 : 2;
    // Segments tell their length; a picture's lines and restarts have none.
    const hasLength = (marker >= 0xc0 && marker < 0xd0 && marker !== 0xc8) || isSegment(marker);
    if (hasLength) {
      const length = content[at]! * 256 + content[at + 1]!;
      at += length > 2 ? length : 0;
    }
  }
  return content.length + 1;
}

function isSegment(marker: number): boolean {
  return (marker >= 0xda && marker < 0xf0) || marker === 0xfe;
}

function afterBase85(content: Uint8Array, data: number): number {
  for (let at = content.indexOf(TILDE!, data); at >= 0; at = content.indexOf(TILDE!, at + 1)) {
    let end = at + 1;
    while ([32, 9, 10, 13].includes(content[end]!)) end++;
    if (content[end] === GREATER) return end + 1;
    if (end > at + 1 && content[end] === E && content[end + 1] === I) return end;
  }
  return content.length + 1;
}

function afterHexadecimal(content: Uint8Array, data: number): number {
  const end = content.indexOf(GREATER!, data);
  return end < 0 ? content.length + 1 : end + 1;
}

function unusual(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    'the PDF has pictures in its text that do not end: print it to a new PDF',
  );
}
