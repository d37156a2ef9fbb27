/** A file's bytes to sections, by its kind. */
import { pause, runInSlices } from '../../pause.ts';
import { parseArchive } from './archive.ts';
import { LANGUAGES, parseCode } from './code.ts';
import { parseCsv } from './csv.ts';
import { type Declaring, decode } from './decode.ts';
import { counted, type ParsedDocument, UnreadableFile } from './document.ts';
import { parseDocx } from './docx/docx.ts';
import { parseHtml } from './html.ts';
import { parseJson, parseJsonLines } from './json.ts';
import { parseMarkdown } from './markdown/markdown.ts';
import { parsePdf } from './pdf/pdf.ts';
import { parsePlainText } from './plain-text.ts';
import type { Parsing, Rest } from './slices.ts';
import { UnpackingRoom } from './unpacking.ts';

/** Counted into a document's key: raise it when the same bytes give other passages. */
export const PARSER_VERSION = 5;

type ParseText = (text: string, filename: string) => Parsing;

interface Source {
  bytes: Uint8Array<ArrayBuffer>;
  filename: string;
  room: UnpackingRoom;
  rest: Rest;
}

const TEXT_FORMATS: Readonly<Record<string, ParseText>> = {
  md: parseMarkdown,
  mdx: parseMarkdown,
  markdown: parseMarkdown,
  txt: parsePlainText,
  text: parsePlainText,
  log: parsePlainText,
  rst: parsePlainText,
  html: parseHtml,
  htm: parseHtml,
  xhtml: parseHtml,
  json: parseJson,
  jsonl: parseJsonLines,
  ndjson: parseJsonLines,
  csv: (text, filename) => parseCsv(text, filename, ','),
  tsv: (text, filename) => parseCsv(text, filename, '\t'),
};

const BINARY_FORMATS: Readonly<Record<string, (source: Source) => Promise<ParsedDocument>>> = {
  pdf: ({ bytes, filename, room, rest }) => parsePdf(bytes, filename, room, rest),
  docx: ({ bytes, filename, room, rest }) => parseDocx(bytes, filename, room, rest),
  zip: ({ bytes, room, rest }) =>
    parseArchive(bytes, room, (member, name) =>
      parseSource({ bytes: member, filename: name, room, rest }, ''),
    ),
};

/** Text formats that declare their encoding. */
const DECLARING: Readonly<Record<string, Declaring>> = {
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  xml: 'xml',
};

/** For names that have no extension we know. */
const EXTENSION_OF_TYPE: Readonly<Record<string, string>> = {
  'text/markdown': 'md',
  'text/plain': 'txt',
  'text/html': 'html',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/json': 'json',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
};

/** Extensions of files that can be read. */
const SUPPORTED = [
  ...Object.keys(TEXT_FORMATS),
  ...Object.keys(BINARY_FORMATS),
  ...Object.keys(LANGUAGES),
];

/**
 * Reads a file of any supported kind, in slices of a few milliseconds.
 * @param rest awaited after each slice, so that other requests get the thread
 * @throws {UnreadableFile} with the reason for the file's owner
 */
export function parse(
  bytes: ArrayBuffer,
  filename: string,
  contentType: string,
  rest: Rest = pause,
): Promise<ParsedDocument> {
  const room = new UnpackingRoom();
  return parseSource({ bytes: new Uint8Array(bytes), filename, room, rest }, contentType);
}

async function parseSource(source: Source, contentType: string): Promise<ParsedDocument> {
  const { bytes, filename, rest } = source;
  const extension = formatOf(filename, contentType);
  const binary = BINARY_FORMATS[extension];
  if (binary) return binary(source);
  const decoding = decode(bytes, contentType, DECLARING[extension] ?? 'no');
  const { text, damaged } = await runInSlices(decoding, rest);
  const format = TEXT_FORMATS[extension];
  const parsing = format
    ? format(text, filename)
    : parseCode(text, filename, LANGUAGES[extension]!);
  const document = await runInSlices(parsing, rest);
  if (damaged > 0) {
    const reason = 'not readable in the encoding of the rest, shown as \uFFFD';
    document.leftOut.push({ name: counted('character', damaged), reason });
  }
  return document;
}

function formatOf(filename: string, contentType: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(filename)?.[1]?.toLowerCase() ?? '';
  if (isKnown(extension)) return extension;
  const type = EXTENSION_OF_TYPE[contentType.split(';')[0]!.trim().toLowerCase()];
  if (type) return type;
  throw new UnreadableFile(
    'unsupported_file',
    `"${filename.slice(-MAX_NAMED)}" can't be read: the kinds that can are ${SUPPORTED.join(', ')}`,
  );
}

/** Of a name, in a message. */
const MAX_NAMED = 255;

function isKnown(extension: string): boolean {
  return (
    Object.hasOwn(TEXT_FORMATS, extension) ||
    Object.hasOwn(BINARY_FORMATS, extension) ||
    Object.hasOwn(LANGUAGES, extension)
  );
}
