/**
 * A file's bytes to text: by its byte order mark, by the encoding it or its
 * content type declares, as UTF-8, or by what the bytes look like.
 */
import chardet from 'chardet';
import { UnreadableFile } from './document.ts';
import { visible } from './visible.ts';

/** Bytes read for a declaration: browsers read 1,024. */
const DECLARATION_BYTES = 4_096;
/** Bytes that the detector looks at: 25 ms of work. */
const SAMPLE_BYTES = 32_768;
/** Bytes by which UTF-16 without a mark is recognised. */
const LEAST_UTF16 = 8;
/** Below this the detector guesses. */
const LEAST_CONFIDENCE = 15;
/** Bytes that are no UTF-8, by which a text that is UTF-8 otherwise may be damaged. */
const DAMAGED_SHARE = 0.1;
/** Of a sample: an encoding in which more is not readable is another one's. */
const MISREAD_SHARE = 0.01;
/** Of control characters: a file with more is no text. */
const CONTROL_SHARE = 0.02;

export interface Decoded {
  text: string;
  /** Bytes in whose place the text has U+FFFD. */
  damaged: number;
}

/** How a file may declare its encoding, beside its content type. */
export type Declaring = 'html' | 'xml' | 'no';

/** Throws `UnreadableFile` for a file that is no text. */
export function decode(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  declaring: Declaring,
): Decoded {
  const marked = markedEncoding(bytes);
  const decoded = marked ? lossy(bytes, marked) : decodeUnmarked(bytes, contentType, declaring);
  if (controlsIn(decoded.text) > CONTROL_SHARE * decoded.text.length) {
    throw new UnreadableFile('invalid_file', 'the file is binary, not text');
  }
  // Carriage returns alone end lines, as on old systems; NUL ends strings in the store.
  const text = visible(decoded.text.replaceAll('\0', '').replace(/\r(?!\n)/g, '\n'));
  return { text, damaged: decoded.damaged };
}

/** Control characters but for those of lines and of terminals' colours. */
function controlsIn(text: string): number {
  const controls = text.match(/[^\P{Cc}\s]/gu)?.length ?? 0;
  return controls - (text.split('\u001B').length - 1);
}

function markedEncoding([first, second, third]: Uint8Array): string | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return null;
}

function decodeUnmarked(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  declaring: Declaring,
): Decoded {
  const declared = declaredEncoding(bytes, contentType, declaring);
  const isWide = declared !== null && declared !== 'utf-8' && !isOneByte(declared);
  const utf8 = isWide ? null : exact(bytes, 'utf-8');
  if (utf8 !== null) {
    // Bytes that happen to be UTF-8 are no text in an encoding of one byte a character.
    const other = unmarkedUtf16(bytes) ?? (hasJapaneseEscapes(bytes) ? 'iso-2022-jp' : null);
    return other && declared === null ? lossy(bytes, other) : { text: utf8, damaged: 0 };
  }
  const exactly = declared && declared !== 'utf-8' ? exact(bytes, declared) : null;
  if (exactly !== null) return { text: exactly, damaged: 0 };
  const { valid, bad } = surveyUtf8(bytes);
  if (valid > 0 && bad <= Math.max(1, DAMAGED_SHARE * valid)) return lossy(bytes, 'utf-8');
  const trusted = declared !== 'utf-8' ? declared : null;
  return lossy(bytes, trusted ?? unmarkedUtf16(bytes) ?? detect(bytes));
}

/** The declared encoding's standard name; null if none that is known is declared. */
function declaredEncoding(bytes: Uint8Array, contentType: string, declaring: Declaring) {
  const named = /;\s*charset\s*=\s*["']?([\w.:-]+)/i.exec(contentType);
  const fromType = named && standardName(named[1]!);
  if (fromType || declaring === 'no') return fromType;
  const head = String.fromCharCode(...bytes.subarray(0, DECLARATION_BYTES));
  const inside =
    (declaring === 'html' && /<meta\s[^<>]*?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head)) ||
    /^\s*<\?xml\s[^<>]*?encoding\s*=\s*["']([\w.:-]+)/i.exec(head);
  const encoding = inside ? standardName(inside[1]!) : null;
  // What could be read byte by byte to here is not in two bytes a character.
  return encoding?.startsWith('utf-16') ? 'utf-8' : encoding;
}

function standardName(label: string): string | null {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

function isOneByte(encoding: string): boolean {
  return /^(?:windows-|iso-8859|koi8|macintosh|ibm866|x-mac)/.test(encoding);
}

/** How many sequences beyond ASCII are UTF-8, and how many bytes are not. */
function surveyUtf8(bytes: Uint8Array): { valid: number; bad: number } {
  let valid = 0;
  let bad = 0;
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!;
    if (lead < 0x80) {
      at++;
      continue;
    }
    const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    let end = at + 1;
    while (end < at + length && (bytes[end]! & 0xc0) === 0x80) end++;
    if (length > 0 && end === at + length) valid++;
    else bad++;
    at = end;
  }
  return { valid, bad };
}

/** Text of a European language in UTF-16 has a zero in every other byte. */
function unmarkedUtf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const zeros = [0, 0];
  sample.forEach((byte, at) => {
    if (byte === 0) zeros[at % 2]!++;
  });
  if (sample.length < LEAST_UTF16) return null;
  const enough = sample.length / 5;
  if (zeros[1]! > enough && zeros[0]! < enough / 10) return 'utf-16le';
  if (zeros[0]! > enough && zeros[1]! < enough / 10) return 'utf-16be';
  return null;
}

/** ISO-2022-JP is ASCII but for escapes that switch to Japanese. */
function hasJapaneseEscapes(bytes: Uint8Array): boolean {
  for (let at = bytes.indexOf(0x1b); at >= 0; at = bytes.indexOf(0x1b, at + 1)) {
    if (bytes[at + 1] === 0x24 && (bytes[at + 2] === 0x40 || bytes[at + 2] === 0x42)) return true;
  }
  return false;
}

function detect(bytes: Uint8Array): string {
  const first = bytes.findIndex((byte) => byte >= 0x80);
  const from = Math.max(0, first - SAMPLE_BYTES / 4);
  const sample = bytes.slice(from, from + SAMPLE_BYTES);
  for (const { name, confidence } of chardet.analyse(sample)) {
    const encoding = standardName(name);
    if (encoding === null || encoding === 'utf-8' || encoding === 'replacement') continue;
    if (confidence < LEAST_CONFIDENCE) break;
    const { damaged } = lossy(sample, encoding);
    if (damaged <= Math.max(2, sample.length * MISREAD_SHARE)) return encoding;
  }
  return 'windows-1252';
}

function exact(bytes: Uint8Array<ArrayBuffer>, encoding: string): string | null {
  try {
    return corrected(
      new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes),
      encoding,
    );
  } catch {
    return null;
  }
}

function lossy(bytes: Uint8Array<ArrayBuffer>, encoding: string): Decoded {
  const text = new TextDecoder(encoding).decode(bytes);
  const damaged = text.match(/\uFFFD/g)?.length ?? 0;
  return { text: corrected(text, encoding), damaged };
}

/** Of windows-1252 from 0x80 on, where some runtimes give the control characters of Latin-1. */
const BEYOND_LATIN_1 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8DŽ\x8F\x90‘’“”•–—˜™š›œ\x9DžŸ';

function corrected(text: string, encoding: string): string {
  if (encoding !== 'windows-1252') return text;
  return text.replace(/[\x80-\x9F]/g, (control) => BEYOND_LATIN_1[control.charCodeAt(0) - 0x80]!);
}
