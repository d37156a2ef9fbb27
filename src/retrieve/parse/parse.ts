/** A file's bytes to sections, by its kind. */
import { LANGUAGES, parseCode } from './code.ts';
import { type ParsedDocument, UnreadableFile } from './document.ts';
import { parseDocx } from './docx.ts';
import { parseHtml } from './html.ts';
import { parseMarkdown } from './markdown.ts';
import { parsePdf } from './pdf.ts';
import { parsePlainText } from './plain-text.ts';
import { parseCsv, parseJson, parseJsonLines } from './records.ts';
import { unzip } from './zip.ts';

/** Counted into a document's key: raise it when the same bytes give other passages. */
export const PARSER_VERSION = 2;

/** Characters of text a file may have: its passages must fit the worker's memory beside it. */
export const MAX_TEXT = 16 * 1024 * 1024;

type ParseText = (text: string, filename: string) => ParsedDocument;
type ParseBytes = (bytes: ArrayBuffer, filename: string) => Promise<ParsedDocument>;

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

const BINARY_FORMATS: Readonly<Record<string, ParseBytes>> = {
  pdf: parsePdf,
  docx: parseDocx,
  zip: parseZip,
};

/** For names that have no extension we know. */
const EXTENSION_OF_TYPE: Readonly<Record<string, string>> = {
  'text/markdown': 'md',
  'text/plain': 'txt',
  'text/html': 'html',
  'text/csv': 'csv',
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

/** Throws `UnreadableFile`, with the reason for the file's owner. */
export async function parse(
  bytes: ArrayBuffer,
  filename: string,
  contentType: string,
): Promise<ParsedDocument> {
  const extension = formatOf(filename, contentType);
  const document = await read(bytes, filename, extension);
  if (document.text.length > MAX_TEXT) {
    throw new UnreadableFile(
      'invalid_file',
      `the file has ${document.text.length} characters of text, more than ${MAX_TEXT}: split it`,
    );
  }
  return document;
}

function read(bytes: ArrayBuffer, filename: string, extension: string) {
  const binary = BINARY_FORMATS[extension];
  if (binary) return binary(bytes, filename);
  const text = decode(bytes);
  const format = TEXT_FORMATS[extension];
  return format ? format(text, filename) : parseCode(text, filename, LANGUAGES[extension]!);
}

function formatOf(filename: string, contentType: string): string {
  const extension = /\.([A-Za-z0-9]+)$/.exec(filename)?.[1]?.toLowerCase() ?? '';
  if (isKnown(extension)) return extension;
  const type = EXTENSION_OF_TYPE[contentType.split(';')[0]!.trim().toLowerCase()];
  if (type) return type;
  throw new UnreadableFile(
    'unsupported_file',
    `"${filename}" can't be read: the kinds that can are ${SUPPORTED.join(', ')}`,
  );
}

function isKnown(extension: string): boolean {
  return (
    Object.hasOwn(TEXT_FORMATS, extension) ||
    Object.hasOwn(BINARY_FORMATS, extension) ||
    Object.hasOwn(LANGUAGES, extension)
  );
}

/** UTF-8, or UTF-16 where a byte order mark says so. */
function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  let encoding = 'utf-8';
  if (first === 0xff && second === 0xfe) encoding = 'utf-16le';
  if (first === 0xfe && second === 0xff) encoding = 'utf-16be';
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    throw new UnreadableFile('invalid_file', 'the file is not text in UTF-8 or UTF-16', error);
  }
  if (text.includes('\0')) throw new UnreadableFile('invalid_file', 'the file is binary, not text');
  return text;
}

/**
 * The members of an archive, one document after the other. Members that can't
 * be read are left out; an archive of nothing else is unreadable itself.
 */
async function parseZip(archive: ArrayBuffer): Promise<ParsedDocument> {
  const texts: string[] = [];
  const whole: ParsedDocument = { text: '', sections: [], skipped: [] };
  let offset = 0;
  for await (const { name, bytes } of unzip(archive)) {
    if (isClutter(name)) continue;
    try {
      // An archive in an archive is not followed.
      if (/\.zip$/i.test(name)) throw new UnreadableFile('unsupported_file', 'an archive itself');
      const member = await parse(bytes, name, '');
      for (const section of member.sections) {
        for (const block of section.blocks) {
          block.start += offset;
          block.end += offset;
        }
        whole.sections.push(section);
      }
      texts.push(member.text);
      offset += member.text.length + 1;
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      whole.skipped!.push({ name, reason: error.message });
    }
  }
  whole.text = texts.join('\n');
  if (whole.sections.length === 0) {
    const [first] = whole.skipped!;
    const reason = first ? `; ${first.name}: ${first.reason}` : '';
    throw new UnreadableFile('invalid_file', `the archive has no file that can be read${reason}`);
  }
  return whole;
}

/** What systems put into archives unasked. */
function isClutter(name: string): boolean {
  return name.startsWith('__MACOSX/') || /(^|\/)\.[^/]*$/.test(name);
}
