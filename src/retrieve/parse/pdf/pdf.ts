/** PDF to sections: opens the document and reads its pages one after the other. */
import type { getDocumentProxy } from 'unpdf';
import { DocumentBuilder } from '../builder.ts';
import {
  type LeftOut,
  type ParsedDocument,
  requireRoom,
  titleFromName,
  UnreadableFile,
} from '../document.ts';
import type { Rest } from '../slices.ts';
import type { UnpackingRoom } from '../unpacking.ts';
import { type Annotation, annotationText } from './annotations.ts';
import { inReadingOrder } from './columns.ts';
import { addParagraphs } from './paragraphs.ts';
import { type Segment, SegmentReader, type TextItem } from './segments.ts';
import { measureStreams } from './streams.ts';

type PdfDocument = Awaited<ReturnType<typeof getDocumentProxy>>;
type PdfPage = Awaited<ReturnType<PdfDocument['getPage']>>;

const MAX_PDF_PAGES = 2_000;
/** Characters of text for each byte that draws it, and beside that. */
const MAX_TEXT_RATIO = 2;
const FREE_TEXT = 400_000;
/** What a piece of text counts beside its characters, and what a chunk of them: a form that only draws others makes one. */
const ITEM_COST = 4;
const CHUNK_COST = 400;
/** Chunks between two rests: a millisecond or two of work. */
const CHUNKS = 8;
/** Pages named in a notice; of the others, only how many. */
const MAX_NAMED_PAGES = 20;

export async function parsePdf(
  bytes: Uint8Array<ArrayBuffer>,
  filename: string,
  room: UnpackingRoom,
  rest: Rest,
): Promise<ParsedDocument> {
  const unpacked = await measureStreams(bytes, room, rest);
  const pdf = await open(bytes);
  try {
    const budget = new TextBudget(unpacked + bytes.length);
    return await new PageReader(pdf, budget, rest).read(filename);
  } finally {
    // What it finds damaged while it lets go is nobody's any more.
    await pdf.destroy().catch(() => {});
  }
}

async function open(bytes: Uint8Array<ArrayBuffer>): Promise<PdfDocument> {
  // Loaded when needed: it is the largest part of the worker.
  const { getDocumentProxy } = await import('unpdf');
  let pdf: PdfDocument;
  try {
    // A copy, as the reader takes the bytes it is given away from others.
    pdf = await getDocumentProxy(bytes.slice(), { verbosity: 0 });
  } catch (error) {
    throw new UnreadableFile('invalid_file', 'the file is not a readable PDF', error);
  }
  if (pdf.numPages <= MAX_PDF_PAGES) return pdf;
  await pdf.destroy();
  throw new UnreadableFile(
    'invalid_file',
    `the PDF has ${pdf.numPages} pages, more than ${MAX_PDF_PAGES}: split it`,
  );
}

/** Bounds the text of pages by the bytes that draw it: a PDF may draw the same text many times. */
class TextBudget {
  private left: number;

  constructor(bytes: number) {
    this.left = FREE_TEXT + MAX_TEXT_RATIO * bytes;
  }

  spend(characters: number): void {
    this.left -= characters;
    if (this.left >= 0) return;
    throw new UnreadableFile(
      'invalid_file',
      'the PDF draws the same text again and again: print it to a new PDF',
    );
  }
}

class PageReader {
  private readonly pdf: PdfDocument;
  private readonly budget: TextBudget;
  private readonly rest: Rest;
  private readonly pages: Segment[][] = [];
  /** Of each page, what it has beside what it draws. */
  private readonly notes: string[] = [];
  private readonly empty: number[] = [];
  private readonly damaged: number[] = [];
  /** Pages that the document may name more than once. */
  private readonly known = new Set<string>();

  constructor(pdf: PdfDocument, budget: TextBudget, rest: Rest) {
    this.pdf = pdf;
    this.budget = budget;
    this.rest = rest;
  }

  async read(filename: string): Promise<ParsedDocument> {
    const title = await titleOf(this.pdf);
    let characters = 0;
    for (let number = 1; number <= this.pdf.numPages; number++) {
      const segments = await this.readSafely(number);
      characters += segments.reduce((sum, { text }) => sum + text.length + 1, 0);
      requireRoom(characters);
      this.pages.push(inReadingOrder(segments));
      await this.rest();
    }
    const builder = new DocumentBuilder(title || titleFromName(filename), title !== '');
    addParagraphs(builder, this.pages);
    for (const note of this.notes) builder.block(note);
    const document = builder.build();
    if (document.sections.length === 0) throw nothingIn(this.damaged);
    this.nameEmpty(document.leftOut);
    return document;
  }

  /** A page that can't be read is named; the others are read. */
  private async readSafely(number: number): Promise<Segment[]> {
    try {
      const page = await this.pdf.getPage(number);
      const key = page.ref ? `${page.ref.num} ${page.ref.gen}` : '';
      if (this.known.has(key)) return [];
      if (key !== '') this.known.add(key);
      const segments = await this.readPage(page);
      const notes = await this.readNotes(page);
      if (notes !== '') this.notes.push(notes);
      else if (segments.length === 0) this.empty.push(number);
      return segments;
    } catch (error) {
      if (error instanceof UnreadableFile) throw error;
      this.damaged.push(number);
      return [];
    }
  }

  private async readNotes(page: PdfPage): Promise<string> {
    const notes: string[] = [];
    for (const annotation of (await page.getAnnotations()) as Annotation[]) {
      const text = annotationText(annotation);
      this.budget.spend(text.length + CHUNK_COST);
      if (text !== '') notes.push(text);
    }
    return notes.join('\n');
  }

  private async readPage(page: PdfPage): Promise<Segment[]> {
    const segments = new SegmentReader();
    const reader = page.streamTextContent().getReader();
    try {
      for (let chunk = 1; ; chunk++) {
        const { done, value } = await reader.read();
        if (done) return segments.end();
        this.budget.spend(CHUNK_COST);
        for (const item of (value as { items: (TextItem | { type: string })[] }).items) {
          if (!('str' in item)) continue;
          this.budget.spend(item.str.length + ITEM_COST);
          segments.add(item);
        }
        if (chunk % CHUNKS === 0) await this.rest();
      }
    } catch (error) {
      await reader.cancel(error).catch(() => {});
      throw error;
    } finally {
      page.cleanup();
    }
  }

  private nameEmpty(leftOut: LeftOut[]): void {
    const { empty, damaged } = this;
    if (empty.length > 0) {
      const reason = 'no text: if they are pictures, recognise their text first (OCR)';
      leftOut.push({ name: pagesNamed(empty), reason });
    }
    if (damaged.length > 0) leftOut.push({ name: pagesNamed(damaged), reason: 'damaged' });
  }
}

async function titleOf(pdf: PdfDocument): Promise<string> {
  try {
    const info = (await pdf.getMetadata()).info as { Title?: unknown };
    return typeof info.Title === 'string' ? info.Title.trim() : '';
  } catch {
    return '';
  }
}

function nothingIn(damaged: readonly number[]): UnreadableFile {
  return new UnreadableFile(
    'invalid_file',
    damaged.length > 0
      ? 'the file is not a readable PDF'
      : 'the PDF has no text, only pictures: recognise its text first (OCR)',
  );
}

/** `page 3`, `pages 3, 5–7`. */
function pagesNamed(pages: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const page of pages) {
    const run = runs.at(-1);
    if (run && run[1] === page - 1) run[1] = page;
    else runs.push([page, page]);
  }
  const named = runs
    .slice(0, MAX_NAMED_PAGES)
    .map(([first, last]) => (first === last ? String(first) : `${first}–${last}`));
  const more = runs.length > MAX_NAMED_PAGES ? ' and others' : '';
  return `page${pages.length === 1 ? '' : 's'} ${named.join(', ')}${more}`;
}
