/** A file's bytes to sections, by its kind. */
import type { ParsedDocument } from './document.ts';
import { parseMarkdown } from './markdown.ts';
import { parsePlainText } from './plain-text.ts';

export type FileKind = 'markdown' | 'text';

/** Counted into a document's key: raise it when the same bytes give other passages. */
export const PARSER_VERSION = 1;

/** Decoded text a file may have: passages of more would not fit the worker's memory. */
export const MAX_TEXT = 32 * 1024 * 1024;

export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly code: 'unsupported_file' | 'invalid_file';

  constructor(code: 'unsupported_file' | 'invalid_file', message: string) {
    super(message);
    this.code = code;
  }
}

const KINDS: Record<string, FileKind> = {
  md: 'markdown',
  markdown: 'markdown',
  mdx: 'markdown',
  txt: 'text',
  text: 'text',
  log: 'text',
};

export const SUPPORTED_EXTENSIONS = Object.keys(KINDS);

/** By extension, then by the type the upload declared. Throws `UnreadableFile`. */
export function kindOf(filename: string, contentType: string): FileKind {
  const extension = /\.([A-Za-z0-9]+)$/.exec(filename)?.[1]?.toLowerCase();
  const kind = extension === undefined ? undefined : KINDS[extension];
  if (kind) return kind;
  if (contentType.startsWith('text/markdown')) return 'markdown';
  if (contentType.startsWith('text/plain')) return 'text';
  throw new UnreadableFile(
    'unsupported_file',
    `files like "${filename}" can't be read: upload one of ${SUPPORTED_EXTENSIONS.map((e) => `.${e}`).join(', ')}`,
  );
}

/** Throws `UnreadableFile`, with the reason for the file's owner. */
export function parse(bytes: ArrayBuffer, filename: string, contentType: string): ParsedDocument {
  const kind = kindOf(filename, contentType);
  const text = decode(bytes);
  switch (kind) {
    case 'markdown':
      return parseMarkdown(text, filename);
    case 'text':
      return parsePlainText(text, filename);
  }
}

/** UTF-8, or UTF-16 where a byte order mark says so. */
function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const encoding =
    first === 0xff && second === 0xfe
      ? 'utf-16le'
      : first === 0xfe && second === 0xff
        ? 'utf-16be'
        : 'utf-8';
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new UnreadableFile('invalid_file', 'the file is not text in UTF-8 or UTF-16');
  }
  if (text.includes('\0')) throw new UnreadableFile('invalid_file', 'the file is binary, not text');
  if (text.length > MAX_TEXT) {
    throw new UnreadableFile(
      'invalid_file',
      `the text is longer than ${MAX_TEXT} characters: split the file`,
    );
  }
  return text;
}
