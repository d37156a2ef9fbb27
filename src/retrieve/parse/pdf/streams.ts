/**
 * Bounds what a PDF's streams unpack to, before its reader unpacks them: a page
 * of 100 kB may be packed from 100 MB. Everything that a reader might take for a
 * stream is counted, wherever the file's tables of objects point.
 */
import { UnreadableFile } from '../document.ts';
import type { Rest } from '../slices.ts';
import type { UnpackingRoom } from '../unpacking.ts';
import { CharacterMaps } from './character-maps.ts';
import { readContent } from './content.ts';
import { DrawnWork } from './drawn-work.ts';
import { isPicture, unpack } from './filters.ts';
import { plain } from './names.ts';
import { ObjectTables, requireShortAppearance } from './object-tables.ts';
import { SavedStates } from './saved-states.ts';

/** Bytes that streams may unpack to, for each byte of the file, and beside that. */
const MAX_RATIO = 20;
const FREE = 1_000_000;
/** The same of streams that pages name, counted once for each page. */
const FREE_READ = 16_000_000;
/** Streams may overlap in a hostile file: bytes that are unpacked, for each byte of it. */
const MAX_OVERLAP = 4;
/** Of a stream's dictionary. */
const MAX_DICTIONARY = 65_536;

/** References to streams, those in lists that pages share counted for each. */
const MAX_REFERENCES = 1_000_000;

/** Names before a reference to a stream that the reader unpacks whatever kind it claims to be. */
const UNPACKED =
  /\/(Contents|ToUnicode|FontFile[23]?|Encoding|UseCMap|Metadata|Extends|CIDToGIDMap)\s*(?:\[([^[\]]*)\]|(\d{1,8}\s+\d{1,5}\s+R))/g;
/** Kinds that the reader of text leaves packed. */
const PACKED = /\/Subtype\s*\/Image\b|\/EmbeddedFile\b/;
/** The number of an object, before its mark. */
const OBJECT = /(\d{1,8})\s{1,8}\d{1,5}\s{1,8}$/;
const LONGEST_OBJECT = 8 + 8 + 5 + 8;
/** Behind the mark: a number, a list, or a dictionary. */
const VALUE = /\s*(?:(\d{1,10})\s|\[([^[\]]*)\]|<<)/y;
/** Of one object. */
const MAX_DEFINED = 8;
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
  const values = valuesIn(text);
  const streams = [...streamsIn(text, bytes, values.numbers)];
  const tables = new ObjectTables();
  for (const { dictionary } of streams) tables.add(dictionary);
  const outside = plainNames(text);
  if (/\/Encrypt\b/.test(outside)) throw encrypted();
  const most = FREE + MAX_RATIO * bytes.length;
  let total = 0;
  const count = (size: number) => {
    total += size;
    if (total > most) throw tooMuch(most);
    room.take(size);
  };
  const texts = [outside];
  const objectStreams = new Set(streams.filter(isObjectStream));
  for (const { packed, filters } of objectStreams) {
    const objects = new TextDecoder('latin1').decode(await unpack(packed, filters, count, true));
    texts.push(plainNames(objects));
    await rest();
  }
  texts.forEach(requireShortAppearance);
  const named = findNamed(texts, values.arrays);
  const saved = new SavedStates();
  const work = new DrawnWork();
  const maps = new CharacterMaps();
  let read = 0;
  for (const stream of streams) {
    if (objectStreams.has(stream)) continue;
    const times = named.all.get(stream.number) ?? 0;
    if (times === 0 && PACKED.test(stream.dictionary)) continue;
    if (times > 0 && isPicture(stream.filters)) throw tooMuch(most);
    const before = total;
    const isForm = /\/Subtype\s*\/Form\b/.test(stream.dictionary);
    const bytes = await unpack(stream.packed, stream.filters, count, true);
    if (isForm || named.contents.has(stream.number)) {
      const content = readContent(bytes);
      saved.add(stream.number, content);
      work.add(stream.number, content, isForm ? stream.dictionary : null);
    }
    maps.add(new TextDecoder('latin1').decode(bytes), times);
    read += (total - before) * Math.max(1, times);
    if (read > FREE_READ + most) throw tooMuch(most);
    await rest();
  }
  for (const page of named.pages) saved.requireShallow(page);
  const dictionaries = { texts, of: (object: number) => definitionsOf(text, values, object) };
  work.requireLittle(named.pages, dictionaries, bytes.length);
  return total;
}

function isObjectStream({ dictionary }: Stream): boolean {
  return /\/ObjStm\b/.test(dictionary) || /\/First\b/.test(dictionary);
}

function* streamsIn(
  text: string,
  bytes: Uint8Array<ArrayBuffer>,
  lengths: ReadonlyMap<number, number>,
): Generator<Stream> {
  let end = 0;
  let left = FREE + MAX_OVERLAP * bytes.length;
  for (const match of text.matchAll(/(?<!end)stream(?:\r\n|\n|\r)/g)) {
    const start = match.index + match[0].length;
    const head = text.slice(Math.max(end, match.index - MAX_DICTIONARY), match.index);
    end = start;
    const object = head.lastIndexOf('obj');
    const number = /(\d{1,8})\s+\d{1,5}\s+$/.exec(head.slice(Math.max(0, object - 24), object));
    const dictionary = plain(head.slice(object + 1).replace(/%[^\r\n]*/g, ' '));
    const length = lengthOf(text, start, dictionary, lengths);
    left -= length;
    if (left < 0) throw damaged();
    const packed = bytes.subarray(start, start + length);
    const filters = filtersOf(dictionary, packed);
    yield { number: number ? Number(number[1]) : -1, dictionary, packed, filters };
  }
}

interface Values {
  /** Objects that are a number, as lengths of streams may be. */
  numbers: Map<number, number>;
  /** Objects that are a list, by what they refer to. */
  arrays: Map<number, number[]>;
  /** Where dictionaries begin, by object. */
  dictionaries: Map<number, number[]>;
}

function valuesIn(text: string): Values {
  const numbers = new Map<number, number>();
  const arrays = new Map<number, number[]>();
  const dictionaries = new Map<number, number[]>();
  for (let mark = text.indexOf('obj'); mark >= 0; mark = text.indexOf('obj', mark + 3)) {
    const object = OBJECT.exec(text.slice(Math.max(0, mark - LONGEST_OBJECT), mark));
    VALUE.lastIndex = mark + 3;
    const value = object && VALUE.exec(text);
    if (!value) continue;
    const number = Number(object[1]);
    const [, digits, list] = value;
    if (list !== undefined) arrays.set(number, referencesIn(list));
    else if (digits === undefined) {
      dictionaries.set(number, [...(dictionaries.get(number) ?? []), mark].slice(0, MAX_DEFINED));
    } else numbers.set(number, Math.max(Number(digits), numbers.get(number) ?? 0));
  }
  return { numbers, arrays, dictionaries };
}

/** The dictionaries of an object that is none of a stream of objects; null where it may be, or has too many. */
function definitionsOf(text: string, { dictionaries }: Values, object: number): string[] | null {
  const places = dictionaries.get(object) ?? [];
  if (places.length === 0 || places.length === MAX_DEFINED) return null;
  return places.map((at) => {
    const end = text.indexOf('endobj', at);
    return plain(text.slice(at, Math.min(end < 0 ? text.length : end, at + MAX_DICTIONARY)));
  });
}

/** With every name in plain characters. */
function plainNames(text: string): string {
  return text.replace(/\/[\w.+-]*#[\w#.+-]*/g, plain);
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
  const filters = lists.flatMap((list) => Array.from(list.matchAll(NAME), ([, name]) => name!));
  // A dictionary may hide its filter from this search, but not the bytes.
  return filters.length === 0 && isFlate(packed) ? ['FlateDecode'] : filters;
}

const NAME = /\/([^\s/<>[\]()]+)/g;

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

function findNamed(
  texts: readonly string[],
  arrays: ReadonlyMap<number, readonly number[]>,
): Named {
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

/** Its streams would have to be decrypted to be counted, also where anybody may read them. */
function encrypted(): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    'the PDF is encrypted: save it without a password and without restrictions, or print it to a new PDF',
  );
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
