/**
 * Bounds what a PDF's streams unpack to, before its reader unpacks them: a page
 * of 100 kB may be packed from 100 MB. Everything that a reader might take for a
 * stream is counted, wherever the file's tables of objects point.
 */
import { UnreadableFile } from '../document.ts';
import type { Rest } from '../slices.ts';
import type { UnpackingRoom } from '../unpacking.ts';
import { isPicture, unpack } from './filters.ts';
import { SavedStates } from './saved-states.ts';

/** Bytes that streams may unpack to, for each byte of the file, and beside that. */
const MAX_RATIO = 20;
const FREE = 1_000_000;
/** The same of streams that pages name, counted once for each page. */
const FREE_READ = 16_000_000;
/** Streams may overlap in a hostile file: bytes that are unpacked, for each byte of it. */
const MAX_OVERLAP = 4;
/** Packed bytes of a stream in an encrypted file, which can't be unpacked here to be counted. */
const MAX_ENCRYPTED = 262_144;
/** Of a stream's dictionary. */
const MAX_DICTIONARY = 65_536;

/** References to streams, those in lists that pages share counted for each. */
const MAX_REFERENCES = 1_000_000;

/** Names before a reference to a stream that the reader unpacks whatever kind it claims to be. */
const UNPACKED =
  /\/(Contents|ToUnicode|FontFile[23]?|Encoding|UseCMap|Metadata|Extends|CIDToGIDMap)\s*(?:\[([^[\]]*)\]|(\d{1,8}\s+\d{1,5}\s+R))/g;
/** Kinds that the reader of text leaves packed. */
const PACKED = /\/Subtype\s*\/Image\b|\/EmbeddedFile\b/;
const ARRAY = /(\d{1,8})\s+\d{1,5}\s+obj\s*\[([^[\]]*)\]/g;
const REFERENCE = /(\d{1,8})\s+\d{1,5}\s+R/g;

interface Stream {
  /** Of its object; -1 where none is found. */
  number: number;
  dictionary: string;
  packed: Uint8Array<ArrayBuffer>;
  filters: string[];
}

/**
 * Gives the bytes that the streams unpack to. Pictures, which the reader of text
 * leaves packed, don't count. Throws `UnreadableFile` where it is too much.
 */
export async function measureStreams(
  bytes: Uint8Array<ArrayBuffer>,
  room: UnpackingRoom,
  rest: Rest,
): Promise<number> {
  const text = new TextDecoder('latin1').decode(bytes);
  const streams = [...streamsIn(text, bytes)];
  if (/\/Encrypt\b/.test(text)) return requireSmall(streams);
  const most = FREE + MAX_RATIO * bytes.length;
  let total = 0;
  const count = (size: number) => {
    total += size;
    if (total > most) throw tooMuch(most);
    room.take(size);
  };
  const texts = [text];
  const objectStreams = new Set(streams.filter(isObjectStream));
  for (const { packed, filters } of objectStreams) {
    texts.push(new TextDecoder('latin1').decode(await unpack(packed, filters, count, true)));
    await rest();
  }
  const named = findNamed(texts);
  const saved = new SavedStates();
  let read = 0;
  for (const stream of streams) {
    if (objectStreams.has(stream)) continue;
    const times = named.all.get(stream.number) ?? 0;
    if (times === 0 && PACKED.test(stream.dictionary)) continue;
    if (times > 0 && isPicture(stream.filters)) throw tooMuch(most);
    const before = total;
    const isDrawn =
      named.contents.has(stream.number) || /\/Subtype\s*\/Form\b/.test(plain(stream.dictionary));
    const content = await unpack(stream.packed, stream.filters, count, isDrawn);
    if (isDrawn) saved.add(stream.number, content);
    read += (total - before) * Math.max(1, times);
    if (read > FREE_READ + most) throw tooMuch(most);
    await rest();
  }
  for (const page of named.pages) saved.requireShallow(page);
  return total;
}

function isObjectStream({ dictionary }: Stream): boolean {
  return /\/ObjStm\b/.test(dictionary) || /\/First\b/.test(dictionary);
}

function* streamsIn(text: string, bytes: Uint8Array<ArrayBuffer>): Generator<Stream> {
  const lengths = numbersIn(text);
  let end = 0;
  let left = FREE + MAX_OVERLAP * bytes.length;
  for (const match of text.matchAll(/(?<!end)stream(?:\r\n|\n|\r)/g)) {
    const start = match.index + match[0].length;
    const head = text.slice(Math.max(end, match.index - MAX_DICTIONARY), match.index);
    end = start;
    const object = head.lastIndexOf('obj');
    const number = /(\d{1,8})\s+\d{1,5}\s+$/.exec(head.slice(Math.max(0, object - 24), object));
    const dictionary = head.slice(object + 1).replace(/%[^\r\n]*/g, ' ');
    const length = lengthOf(text, start, dictionary, lengths);
    left -= length;
    if (left < 0) throw damaged();
    const packed = bytes.subarray(start, start + length);
    const filters = filtersOf(dictionary, packed);
    yield { number: number ? Number(number[1]) : -1, dictionary, packed, filters };
  }
}

/** Objects that are a number, as lengths of streams may be. */
function numbersIn(text: string): Map<number, number> {
  const numbers = new Map<number, number>();
  for (const [, object, value] of text.matchAll(/(\d{1,8})\s+\d{1,5}\s+obj\s+(\d{1,10})\s/g)) {
    numbers.set(Number(object), Math.max(Number(value), numbers.get(Number(object)) ?? 0));
  }
  return numbers;
}

/** As readers find it: as declared where the stream ends there, else up to its end mark. */
function lengthOf(
  text: string,
  start: number,
  dictionary: string,
  lengths: ReadonlyMap<number, number>,
): number {
  const declared = /\/Length\s+(\d{1,10})(\s+\d{1,5}\s+R)?/.exec(dictionary);
  const value = Number(declared?.[1]);
  const length = declared?.[2] ? lengths.get(value) : value;
  if (
    length !== undefined &&
    /^\s{0,8}endstream/.test(text.slice(start + length, start + length + 20))
  ) {
    return length;
  }
  const end = text.indexOf('endstream', start);
  return (end < 0 ? text.length : end) - start;
}

/** Their names, in the order in which they unpack. */
function filtersOf(dictionary: string, packed: Uint8Array): string[] {
  const named = dictionary.matchAll(
    /\/(?:Filter\s*(?:\[([^[\]]*)\]|(\/[^\s/<>[\]()]+)|\d)|F\s*(?:\[([^[\]]*)\]|(\/[^\s/<>[\]()]+)))/g,
  );
  const lists = Array.from(named, ([, ...found]) => found.find(Boolean) ?? '/indirect');
  const filters = lists.flatMap((list) =>
    Array.from(list.matchAll(NAME), ([, name]) => plain(name!)),
  );
  // A dictionary may hide its filter from this search, but not the bytes.
  return filters.length === 0 && isFlate(packed) ? ['FlateDecode'] : filters;
}

const NAME = /\/([^\s/<>[\]()]+)/g;

function plain(name: string): string {
  return name.replace(/#([\da-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Whether the bytes begin as deflated ones do. (RFC 1950, 2.2) */
function isFlate([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 15) === 8 && (first * 256 + second) % 31 === 0;
}

interface Named {
  /** By object number, how often it is named as something that the reader unpacks. */
  all: Map<number, number>;
  /** What pages draw. */
  contents: Set<number>;
  /** The same for each page. */
  pages: number[][];
}

function findNamed(texts: readonly string[]): Named {
  const arrays = new Map<number, number[]>();
  for (const [, object, list] of texts[0]!.matchAll(ARRAY)) {
    arrays.set(Number(object), referencesIn(list!));
  }
  const all = new Map<number, number>();
  const pages: number[][] = [];
  let references = 0;
  for (const text of texts) {
    for (const [, key, list, one] of text.matchAll(UNPACKED)) {
      const named = referencesIn((list ?? one)!);
      // The contents of a page may be a list that is an object of its own.
      const objects = key === 'Contents' ? named.flatMap((one) => arrays.get(one) ?? one) : named;
      references += objects.length;
      if (references > MAX_REFERENCES) throw damaged();
      for (const object of objects) all.set(object, (all.get(object) ?? 0) + 1);
      if (key === 'Contents') pages.push(objects);
    }
  }
  return { all, contents: new Set(pages.flat()), pages };
}

function referencesIn(text: string): number[] {
  return Array.from(text.matchAll(REFERENCE), ([, object]) => Number(object));
}

function requireSmall(streams: readonly Stream[]): number {
  const sizes = streams
    .filter(({ dictionary }) => !PACKED.test(dictionary))
    .map(({ packed }) => packed.length);
  if (sizes.some((size) => size > MAX_ENCRYPTED)) {
    throw new UnreadableFile(
      'invalid_file',
      'the PDF is encrypted and too large to be checked: save it without restrictions',
    );
  }
  return MAX_RATIO * sizes.reduce((sum, size) => sum + size, 0);
}

function tooMuch(most: number): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    `the PDF unpacks to more than ${most} bytes of text and fonts: split it or print it to a new PDF`,
  );
}

function damaged(): UnreadableFile {
  return new UnreadableFile('invalid_file', 'the file is not a readable PDF');
}
