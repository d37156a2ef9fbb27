/**
 * Lines to headings and paragraphs: a PDF has neither, only text at places.
 * Headings are set larger than the body, paragraphs have a gap between them.
 */
import type { DocumentBuilder } from '../builder.ts';
import { isSameLine, type Segment } from './segments.ts';

/** Type this much larger than the body's is a heading. */
const HEADING_RATIO = 1.15;
/** And this much larger one of the first level. */
const TITLE_RATIO = HEADING_RATIO ** 3;
const MAX_HEADING = 120;
/** A gap between lines this much larger than the type parts paragraphs. */
const PARAGRAPH_GAP = 1.7;

interface Line {
  text: string;
  y: number;
  size: number;
}

/** @param pages segments of each page in reading order */
export function addParagraphs(builder: DocumentBuilder, pages: readonly Segment[][]): void {
  const lines = pages.map(linesOf);
  new ParagraphWriter(builder, bodySize(lines), wordsOf(lines)).write(lines);
}

/** Segments that follow each other on one baseline are one line: cells of a row. */
function linesOf(segments: readonly Segment[]): Line[] {
  const lines: { texts: string[]; y: number; size: number; right: number }[] = [];
  for (const { text, left, right, y, size } of segments) {
    const last = lines.at(-1);
    if (last && isSameLine(last, { y, size }) && left >= last.right) {
      last.texts.push(text);
      last.size = Math.max(last.size, size);
      last.right = right;
    } else {
      lines.push({ texts: [text], y, size, right });
    }
  }
  return lines.map(({ texts, y, size }) => ({ text: texts.join(' '), y, size }));
}

/** The type size that most characters are set in. */
function bodySize(pages: readonly (readonly Line[])[]): number {
  const characters = new Map<number, number>();
  for (const { size, text } of pages.flat()) {
    const rounded = Math.round(size * 2) / 2;
    characters.set(rounded, (characters.get(rounded) ?? 0) + text.length);
  }
  let body = 0;
  for (const [size, count] of characters) if (count > (characters.get(body) ?? 0)) body = size;
  return body;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:-[\p{L}\p{M}\p{N}]+)*/gu;

/** Words with a hyphen inside a line: where a line ends with one it is the word's. */
function wordsOf(pages: readonly (readonly Line[])[]): Set<string> {
  const words = new Set<string>();
  for (const { text } of pages.flat()) {
    if (!text.includes('-')) continue;
    for (const [word] of text.matchAll(WORD)) if (word.includes('-')) words.add(word.toLowerCase());
  }
  return words;
}

class ParagraphWriter {
  private readonly builder: DocumentBuilder;
  private readonly body: number;
  private readonly hyphenated: ReadonlySet<string>;
  private paragraph: string[] = [];
  private last: Line | null = null;

  constructor(builder: DocumentBuilder, body: number, hyphenated: ReadonlySet<string>) {
    this.builder = builder;
    this.body = body;
    this.hyphenated = hyphenated;
  }

  write(pages: readonly (readonly Line[])[]): void {
    for (const lines of pages) {
      for (const line of lines) this.add(line);
      // Text that continues on the next page is recognised by its words, not by the gap.
      if (this.last) this.last = { ...this.last, y: Number.NEGATIVE_INFINITY };
    }
    this.endParagraph();
  }

  private add(line: Line): void {
    const { last } = this;
    const isHeading = line.size >= this.body * HEADING_RATIO && line.text.length <= MAX_HEADING;
    const gap = last ? Math.abs(last.y - line.y) : 0;
    const parts = last !== null && gap > PARAGRAPH_GAP * Math.max(line.size, last.size);
    if (isHeading || (parts && !this.continues(line))) this.endParagraph();
    if (isHeading) {
      this.builder.heading(line.size >= this.body * TITLE_RATIO ? 1 : 2, line.text);
    } else {
      this.paragraph.push(line.text);
    }
    this.last = line;
  }

  /** Whether a sentence continues at the top of the next column or page. */
  private continues(line: Line): boolean {
    const { last } = this;
    const end = this.paragraph.at(-1) ?? '';
    const isNext = last !== null && (last.y === Number.NEGATIVE_INFINITY || line.y > last.y);
    return isNext && /[\p{L},-]$/u.test(end) && /^\p{Ll}/u.test(line.text);
  }

  private endParagraph(): void {
    if (this.paragraph.length > 0) this.builder.block(unwrap(this.paragraph, this.hyphenated));
    this.paragraph = [];
  }
}

/** Of the part of a word before a hyphen. */
const MAX_WORD = 64;
/** Hyphens at a line's end, the one that only shows there included. */
const PARTED = /([\p{L}\p{M}\p{N}-]*[\p{L}\p{N}])[-\u00AD\u2010]$/u;

/** Lines to running text. A word parted by a hyphen at a line's end is one again. */
function unwrap(lines: readonly string[], hyphenated: ReadonlySet<string>): string {
  const parts: string[] = [];
  lines.forEach((line, at) => {
    const next = lines[at + 1] ?? '';
    const begun = PARTED.exec(line.slice(-MAX_WORD))?.[1];
    const rest = /^[\p{L}\p{M}\p{N}-]*/u.exec(next)![0];
    if (begun === undefined || rest === '') {
      parts.push(line, ' ');
      return;
    }
    const isLower = /^\p{Ll}/u.test(rest) || (isUpper(begun) && isUpper(rest));
    const drops = isLower && !hyphenated.has(`${begun}-${rest}`.toLowerCase());
    parts.push(drops ? line.slice(0, -1) : `${line.slice(0, -1)}-`);
  });
  return parts.join('').trim();
}

/** Set in capitals throughout, and no single letter. */
function isUpper(text: string): boolean {
  return text.length > 1 && text === text.toUpperCase() && text !== text.toLowerCase();
}
