/**
 * PDF to sections. A PDF has no paragraphs, only text at places: lines are
 * put together by their height on the page, paragraphs by the gaps between
 * lines, headings by a larger type than the body's.
 */
import type { StructuredTextItem } from 'unpdf';
import { DocumentBuilder } from '../builder.ts';
import { type ParsedDocument, titleFromName, UnreadableFile } from '../document.ts';

const MAX_PDF_PAGES = 2_000;

/** Type this much larger than the body's is a heading. */
const HEADING_RATIO = 1.15;
const MAX_HEADING = 120;
/** A gap between lines this much larger than the type parts paragraphs. */
const PARAGRAPH_GAP = 1.7;

interface Line {
  text: string;
  y: number;
  size: number;
}

export async function parsePdf(
  bytes: Uint8Array<ArrayBuffer>,
  filename: string,
  _room: unknown,
  _rest: unknown,
): Promise<ParsedDocument> {
  // Loaded when needed: it is the largest part of the worker.
  const { extractTextItems, getDocumentProxy, getMeta } = await import('unpdf');
  let pages: Line[][];
  let title: string | undefined;
  try {
    const pdf = await getDocumentProxy(bytes.slice());
    if (pdf.numPages > MAX_PDF_PAGES) {
      throw new UnreadableFile(
        'invalid_file',
        `the PDF has ${pdf.numPages} pages, more than ${MAX_PDF_PAGES}: split it`,
      );
    }
    title = String((await getMeta(pdf)).info.Title ?? '').trim();
    pages = (await extractTextItems(pdf)).items.map(toLines);
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    throw new UnreadableFile('invalid_file', 'the file is not a readable PDF', error);
  }
  const builder = new DocumentBuilder(title || titleFromName(filename), Boolean(title));
  const body = bodySize(pages);
  for (const lines of pages) addPage(builder, lines, body);
  const document = builder.build();
  if (document.sections.length === 0) {
    throw new UnreadableFile(
      'invalid_file',
      'the PDF has no text, only pictures: recognise its text first (OCR)',
    );
  }
  return document;
}

function toLines(items: readonly StructuredTextItem[]): Line[] {
  const lines: Line[] = [];
  let end = 0;
  for (const item of items) {
    if (item.str === '') continue;
    const last = lines[lines.length - 1];
    if (last && Math.abs(last.y - item.y) < last.size / 2) {
      const gap = item.x - end > item.fontSize / 6 && !last.text.endsWith(' ') ? ' ' : '';
      last.text += gap + item.str;
      last.size = Math.max(last.size, item.fontSize);
    } else if (item.str.trim() !== '') {
      lines.push({ text: item.str, y: item.y, size: item.fontSize });
    }
    end = item.x + item.width;
  }
  return lines;
}

/** The type size that most characters are set in. */
function bodySize(pages: readonly Line[][]): number {
  const characters = new Map<number, number>();
  for (const line of pages.flat()) {
    const size = Math.round(line.size * 2) / 2;
    characters.set(size, (characters.get(size) ?? 0) + line.text.length);
  }
  let body = 0;
  for (const [size, count] of characters) if (count > (characters.get(body) ?? 0)) body = size;
  return body;
}

function addPage(builder: DocumentBuilder, lines: readonly Line[], body: number): void {
  let paragraph: string[] = [];
  let last: Line | undefined;

  function endParagraph(): void {
    builder.block(unwrap(paragraph));
    paragraph = [];
  }

  for (const line of lines) {
    const isHeading = line.size >= body * HEADING_RATIO && line.text.length <= MAX_HEADING;
    const gap = last ? Math.abs(last.y - line.y) : 0;
    if (isHeading || (last && gap > PARAGRAPH_GAP * Math.max(line.size, last.size))) endParagraph();
    if (isHeading) builder.heading(line.size >= body * HEADING_RATIO ** 3 ? 1 : 2, line.text);
    else paragraph.push(line.text.trim());
    last = line;
  }
  endParagraph();
}

/** Lines to running text: a word parted by a hyphen at a line's end is one again. */
function unwrap(lines: readonly string[]): string {
  let text = '';
  for (const line of lines) {
    const parted = /\p{Ll}-$/u.test(text) && /^\p{Ll}/u.test(line);
    text = parted ? text.slice(0, -1) + line : `${text} ${line}`;
  }
  return text.trim();
}
